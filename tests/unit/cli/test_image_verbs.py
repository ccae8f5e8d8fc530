"""import, images and tag as users see them."""

from __future__ import annotations

import io
import json
import re
import tarfile
from typing import TYPE_CHECKING

import pytest

from mydocker.cli.main import mydocker
from mydocker.cli.outcome import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MYDOCKER_ROOT", f"{tmp_path}/root")
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("file"))
    (tmp_path / "x.tar").write_bytes(content.getvalue())
    return f"{tmp_path}/x.tar"


def call(capsys: pytest.CaptureFixture[str], *args: str, status: int = 0) -> str:
    assert run(mydocker, list(args)) == status
    captured = capsys.readouterr()
    return captured.err if status else captured.out


def test_import_and_list(archive: str, capsys: pytest.CaptureFixture[str]) -> None:
    image_id = call(capsys, "import", "-c", "USER x", archive, "box:1").strip().removeprefix("sha256:")
    call(capsys, "tag", "box:1", "registry.example:5000/other/box")
    nameless = call(capsys, "import", "-m", "hello", archive).strip().removeprefix("sha256:")
    lines = call(capsys, "images").splitlines()
    assert lines[0] == f"{'REPOSITORY':<34}TAG       IMAGE ID       CREATED                  SIZE"
    assert [line.split()[:3] for line in lines[1:]] == [
        ["<none>", "<none>", nameless[:12]],
        ["box", "1", image_id[:12]],
        ["registry.example:5000/other/box", "latest", image_id[:12]],
    ]
    assert call(capsys, "images", "-q").split() == [nameless[:12], image_id[:12], image_id[:12]]
    assert call(capsys, "images", "-q", "--no-trunc", "box").split() == [f"sha256:{image_id}"]
    assert call(capsys, "image", "ls", "box:2") == "REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n"
    assert call(capsys, "images", "-q", "nope") == ""
    row = json.loads(call(capsys, "images", "--format", "json", "box"))
    assert (row["Repository"], row["Tag"], row["ID"], row["Size"]) == ("box", "1", image_id[:12], "10.2kB")


def test_digests(archive: str, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "import", archive, "box")
    header, line = call(capsys, "images", "--digests").splitlines()
    assert header.split()[:3] == ["REPOSITORY", "TAG", "DIGEST"]
    assert line.split()[2].startswith("sha256:")


@pytest.mark.parametrize("verb", [["import", "--dry-run"], ["--dry-run", "import"]])
def test_dry_run_tells_and_does_nothing(archive: str, capsys: pytest.CaptureFixture[str], verb: list[str]) -> None:
    assert run(mydocker, [*verb, archive, "box"]) == 0
    told = capsys.readouterr().out
    words = [" ".join(line.split()[1:4]) for line in told.splitlines()]
    assert words == ["store layer from", "write the config", "write the manifest", "store image as"]
    assert call(capsys, "images", "-q") == ""


def test_explain_names_the_digest(archive: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(mydocker, ["import", "--explain=json", archive, "box"]) == 0
    told = capsys.readouterr()
    events = [json.loads(line) for line in told.err.splitlines()]
    assert [re.sub("sha256:[0-9a-f]{64}", "DIGEST", event["step"])[:25] for event in events[1:]] == [
        "write the config DIGEST i",
        "write the manifest DIGEST",
        "store image DIGEST as box",
    ]
    assert all(told.out.strip() in events[number]["step"] for number in (1, 3))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["tag", "nope", "x"],
            "mydocker: no such image: nope:latest\nhint: a registry may have it: mydocker pull nope:latest\n",
        ),
        (["import", "/nonexistent"], "mydocker: cannot import '/nonexistent': no such file or directory\n"),
        (["images", "A"], "mydocker: invalid reference format: repository name 'A' must be lowercase\n"),
    ],
)
def test_refusals_are_one_line(archive: str, capsys: pytest.CaptureFixture[str], args: list[str], message: str) -> None:
    assert call(capsys, *args, status=1) == message
