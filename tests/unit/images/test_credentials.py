"""Docker's config.json and its helpers."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from mydocker.errors import Damaged, StepFailed
from mydocker.images.credentials import Credentials, Keyring


def test_login_and_logout(tmp_path: Path) -> None:
    keyring = Keyring(str(tmp_path / "docker"))
    assert keyring.find("registry.example") is None
    assert not keyring.may_know("registry.example")
    keyring.forget("registry.example")
    keyring.keep("registry.example", Credentials(user="me", password="pass:word"))
    keyring.keep("docker.io", Credentials(user="hub", password="secret"))
    auths = json.loads(Path(keyring.path).read_text())["auths"]
    assert auths["https://index.docker.io/v1/"] == {"auth": base64.b64encode(b"hub:secret").decode()}
    assert os.stat(keyring.path).st_mode & 0o777 == 0o600
    found = keyring.find("registry.example")
    assert found and (found.user, found.password) == ("me", "pass:word")
    assert keyring.may_know("registry.example") and not keyring.helper("registry.example")
    keyring.forget("registry.example")
    assert keyring.find("registry.example") is None
    assert keyring.find("docker.io")


def test_other_settings_are_kept(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"detachKeys": "ctrl-a", "auths": {}}')
    Keyring(str(tmp_path)).keep("r.example", Credentials(user="me", password="x"))
    assert json.loads((tmp_path / "config.json").read_text())["detachKeys"] == "ctrl-a"


def test_helpers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "docker-credential-test"
    helper.write_text(
        f'#!/bin/sh\nread line || :\necho "$1 $line" >> {tmp_path}/log\n'
        '[ "$1 $line" != "get missing.example" ] || { echo credentials not found in native keychain; exit 1; }\n'
        '[ "$1 $line" != "get broken.example" ] || { echo the keychain is locked; exit 1; }\n'
        'case "$1 $line" in "get token.example") echo \'{"Username": "<token>", "Secret": "t"}\';; '
        'get*) echo \'{"Username": "u", "Secret": "s"}\';; esac\n'
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "config.json").write_text('{"credHelpers": {"other.example": "nosuch"}, "credsStore": "test"}')
    keyring = Keyring(str(tmp_path))
    found = keyring.find("registry.example")
    assert found and (found.user, found.password, found.token) == ("u", "s", "")
    token = keyring.find("token.example")
    assert token and token.token == "t"
    assert keyring.find("missing.example") is None
    with pytest.raises(StepFailed, match="docker-credential-test get: the keychain is locked"):
        keyring.find("broken.example")
    with pytest.raises(StepFailed, match="docker-credential-nosuch: No such file"):
        keyring.find("other.example")
    assert keyring.helper("registry.example") == "test"
    keyring.keep("registry.example", Credentials(user="me", password="geheim"))
    assert "geheim" not in Path(keyring.path).read_text()
    assert keyring.may_know("registry.example")
    keyring.forget("registry.example")
    assert 'store {"ServerURL": "registry.example", "Username": "me", "Secret": "geheim"}' in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"auths": {"r.example": {"auth": "!"}}}', "the auth of r.example is not base64"),
        ("[]", r"\[\]: expected an object"),
        ('{"auths": 5}', "auths 5: expected an object"),
        ('{"auths": {"r.example": 5}}', "auths.r.example 5: expected an object"),
        ('{"auths": {"r.example": {"auth": 5}}}', "auths.r.example.auth 5: expected a text"),
        ('{"credsStore": 5}', "credsStore 5: expected a text"),
    ],
)
def test_damage(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(Damaged, match=f"config.json: {problem}"):
        Keyring(str(tmp_path)).find("r.example")


@pytest.mark.parametrize("answer", ["", "x", "[]", '{"Username": "u"}', '{"Username": "u", "Secret": 5}', "[" * 100_000])
def test_a_helper_that_answers_nonsense(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    (tmp_path / "answer").write_text(answer + "\n")
    helper = tmp_path / "docker-credential-test"
    helper.write_text(f"#!/bin/sh\ncat {tmp_path}/answer\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "config.json").write_text('{"credsStore": "test"}')
    with pytest.raises(StepFailed, match="docker-credential-test get: an answer that is no credentials"):
        Keyring(str(tmp_path)).find("r.example")
