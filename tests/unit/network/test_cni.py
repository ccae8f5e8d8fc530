"""CNI chains, with plugins that write down how they are called."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mydocker.errors import BadInput, NotFound, StepFailed
from mydocker.network import cni
from mydocker.paths import Paths

Make = Callable[..., Any]
RESULT = {
    "cniVersion": "1.0.0",
    "interfaces": [{"name": "br"}, {"name": "eth0", "mac": "02:00:00:00:00:07", "sandbox": "/proc/7/ns/net"}],
    "ips": [{"address": "10.6.0.7/24", "gateway": "10.6.0.1", "interface": 1}, {"address": "fd06::7/64"}],
}


class Chain:
    """Two plugins in a directory; `calls` are (plugin, command, standard input) in order."""

    def __init__(self, directory: Path, network: Any, endpoint: Any) -> None:
        self.directory = directory
        self.network = network
        self.endpoint = endpoint
        self.plugin("one")
        self.plugin("two")
        plugins = [{"type": "one", "key": 1}, {"type": "two", "capabilities": {"portMappings": True}}]
        self.configuration = directory / "chain.conflist"
        self.configuration.write_text(json.dumps({"cniVersion": "1.0.0", "name": "mine", "plugins": plugins}))
        self.network["options"] |= {"conf": str(self.configuration), "path": str(directory)}

    def plugin(self, name: str, result: Any = RESULT, status: int = 0) -> None:
        path = self.directory / name
        log = f'{{ printf "%s %s %s %s " {name} $CNI_COMMAND $CNI_CONTAINERID $CNI_NETNS; tr -d "\\n"; echo; }} >> {self.directory}/log'
        path.write_text(
            f"#!/bin/sh\n{log}\n[ $CNI_COMMAND = DEL ] || printf %s '{json.dumps(result)}'\n[ $CNI_COMMAND = DEL ] || exit {status}\n"
        )
        path.chmod(0o755)

    @property
    def calls(self) -> list[tuple[str, str, Any]]:
        lines = [line.split(" ", 4) for line in (self.directory / "log").read_text().splitlines()]
        return [(words[0], words[1], json.loads(words[4])) for words in lines]

    def run(self, action: str, namespace: str = "/proc/7/ns/net") -> None:
        cni.RunChain(action, self.network, self.endpoint, namespace).apply()


@pytest.fixture
def chain(tmp_path: Path, make_network: Make, make_endpoint: Make) -> Chain:
    return Chain(tmp_path, make_network(driver="cni"), make_endpoint(driver="cni", mac=""))


def test_each_plugin_gets_its_part_and_the_result_before(chain: Chain, make_published: Make) -> None:
    chain.endpoint["published"] = [make_published(port=8080, container=80, address="")]
    chain.run("ADD")
    (one, add, first), (two, _, second) = chain.calls
    assert (one, two, add) == ("one", "two", "ADD")
    assert first == {"type": "one", "key": 1, "cniVersion": "1.0.0", "name": "mine"}
    assert second["prevResult"] == RESULT
    assert second["runtimeConfig"] == {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}
    assert chain.endpoint["addresses"] == [
        {"address": "10.6.0.7", "prefix": 24, "gateway": "10.6.0.1"},
        {"address": "fd06::7", "prefix": 64, "gateway": ""},
    ]
    assert (chain.endpoint["mac"], chain.endpoint["result"]) == ("02:00:00:00:00:07", RESULT)


def test_it_is_undone_backwards_with_the_last_result(chain: Chain) -> None:
    chain.run("ADD")
    chain.run("DEL", "")
    assert [(name, action) for name, action, _ in chain.calls[2:]] == [("two", "DEL"), ("one", "DEL")]
    assert chain.calls[2][2]["prevResult"] == RESULT


def test_a_failure_is_told_in_the_plugins_words_and_undone(chain: Chain) -> None:
    chain.plugin("two", {"code": 7, "msg": "no ports left", "details": "all taken"}, 1)
    with pytest.raises(StepFailed, match="CNI plugin two ADD: no ports left all taken"):
        chain.run("ADD")
    assert [(name, action) for name, action, _ in chain.calls] == [("one", "ADD"), ("two", "ADD"), ("two", "DEL"), ("one", "DEL")]


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        ({"ips": [{"gateway": "10.6.0.1"}]}, "ips[0].address is missing"),
        ("eth0", "'eth0': expected an object"),
        ({"ips": 7}, "ips 7: expected a list"),
    ],
)
def test_a_result_that_is_none_is_a_failure_too(chain: Chain, result: Any, problem: str) -> None:
    chain.plugin("one", result)
    with pytest.raises(StepFailed) as raised:
        chain.run("ADD")
    assert raised.value.message == f"CNI plugin one: not a CNI result: {problem}"
    assert [(name, action) for name, action, _ in chain.calls] == [("one", "ADD"), ("two", "DEL"), ("one", "DEL")]


def test_one_plugin_alone_is_a_chain_too(chain: Chain) -> None:
    chain.configuration.write_text(json.dumps({"cniVersion": "0.3.1", "name": "single", "type": "one"}))
    assert [plugin["type"] for plugin in cni.chain(chain.network)["plugins"]] == ["one"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"name": "x", "plugins": [{}]}', '{"name": 1, "plugins": []}', '{"plugins": 3, "name": "x"}']
)
def test_what_is_no_configuration(chain: Chain, text: str) -> None:
    chain.configuration.write_text(text)
    with pytest.raises(BadInput, match="not a CNI configuration"):
        cni.chain(chain.network)


def test_what_is_not_there(chain: Chain) -> None:
    with pytest.raises(NotFound, match="no such CNI plugin: \\.\\./one"):
        cni.find_plugin(chain.network, "../one")
    chain.network["options"]["conf"] = "/no/such"
    with pytest.raises(NotFound, match="no such CNI configuration"):
        cni.chain(chain.network)


def test_ports_need_the_capability(chain: Chain) -> None:
    subject = cni.CniDriver(Paths())
    subject.check_publishing(chain.network)
    chain.configuration.write_text(json.dumps({"name": "single", "type": "one"}))
    with pytest.raises(BadInput, match="portMappings"):
        subject.check_publishing(chain.network)
