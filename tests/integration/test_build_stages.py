"""Stages that do not need each other are built side by side."""

from __future__ import annotations

import re
import subprocess

import pytest
from builds import Builds
from services import Service, needs_docker

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


def test_two_stages_meet_for_a_client_of_the_api(meet: Builds, service: Service) -> None:
    needs_docker()
    meet.file("Dockerfile", MEET)
    result = service.docker("build", "-t", "made:1", "--network", "none", "--build-arg", "MADE=5", "ctx")
    assert result.rc == 0, result.stderr
    assert meet.run("cat /all") == "5\ntwo\n"
    lines = set(result.stdout.replace("\x1b[0m", "").splitlines())  # the end of red may stand before the line that comes next
    assert {"[one] Step 1/8 : FROM busybox AS one", "[two] Step 4/8 : FROM busybox AS two", "[one] half"} <= lines
    assert "\x1b[91m[one] told\n\x1b[0m" in result.stdout
    assert result.stdout.endswith("Successfully tagged made:1\n")


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


def test_the_status_of_a_command_in_one_stage_reaches_a_client_of_the_api(meet: Builds, service: Service) -> None:
    needs_docker()
    meet.file(
        "Dockerfile",
        f"FROM busybox AS one\nRUN {MEETING} touch /m/one; while :; do sleep 1; done\n"
        f"FROM busybox AS two\nRUN {MEETING} {waiting_for('one')}; exit 3\n"
        "FROM busybox\nCOPY --from=one / /1\nCOPY --from=two / /2\n",
    )
    failed = service.docker("build", "--network", "none", "ctx")
    assert failed.rc == 3 and failed.stderr.endswith("; exit 3' returned a non-zero code: 3\n"), failed.stderr
    assert meet.mydocker("ps", "-aq").stdout == "" and meet.mydocker("system", "check").stdout == ""


ENDLESS = "".join(
    f"FROM busybox AS {me}\nRUN {MEETING} touch /m/{me}; {waiting_for(other)}; echo both; while :; do sleep 1; done\n"
    for me, other in (("one", "two"), ("two", "one"))
)
ENDLESS += "FROM busybox\nCOPY --from=one / /1\nCOPY --from=two / /2\n"


def test_ctrl_c_ends_both(meet: Builds) -> None:
    meet.file("Dockerfile", ENDLESS)
    with meet.mydocker.terminal("build", "--progress", "plain", "--network", "none", f"{meet.mydocker.directory}/ctx") as terminal:
        terminal.expect("] both")
        terminal.expect("] both")
        terminal.send("\x03")
        assert terminal.wait() == 130
    assert meet.mydocker("ps", "-aq").stdout == "" and meet.mydocker("system", "check").stdout == ""


def test_whoever_kills_the_build_ends_both(meet: Builds) -> None:
    meet.file("Dockerfile", ENDLESS)
    mydocker = meet.mydocker
    begun = int(mydocker.sh("{mydocker} build --network none ctx > told 2>&1 & echo $!").stdout)
    mydocker.wait_until(lambda: mydocker.sh("cat told").stdout.count("both\n") == 2, 30)
    mydocker.end(begun)
    # The stages' processes are told by the kernel, and remove their containers themselves.
    mydocker.wait_until(lambda: not mydocker("ps", "-aq").stdout)
    mydocker.wait_until(lambda: mydocker("system", "check", "--repair").rc == 0)
    assert mydocker("system", "check").stdout == ""


def test_a_client_of_the_api_that_goes_away_ends_both(meet: Builds, service: Service) -> None:
    needs_docker()
    meet.file("Dockerfile", ENDLESS)
    words = [*service.words.split(), "build", "--network", "none", f"{meet.mydocker.directory}/ctx"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as client:
        assert client.stdout
        missing = {"[one] both\n", "[two] both\n"}
        while missing and (line := client.stdout.readline()):
            missing.discard(line)
        client.kill()
    assert not missing
    meet.mydocker.wait_until(lambda: not meet.mydocker("ps", "-aq").stdout)
    meet.mydocker.wait_until(lambda: not meet.mydocker("system", "check").stdout)
