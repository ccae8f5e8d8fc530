"""Stages that do not need each other are built side by side."""

from __future__ import annotations

import re

import pytest
from builds import Builds

MEETING = "--mount=type=cache,id=meeting,target=/m"


def waiting_for(name: str) -> str:
    """Return the words that wait until another stage has made a file."""
    return f"i=0; until [ -e /m/{name} ]; do i=$((i + 1)); [ $i -lt 600 ] || exit 9; sleep 0.05; done"


MEET = f"""FROM busybox AS one
ARG MADE=1
RUN {MEETING} touch /m/one; {waiting_for("two")}; printf 'ha'; echo >&2 told; echo lf; echo $MADE > /one
FROM busybox AS two
RUN {MEETING} touch /m/two; {waiting_for("one")}; printf 'no end'; echo two > /two
FROM scratch AS unused
RUN false
FROM busybox
COPY --from=one /one /
RUN --mount=from=two,target=/two cat /one /two/two > /all
"""


@pytest.fixture
def meet(build: Builds) -> Builds:
    """A build whose caches are empty."""
    build.mydocker("builder", "prune", "-f")
    return build


def test_two_stages_meet(meet: Builds) -> None:
    result = meet(MEET, "--build-arg", "MADE=5", "--build-arg", "NONE=1")
    assert meet.run("cat /all") == "5\ntwo\n"
    *lines, last = result.stdout.splitlines()[:-1]
    assert {line[:6] for line in lines[: lines.index("Step 6/8 : FROM busybox")]} == {"[one] ", "[two] "}
    assert {"[one] Step 1/8 : FROM busybox AS one", "[two] Step 4/8 : FROM busybox AS two", "[one] half"} <= set(lines)
    assert any(line.startswith("[two] no end") for line in lines) and last.startswith("Successfully built ")
    assert "[Warning] build-arg NONE was not consumed" in lines and not any("build-arg MADE" in line for line in lines)
    assert result.stderr == "[one] told\n"
    assert meet(MEET, "--build-arg", "MADE=5").stdout.count("Using cache") == 5


def test_explained_steps_are_told_one_after_the_other(build: Builds) -> None:
    shown = build("FROM busybox AS one\nRUN true\nFROM busybox\nRUN true\nCOPY --from=one /bin/true /t\n", "--explain")
    assert "\nStep 1/5 : FROM busybox AS one\n" in f"\n{shown.stdout}"


def test_the_failure_of_one_stage_ends_the_other(meet: Builds) -> None:
    failed = meet(
        f"FROM busybox AS one\nRUN {MEETING} touch /m/one; while :; do sleep 1; done\n"
        f"FROM busybox AS two\nRUN {MEETING} {waiting_for('one')}; exit 3\n"
        "FROM busybox\nCOPY --from=one / /1\nCOPY --from=two / /2\n",
        rc=1,
    )
    assert re.fullmatch(r"mydocker: Dockerfile:4: RUN .* returned a non-zero code: 3\n", failed.stderr, re.DOTALL), failed.stderr
    assert meet.mydocker("ps", "-aq").stdout == "" and meet.mydocker("system", "check").stdout == ""


ENDLESS = "".join(
    f"FROM busybox AS {me}\nRUN {MEETING} touch /m/{me}; {waiting_for(other)}; echo both; while :; do sleep 1; done\n"
    for me, other in (("one", "two"), ("two", "one"))
)
ENDLESS += "FROM busybox\nCOPY --from=one / /1\nCOPY --from=two / /2\n"


def test_ctrl_c_ends_both(meet: Builds) -> None:
    meet.file("Dockerfile", ENDLESS)
    with meet.mydocker.terminal("build", "--network", "none", f"{meet.mydocker.directory}/ctx") as terminal:
        terminal.expect("] both")
        terminal.expect("] both")
        terminal.send("\x03")
        assert terminal.wait() == 130
    assert meet.mydocker("ps", "-aq").stdout == "" and meet.mydocker("system", "check").stdout == ""


def test_whoever_kills_the_build_ends_both(meet: Builds) -> None:
    meet.file("Dockerfile", ENDLESS)
    mydocker = meet.mydocker
    both = "until [ $(grep -c 'both$' told) = 2 ]; do sleep 0.05; done"
    begun = "{mydocker} build --network none ctx > told 2>&1 & p=$!"
    mydocker.sh(f'{begun}; timeout 30 sh -c "{both}"; kill -9 $p; wait $p')
    assert mydocker.sh("cat told").stdout.count("both\n") == 2
    # The stages' processes are told by the kernel, and remove their containers themselves.
    mydocker.wait_until(lambda: not mydocker("ps", "-aq").stdout)
    mydocker.wait_until(lambda: mydocker("system", "check", "--repair").rc == 0)
    assert mydocker("system", "check").stdout == ""
