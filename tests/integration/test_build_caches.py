"""Caches of builds elsewhere: --cache-to and --cache-from, in directories, a registry and images; damaged, hostile and half written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from builds import Builds
from test_travel import HOST, registry  # noqa: F401  # a fixture

DOCKERFILE = """FROM busybox AS one
ENV A=1
RUN echo one > /one
FROM busybox
RUN echo first > /first
COPY file /file
RUN true
COPY --from=one /one /one
LABEL x=y
RUN cat /first /file /one > /all
CMD ["cat", "/all"]
"""
STEPS = 9  # those that can be cached, of both stages


@pytest.fixture
def make(build: Builds) -> Builds:
    build.file("file", "text")
    return build


class Elsewhere:
    """Another ROOT with the same base image."""

    def __init__(self, mydocker: Any) -> None:
        self.mydocker = mydocker
        self.roots = {"MYDOCKER_ROOT": f"{mydocker.directory}/other/root", "MYDOCKER_STATE": f"{mydocker.directory}/other/state"}
        mydocker.sh("{mydocker} save -o busybox.tar busybox")
        assert self("load", "-q", "-i", "busybox.tar").rc == 0

    def __call__(self, *words: str) -> Any:
        return self.mydocker(*words, env=self.roots)

    def build(self, *flags: str) -> Any:
        result = self("build", "-t", "made:1", "--network", "none", *flags, "ctx")
        assert result.rc == 0, (result.stdout, result.stderr)
        return result

    def id(self) -> str:
        return str(self("image", "inspect", "-f", "{{.Id}}", "made:1").stdout)

    def forget(self) -> None:
        """Have nothing but the base image."""
        self("rmi", "-f", "made:1")
        self("builder", "prune", "-f")
        self("image", "prune", "-f")
        assert self("images", "-aq").stdout.count("\n") == 1


@pytest.fixture
def other(mydocker: Any) -> Iterator[Elsewhere]:
    made = Elsewhere(mydocker)
    yield made
    assert made("ps", "-aq").stdout == "" and made("system", "check").stdout == ""
    mydocker.sh("rm -rf other busybox.tar cache")


def cached(result: Any) -> int:
    return int(result.stdout.count("Using cache"))


def id_of(build: Builds) -> str:
    return str(build.inspect()["Id"]) + "\n"


def test_a_directory(make: Builds, other: Elsewhere) -> None:
    make(DOCKERFILE, "--cache-to", "type=local,dest=cache,mode=max")
    result = other.build("--cache-from", "type=local,src=cache")
    assert cached(result) == STEPS and "Warning" not in result.stdout
    assert other.id() == id_of(make)
    assert other("run", "--rm", "--network", "none", "made:1").stdout == "first\ntext\none\n"
    # Only the layers of the image are here, under no key.
    assert other("images", "-aq").stdout.count("\n") == 2
    assert cached(other.build()) == 0


def test_a_directory_is_an_image_layout_that_holds_one_cache(make: Builds) -> None:
    mydocker = make.mydocker
    for text in ("x", "y"):
        make.file("file", text)
        make(DOCKERFILE, "--cache-to", "type=local,dest=cache")
    listed = json.loads(mydocker.sh("cat cache/index.json").stdout)["manifests"]
    assert [sorted(entry["annotations"]) for entry in listed] == [["mydocker.built", "mydocker.sizes", "mydocker.steps"]]
    manifest = json.loads(mydocker.sh(f"cat cache/blobs/sha256/{listed[0]['digest'][7:]}").stdout)
    wanted = {listed[0]["digest"], manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])}
    assert {f"sha256:{name}" for name in mydocker.sh("ls cache/blobs/sha256").stdout.split()} == wanted
    assert mydocker.sh("ls cache/staging").stdout == ""
    mydocker.sh("rm -r cache")


def test_other_images_of_a_layout_stay(make: Builds, other: Elsewhere) -> None:
    mydocker = make.mydocker
    mydocker.sh("mkdir cache; tar xf busybox.tar -C cache; cp cache/index.json before")
    before = json.loads(mydocker.sh("cat before").stdout)["manifests"]
    make(DOCKERFILE, "--cache-to", "type=local,dest=cache")
    assert json.loads(mydocker.sh("cat cache/index.json").stdout)["manifests"][: len(before)] == before
    assert other.build("--cache-from", "type=local,src=cache").rc == 0


def test_mode_min_has_the_last_stage_only(make: Builds, other: Elsewhere) -> None:
    make(DOCKERFILE, "--cache-to", "type=local,dest=cache")
    assert cached(other.build("--cache-from", "type=local,src=cache")) == STEPS - 2  # ENV and RUN of the first stage
    assert other.id() == id_of(make)


def test_what_changed_is_built_on_what_the_cache_has(make: Builds, other: Elsewhere) -> None:
    make(DOCKERFILE, "--cache-to", "type=local,dest=cache,mode=max")
    make.file("Dockerfile", DOCKERFILE.replace("> /all", "> /all; cp /all /more"))
    flags = ("--cache-from", "type=local,src=cache", "--cache-to", "type=local,dest=cache,mode=max")
    result = other.build(*flags)
    assert cached(result) == STEPS - 2  # RUN, and CMD after it
    assert other("run", "--rm", "--network", "none", "made:1", "cat", "/more").stdout == "first\ntext\none\n"
    made = other.id()
    other.forget()
    assert cached(other.build(*flags)) == STEPS and other.id() == made  # the cache that was written has all of it
    assert other("image", "history", "-q", "made:1").rc == 0


def test_a_registry(make: Builds, other: Elsewhere, registry: Any) -> None:  # noqa: F811
    name = f"{HOST}/cache:main"
    make(DOCKERFILE, "--cache-to", f"type=registry,ref={name},mode=max")
    assert cached(other.build("--cache-from", f"type=registry,ref={name}")) == STEPS
    assert other.id() == id_of(make)
    other.forget()
    assert cached(other.build("--cache-from", name)) == STEPS
    other.forget()
    missing = other.build("--cache-from", f"type=registry,ref={HOST}/cache:none")
    assert (
        cached(missing) == 0
        and f"[Warning] the cache {HOST}/cache:none is not used: manifest none of cache does not exist" in missing.stdout
    )


def test_inline(make: Builds, other: Elsewhere, registry: Any) -> None:  # noqa: F811
    name = f"{HOST}/inline:1"
    make.file("Dockerfile", DOCKERFILE)
    pushed = make.mydocker("build", "-t", name, "--push", "--network", "none", "--cache-to", "type=inline", "ctx")
    assert pushed.rc == 0, pushed.stderr
    make.mydocker("tag", name, "made:1")
    result = other.build("--cache-from", name, "--cache-to", "type=inline")
    assert cached(result) == STEPS - 2  # the image has no layer of the first stage
    assert other.id() == id_of(make)
    # It is no cache of what is made of it.
    make.file("Dockerfile", "FROM made:1\nRUN true\n")
    assert other("build", "-t", "child", "--network", "none", "ctx").rc == 0
    make.mydocker.sh(
        f"env {' '.join(f'{key}={value}' for key, value in other.roots.items())} {make.mydocker.command} save -o child.tar child"
    )
    assert make.mydocker.sh("tar xOf child.tar | grep -a -c mydocker.steps").stdout == "0\n"
    make.mydocker.sh("rm child.tar")
    other("rmi", "-f", "child", "made:1")


def test_an_image_that_is_here(make: Builds, other: Elsewhere) -> None:
    make(DOCKERFILE, "--cache-to", "type=inline")
    make.mydocker.sh("{mydocker} save -o inline.tar made:1")
    assert other("load", "-q", "-i", "inline.tar").rc == 0
    assert cached(other.build("--cache-from", "made:1", "--cache-to", "type=inline")) == STEPS - 2
    assert other.id() == id_of(make)
    make.mydocker.sh("rm inline.tar")
    assert "is not used: no build of mydocker's has left its keys there" in other.build("--cache-from", "busybox").stdout


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("rm -r cache", "there is no index.json that lists anything"),
        ("echo '{' > cache/index.json", "not valid JSON"),
        ("sed -i s/mydocker.steps/mydocker.other/ cache/index.json", "no build of mydocker's has left its keys there"),
        ("sed -i 's/mydocker.steps\": *\"/&aa,bb,cc,dd,ee,ff,gg,hh,ii,jj,kk,/' cache/index.json", "do not fit"),
        ("rm cache/index.json; mkdir cache/index.json", "index.json"),
        ("rm cache/blobs/sha256/$(sed 's/.*sha256:\\([0-9a-f]*\\)\".*/\\1/' cache/index.json)", "is missing"),
        ("for each in cache/blobs/sha256/*; do gzip -t $each 2>/dev/null && rm $each; done", "is missing"),
        ("for each in cache/blobs/sha256/*; do gzip -t $each 2>/dev/null && gzip < ctx/file > $each; done", "sha256:"),
    ],
)
def test_a_cache_that_cannot_be_read_is_a_warning(make: Builds, other: Elsewhere, damage: str, words: str) -> None:
    make(DOCKERFILE, "--cache-to", "type=local,dest=cache")
    make.mydocker.sh(damage)
    result = other.build("--cache-from", "type=local,src=cache")
    [line] = [line for line in result.stdout.splitlines() if line.startswith("[Warning]")]
    assert words in line and "cache is not used: " in line
    assert other("run", "--rm", "--network", "none", "made:1").stdout == "first\ntext\none\n"


def exchange(build: Builds, old: dict[str, str], new: dict[str, str]) -> None:
    """Have the cache claim the keys of another one."""
    build.mydocker.sh("; ".join(f"sed -i s/{old[key]}/{new[key]}/ cache/index.json" for key in ("mydocker.steps", "mydocker.built")))


def test_a_cache_counts_only_for_builds_that_name_it(make: Builds, other: Elsewhere) -> None:
    """Whoever writes a cache says what lies behind its keys. What another build makes is not of it, nor what the same one makes later."""
    make.file("file", "poison")
    make("FROM busybox\nCOPY file /file\nRUN cat /file > /copy\nRUN true\n", "--cache-to", "type=local,dest=cache")
    bad = json.loads(make.mydocker.sh("cat cache/index.json").stdout)["manifests"][0]["annotations"]
    make.file("file", "honest")
    make("FROM busybox\nCOPY file /file\nRUN cat /file > /copy\nRUN true\n", "--cache-to", "type=local,dest=good")
    good = json.loads(make.mydocker.sh("cat good/index.json").stdout)["manifests"][0]["annotations"]
    exchange(make, bad, good)

    def copy() -> str:
        return str(other("run", "--rm", "--network", "none", "made:1", "cat", "/copy").stdout)

    # One more step, so that a layer is built here on top of what came from there.
    make.file("Dockerfile", "FROM busybox\nCOPY file /file\nRUN cat /file > /copy\nRUN true\nRUN echo > /last\n")
    other.build("--cache-from", "type=local,src=cache")
    assert copy() == "poison\n"
    for _ in range(2):
        other.build()
        assert copy() == "honest\n"
    make.file("Dockerfile", "FROM busybox\nCOPY file /file\nRUN cat /file > /copy\nRUN true\n")
    other.build("--cache-from", "type=local,src=cache", "--no-cache-filter", "0")
    assert copy() == "honest\n"
    make.mydocker.sh("rm -r good")


def test_what_the_dockerfile_sets_is_not_the_caches_to_say(make: Builds, other: Elsewhere) -> None:
    make("FROM busybox\nRUN echo > /x\nCMD evil\n", "--cache-to", "type=local,dest=cache")
    evil = json.loads(make.mydocker.sh("cat cache/index.json").stdout)["manifests"][0]["annotations"]
    make("FROM busybox\nRUN echo > /x\nCMD good\n", "--cache-to", "type=local,dest=good")
    good = json.loads(make.mydocker.sh("cat good/index.json").stdout)["manifests"][0]["annotations"]
    exchange(make, evil, good)
    assert cached(other.build("--cache-from", "type=local,src=cache")) == 2
    assert other("image", "inspect", "-f", "{{.Config.Cmd}}", "made:1").stdout == "[/bin/sh -c good]\n"
    make.mydocker.sh("rm -r good")


def test_a_killed_writer_leaves_the_cache_that_was_there(make: Builds, other: Elsewhere) -> None:
    mydocker = make.mydocker
    make(DOCKERFILE, "--cache-to", "type=local,dest=cache")
    before = mydocker.sh("cat cache/index.json").stdout
    words = ("build", "-t", "made:1", "--network", "none", "--cache-to")
    make(DOCKERFILE.replace("first >", "second >"))  # from now on all of that is cached here
    told = mydocker("--explain=json", *words, "type=local,dest=probe,mode=max", "ctx").stderr.splitlines()
    steps = [json.loads(line)["step"] for line in told if line.startswith("{") and json.loads(line)["who"] == "cli"]
    numbers = [number for number, step in enumerate(steps, 1) if step.startswith("copy the blobs")]
    assert len(numbers) == 2 and steps[numbers[-1]].startswith("publish the cache")
    for count, number in enumerate(numbers, 1):
        crashed = mydocker(*words, "type=local,dest=cache,mode=max", "ctx", env={"MYDOCKER_CRASH_AFTER": f"cli:{number}"})
        assert crashed.rc == 137
        assert mydocker.sh("cat cache/index.json").stdout == before
        assert mydocker.sh("ls cache/staging").stdout.count("\n") == count
    make.file("Dockerfile", DOCKERFILE)
    assert cached(other.build("--cache-from", "type=local,src=cache")) == STEPS - 2
    make(DOCKERFILE, "--cache-to", "type=local,dest=cache")
    assert mydocker.sh("ls cache/staging").stdout == ""
    mydocker.sh("rm -r probe")
    mydocker("system", "check", "--repair")
