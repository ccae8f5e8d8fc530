"""The words of RUN --mount."""

from __future__ import annotations

import pytest

from mydocker.engine.build.mounts import RunMount, parse
from mydocker.errors import BadInput


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("target=/x", RunMount(kind="bind", target="/x", read_only=True)),
        ("type=bind,dst=x/y,src=a,rw", RunMount(kind="bind", target="/w/x/y", source="a")),
        ("destination=/x,from=one,source=/s,ro=false", RunMount(kind="bind", target="/x", source="/s", origin="one")),
        ("type=cache,target=/x", RunMount(kind="cache", target="/x", id="/x")),
        ("type=cache,target=x,readonly", RunMount(kind="cache", target="/w/x", id="x", read_only=True)),
        (
            "TYPE=cache,ID=a,target=/x/../y/,sharing=locked,mode=0700,uid=5,gid=6",
            RunMount(kind="cache", target="/y", id="a", sharing="locked", mode=0o700, uid=5, gid=6),
        ),
        ("type=tmpfs,target=/x,size=1.5m", RunMount(kind="tmpfs", target="/x", size=1572864)),
        ("type=secret,id=a/b", RunMount(kind="secret", target="/run/secrets/b", id="a/b", read_only=True)),
        ("type=secret,target=/home/.npmrc", RunMount(kind="secret", target="/home/.npmrc", id=".npmrc", read_only=True)),
        ("type=secret,id=t,env=TOKEN", RunMount(kind="secret", target="", id="t", env="TOKEN", read_only=True)),
        ("type=secret,id=t,required", RunMount(kind="secret", target="/run/secrets/t", id="t", required=True, read_only=True)),
        ("type=ssh", RunMount(kind="ssh", target="", id="default", read_only=True)),
        ('"target=/with,comma"', RunMount(kind="bind", target="/with,comma", read_only=True)),
        ("target=$D/${E:-e}", RunMount(kind="bind", target="/d/e", read_only=True)),
    ],
)
def test_mounts(text: str, wanted: RunMount) -> None:
    assert parse(text, {"D": "/d"}, "/w") == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a target is required"),
        ("type=volume,target=/x", "type is one of bind, cache, tmpfs, secret, ssh, not 'volume'"),
        ("type=bind", "a target is required"),
        ("target=/", "the target is the root"),
        ("target=..,type=tmpfs", "the target is the root"),
        ("target=/x,colour=red", "unknown key 'colour'"),
        ("target=/x,uid=4", "uid does not go with type bind"),
        ("target", "'target' must be KEY=VALUE"),
        ("type=cache,target=/x,sharing=all", "sharing is one of shared, private, locked, not 'all'"),
        ("type=cache,target=/x,mode=rwx", "mode is an octal number, not 'rwx'"),
        ("type=cache,target=/x,mode=10000", "mode is an octal number"),
        ("type=cache,target=/x,uid=-1", "uid is a number up to"),
        ("type=cache,target=/x,gid=4294967295", "gid is a number up to"),
        ("type=tmpfs,target=/x,size=much", "invalid size 'much'"),
        ("target=/x,ro,rw", "exclude each other"),
        ("target=/x,ro=maybe", "readonly is true or false, not 'maybe'"),
        ("type=secret", "a secret needs an id or a target"),
        ("type=secret,id=a,source=b", "expected one of them"),
        ("type=secret,id=a,env=1A", "env is the name of a variable"),
        ("type=secret,id=a,required=perhaps", "required is true or false"),
        ("target=/x,from=$STAGE", "from takes no variables"),
        ('"target=/x', "expected comma-separated"),
    ],
)
def test_bad_mounts(text: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(text, {}, "/")
    assert caught.value.message.startswith(f"invalid mount {text!r}: ") and words in caught.value.message


def test_variables_that_are_not_known_yet_are_no_mistake() -> None:
    assert parse("type=cache,target=/x,uid=$U,sharing=$S", None, "/") == RunMount(kind="cache", target="/x", id="/x")
    with pytest.raises(BadInput):
        parse("type=cache,target=/x,uid=$U,mode=9", None, "/")
