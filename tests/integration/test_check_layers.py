"""system check --layers: unpacked layers beside what they were unpacked from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import Machine

DOCKERFILE = """\
FROM busybox
RUN mkdir /d && echo one > /d/changed && echo two > /d/removed && echo three > /d/kept && ln /d/kept /d/linked && ln -s kept /d/symlink
RUN mkdir /hidden && echo gone > /hidden/below && : > /empty && mkdir -p /turns && echo x > /turns/file
RUN echo more >> /d/changed && rm /d/removed && rm -r /hidden && mkdir /hidden && rm -r /turns && echo file > /turns
"""


@pytest.fixture(params=["overlay", "vfs"])
def built(mydocker: Machine, request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A machine with an image of four layers, unpacked with a storage driver."""
    mydocker.environment["MYDOCKER_STORAGE_DRIVER"] = request.param
    mydocker.sh(f"mkdir context; cat > context/Dockerfile <<'EOF'\n{DOCKERFILE}EOF")
    made = mydocker("build", "-q", "-t", "built:1", "context")
    assert made.rc == 0, made
    assert mydocker("run", "--rm", "--network", "none", "built:1", "cat", "/d/changed", "/turns").stdout == "one\nmore\nfile\n"
    yield mydocker
    mydocker("rmi", "-f", "built:1")
    del mydocker.environment["MYDOCKER_STORAGE_DRIVER"]
    mydocker("builder", "prune", "-af")
    mydocker.sh("rm -rf context")


def test_what_was_unpacked_is_what_the_images_say(built: Machine) -> None:
    checked = built("system", "check", "--layers")
    assert (checked.rc, checked.stdout, checked.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (": > $f", "has lost its content"),
        ("printf '%0*d' $(stat -c %s $f) 0 > $f", "has lost its content"),
        ("echo >> $f", "is longer than it was"),
        ("rm $f", "cannot be read: No such file or directory"),
    ],
)
def test_what_is_not_is_named_and_unpacked_again(built: Machine, change: str, told: str) -> None:
    driver = built.environment["MYDOCKER_STORAGE_DRIVER"]
    assert built("run", "-d", "--name", "web", "--network", "none", "built:1", "sleep", "1000").rc == 0
    built.sh(f"for f in $(find root/layers/{driver} -path '*/d/kept'); do {change}; done")
    checked = built("system", "check", "--layers")
    assert checked.rc == 1 and f"/d/kept {told}\n" in checked.stdout
    refused = built("system", "check", "--layers", "--repair")
    assert refused.rc == 1 and "container web runs on " in refused.stderr and "stop it first" in refused.stderr
    built("rm", "-f", "web")
    mended = built("system", "check", "--layers", "--repair")
    assert mended.rc == 0 and mended.stdout.startswith("unpacked again: "), mended
    assert built("system", "check", "--layers").stdout == ""
    assert built("run", "--rm", "--network", "none", "built:1", "cat", "/d/kept").stdout == "three\n"
