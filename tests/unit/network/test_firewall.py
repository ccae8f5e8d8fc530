"""Which program writes the rules: iptables only where nft cannot."""

from __future__ import annotations

import pytest

from mydocker.errors import StepFailed
from mydocker.kernel import programs
from mydocker.network import firewall


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The programs that were run."""
    ran: list[str] = []
    monkeypatch.setattr(programs, "find", lambda name: f"/sbin/{name}")

    def call(argv: list[str], text: str = "") -> tuple[int, str, str]:
        ran.append(argv[0].removeprefix("/sbin/"))
        return NFT if argv[0] == "/sbin/nft" else (0, "", "")

    monkeypatch.setattr(programs, "call", call)
    return ran


NFT = (0, "", "")


def nft_ends(monkeypatch: pytest.MonkeyPatch, status: int, words: str) -> None:
    monkeypatch.setitem(globals(), "NFT", (status, "", words))


@pytest.mark.parametrize("words", ["Error: syntax error, unexpected dnat", "Error: Could not process rule: Operation not supported", ""])
def test_where_nft_is_too_old_iptables_writes(monkeypatch: pytest.MonkeyPatch, called: list[str], words: str) -> None:
    nft_ends(monkeypatch, 1, words)
    firewall.write_all("mydocker", [], [])
    assert called[:2] == ["nft", "iptables-restore"]


@pytest.mark.parametrize(
    ("status", "words", "told"),
    [
        (-9, "", "nft: signal 9 ended it"),
        (1, "netlink: Error: cache initialization failed: Cannot allocate memory\n", "nft: netlink: Error: cache initialization failed: "),
        (1, "Error: Could not process rule: Device or resource busy\nadd", "nft: Error: Could not process rule: Device or resource busy"),
        (1, "Error: Too many open files", "nft: Error: Too many open files"),
    ],
)
def test_nft_that_fails_once_is_no_reason_for_iptables(
    monkeypatch: pytest.MonkeyPatch, called: list[str], status: int, words: str, told: str
) -> None:
    nft_ends(monkeypatch, status, words)
    with pytest.raises(StepFailed) as failure:
        firewall.write_all("mydocker", [], [])
    assert failure.value.message.startswith(told)
    assert called == ["nft"]


def test_the_rules_of_the_last_network_with_ipv6_go_from_iptables(monkeypatch: pytest.MonkeyPatch, called: list[str]) -> None:
    nft_ends(monkeypatch, 1, "Error: syntax error")
    firewall.write_all("mydocker", [], [])
    assert called.count("ip6tables") > 5 and "ip6tables-restore" not in called


@pytest.mark.parametrize(
    ("has_table", "listed"),
    [
        (True, 'elements = { tcp . 8080 comment "0123456789ab" : 172.17.0.2 . 80 }'),
        (False, '-A MYD-PORTS -p tcp -m tcp --dport 8080 -m comment --comment "0123456789ab" -j DNAT --to-destination 172.17.0.2:80'),
    ],
    ids=["nft", "iptables"],
)
def test_whose_ports_the_rules_lead(monkeypatch: pytest.MonkeyPatch, has_table: bool, listed: str) -> None:
    monkeypatch.setattr(firewall, "has_table", lambda table: has_table)
    monkeypatch.setattr(programs, "find", lambda name: f"/sbin/{name}")
    monkeypatch.setattr(programs, "call", lambda argv, text="": (0, listed, ""))
    assert firewall.owners("mydocker") == {"0123456789ab"}
