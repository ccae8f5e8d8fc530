"""--change, instruction by instruction."""

from typing import Any

import pytest

from mydocker.errors import BadInput
from mydocker.images.change import apply, nanoseconds

BASE: Any = {
    "Env": ["PATH=/bin", "A=1"],
    "Cmd": ["old"],
    "Entrypoint": ["old"],
    "WorkingDir": "/srv",
    "Labels": {"x": "y"},
    "ExposedPorts": {"1/tcp": {}},
    "Volumes": {"/v": {}},
    "OnBuild": ["RUN a"],
}


@pytest.mark.parametrize(
    ("change", "key", "value"),
    [
        ('CMD ["sh", "-c", "a b"]', "Cmd", ["sh", "-c", "a b"]),
        ("CMD echo $HOME 'x'", "Cmd", ["/bin/sh", "-c", "echo $HOME 'x'"]),
        ("CMD [not json]", "Cmd", ["/bin/sh", "-c", "[not json]"]),
        ("CMD [1]", "Cmd", ["/bin/sh", "-c", "[1]"]),
        ("CMD []", "Cmd", []),
        ("cmd true", "Cmd", ["/bin/sh", "-c", "true"]),
        ('ENTRYPOINT ["/init"]', "Entrypoint", ["/init"]),
        ("ENTRYPOINT exec top", "Entrypoint", ["/bin/sh", "-c", "exec top"]),
        ("ENV A=2 B='x y'", "Env", ["PATH=/bin", "A=2", "B=x y"]),
        ("ENV B one two", "Env", ["PATH=/bin", "A=1", "B=one two"]),
        ("ENV PATH=$PATH:/x B=$A", "Env", ["PATH=/bin:/x", "A=1", "B=1"]),
        ("ENV B=a=b", "Env", ["PATH=/bin", "A=1", "B=a=b"]),
        ("ENV B=", "Env", ["PATH=/bin", "A=1", "B="]),
        ("EXPOSE 80 53/UDP", "ExposedPorts", {"1/tcp": {}, "80/tcp": {}, "53/udp": {}}),
        ("EXPOSE 8000-8002", "ExposedPorts", {"1/tcp": {}, "8000/tcp": {}, "8001/tcp": {}, "8002/tcp": {}}),
        ('LABEL a=b "c d"="e f"', "Labels", {"x": "y", "a": "b", "c d": "e f"}),
        ("LABEL x new", "Labels", {"x": "new"}),
        ("USER app:app", "User", "app:app"),
        ("USER ${A}", "User", "1"),
        ("WORKDIR /a//b/../c", "WorkingDir", "/a/c"),
        ("WORKDIR sub dir", "WorkingDir", "/srv/sub dir"),
        ("WORKDIR ../../..", "WorkingDir", "/"),
        ("WORKDIR /a/", "WorkingDir", "/a/"),
        ("WORKDIR a/", "WorkingDir", "/srv/a"),
        ("CMD " + "[" * 100000, "Cmd", ["/bin/sh", "-c", "[" * 100000]),
        ("EXPOSE '80 81'", "ExposedPorts", {"1/tcp": {}, "80/tcp": {}, "81/tcp": {}}),
        ("WORKDIR //", "WorkingDir", "/"),
        ('VOLUME ["/data", "/log"]', "Volumes", {"/v": {}, "/data": {}, "/log": {}}),
        ('VOLUME ["/$A"]', "Volumes", {"/v": {}, "/1": {}}),
        ("VOLUME /data /log", "Volumes", {"/v": {}, "/data": {}, "/log": {}}),
        ("STOPSIGNAL SIGQUIT", "StopSignal", "SIGQUIT"),
        ("STOPSIGNAL 9", "StopSignal", "9"),
        ("STOPSIGNAL RTMIN+3", "StopSignal", "RTMIN+3"),
        ("ONBUILD RUN make", "OnBuild", ["RUN a", "RUN make"]),
        ("HEALTHCHECK NONE", "Healthcheck", {"Test": ["NONE"]}),
        ("HEALTHCHECK CMD curl x", "Healthcheck", {"Test": ["CMD-SHELL", "curl x"]}),
        (
            'HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=2s --retries=3 CMD ["a"]',
            "Healthcheck",
            {"Test": ["CMD", "a"], "Interval": 90 * 10**9, "Timeout": 5 * 10**8, "StartPeriod": 2 * 10**9, "Retries": 3},
        ),
    ],
)
def test_change(change: str, key: str, value: object) -> None:
    changed: Any = apply(BASE, [change])
    assert changed[key] == value


def test_the_rest_is_kept_and_the_argument_untouched() -> None:
    before = repr(BASE)
    assert apply(BASE, ["USER a", "USER b"]) == {**BASE, "User": "b"}
    assert repr(BASE) == before


@pytest.mark.parametrize(
    ("changes", "cmd"),
    [
        (["ENTRYPOINT a"], None),
        (['CMD ["x"]', 'ENTRYPOINT ["a"]'], ["x"]),
        (['ENTRYPOINT ["a"]', 'CMD ["x"]'], ["x"]),
        (["USER x"], ["old"]),
    ],
)
def test_an_entrypoint_forgets_the_old_command(changes: list[str], cmd: list[str] | None) -> None:
    assert apply(BASE, changes).get("Cmd") == cmd


def test_later_instructions_see_earlier_ones() -> None:
    result = apply({}, ["ENV ROOT=/opt", "ENV D=$ROOT/d", "WORKDIR $D", "WORKDIR e"])
    assert (result["Env"], result["WorkingDir"]) == (["ROOT=/opt", "D=/opt/d"], "/opt/d/e")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("RUN make", "run is not a valid change command"),
        ("FROM x", "from is not a valid change command"),
        ("", " is not a valid change command"),
        ("CMD", "CMD requires at least one argument"),
        ("ENV A", "ENV must have two arguments: 'A'"),
        ("ENV A=1 B", "can't find = in 'B'"),
        ("ENV =1", "can't find = in '=1'"),
        ("LABEL a", "LABEL must have two arguments"),
        ("EXPOSE 0", "invalid port '0'"),
        ("EXPOSE 65536", "invalid port '65536'"),
        ("EXPOSE 9-8", "invalid port '9-8'"),
        ("EXPOSE 80/xyz", "invalid port '80/xyz'"),
        ("EXPOSE http", "invalid port 'http'"),
        ("EXPOSE -80", "invalid port '-80'"),
        ("USER a b", "USER requires exactly one argument: 'a b'"),
        ('VOLUME [""]', "VOLUME specified can not be an empty string"),
        ("STOPSIGNAL SIGNOPE", "invalid signal 'SIGNOPE'"),
        ("STOPSIGNAL 65", "invalid signal '65'"),
        ("STOPSIGNAL TERM+1", "invalid signal"),
        ("ONBUILD ONBUILD RUN x", "chaining ONBUILD"),
        ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
        ("HEALTHCHECK curl", "invalid HEALTHCHECK 'CURL'"),
        ("HEALTHCHECK CMD", "invalid HEALTHCHECK 'CMD'"),
        ("HEALTHCHECK NONE x", "invalid HEALTHCHECK 'NONE x'"),
        ("HEALTHCHECK --retries=0 CMD x", "invalid HEALTHCHECK option '--retries=0'"),
        ("HEALTHCHECK --interval=5 CMD x", "invalid duration '5'"),
        ("USER 'a", "unterminated quote"),
    ],
)
def test_refused(change: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        apply(BASE, [change])
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(("text", "value"), [("1s", 10**9), ("1.5h", 5400 * 10**9), ("2m3s", 123 * 10**9), ("1ms", 10**6)])
def test_nanoseconds(text: str, value: int) -> None:
    assert nanoseconds(text) == value


@pytest.mark.parametrize("text", ["", "s", "1", "1x", "1s2", "-1s", "1us", "0s"])
def test_bad_durations(text: str) -> None:
    with pytest.raises(BadInput, match="invalid duration"):
        nanoseconds(text)
