"""--secret and --ssh."""

from __future__ import annotations

from pathlib import Path

import pytest

from mydocker.engine.build.secrets import agents, secrets
from mydocker.errors import BadInput


def test_secrets_are_files_and_variables(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_bytes(b"in a file\n")
    texts = [f"id=a,src={path}", f"id=b,type=file,source={path}", "id=c,env=V", "id=V", "type=env,id=d,src=V"]
    found = secrets(texts, {"V": "in a variable"})
    assert {name: secret.read() for name, secret in found.items()} == {
        "a": b"in a file\n",
        "b": b"in a file\n",
        "c": b"in a variable",
        "V": b"in a variable",
        "d": b"in a variable",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("src=x", "expected id=ID"),
        ("id=a,src=/none", "cannot read '/none': No such file"),
        ("id=a,src=/", "Is a directory"),
        ("id=none", "No such file"),
        ("id=a,env=NONE", "there is no variable 'NONE'"),
        ("id=a,src=x,env=V", "expected a file (src=FILE) or a variable"),
        ("id=a,type=vault", "expected a file"),
        ("id=a,colour=red", "'colour=red' is none of"),
        ("", "expected id=ID"),
    ],
)
def test_bad_secrets(text: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        secrets([text], {"V": "v"})
    assert words in caught.value.message


def test_a_secret_is_not_longer_than_buildkit_takes(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(bytes(500 * 1024 + 1))
    with pytest.raises(BadInput, match="has more than 512000 bytes"):
        secrets([f"id=a,src={tmp_path}/s"], {})


def test_agents(tmp_path: Path) -> None:
    (tmp_path / "k").touch()
    assert agents(["default", f"a={tmp_path}/k,{tmp_path}/k"], {"SSH_AUTH_SOCK": str(tmp_path)}) == {
        "default": [str(tmp_path)],
        "a": [f"{tmp_path}/k"] * 2,
    }
    for text, words in (("default", "or an agent in SSH_AUTH_SOCK"), ("=x", "expected default"), (f"a={tmp_path}/none", "no such file")):
        with pytest.raises(BadInput, match=words):
            agents([text], {})
