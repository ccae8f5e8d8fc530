"""Attacks by a Dockerfile, an image or a context on the host that builds it: each was a hole of BuildKit, buildah or podman."""

from __future__ import annotations

import pytest
from builds import Builds


@pytest.fixture
def outside(build: Builds) -> str:
    """A directory of the host with a file that no build may see or change."""
    build.mydocker.sh("mkdir outside && echo of-the-host > outside/canary && : > outside/empty")
    return f"{build.mydocker.directory}/outside"


@pytest.mark.parametrize("up", ["", "../../../../../../../../.."])
def test_cve_2024_23651_a_cache_leads_nowhere(build: Builds, outside: str, up: str) -> None:
    build(f"FROM busybox\nRUN --mount=type=cache,target=/c,id=r ln -s {up}{outside} /c/sub\n")
    refused = build("FROM busybox\nRUN --mount=type=cache,target=/x,id=r,source=sub cat /x/canary\n", rc=1)
    assert "no such file or directory: sub" in refused.stderr and "of-the-host" not in refused.stdout


def test_cve_2024_23651_a_cache_that_changes_while_it_is_mounted(build: Builds, outside: str) -> None:
    mydocker = build.mydocker
    mount = "RUN --mount=type=cache,target=/c,id=r "
    build(f"FROM busybox\n{mount}mkdir /c/sub; touch /c/go\n")
    swap = f"while [ -e /c/go ]; do rm -rf /c/sub; ln -s {outside} /c/sub; rm /c/sub; mkdir /c/sub; done"
    build.file("other/Dockerfile", f"FROM busybox\n{mount}{swap}\n")
    mydocker.sh("({mydocker} build --network none ctx/other > /dev/null 2>&1; echo > ended) > /dev/null 2>&1 &")
    for number in range(6):
        build.file("Dockerfile", f"FROM busybox\nRUN --mount=type=cache,target=/x,id=r,source=sub ls /x; echo {number}\n")
        assert "canary" not in mydocker("build", "--network", "none", "ctx").stdout
    mydocker.sh("rm -f root/caches/*/0/data/go")
    mydocker.wait_until(lambda: mydocker.sh("test -e ended").rc == 0)


def test_cve_2024_23652_nothing_is_removed_through_what_was_a_mount_point(build: Builds, outside: str) -> None:
    build.file("f", "file")
    build.mydocker.sh(": > ctx/empty")
    build(
        f"""FROM busybox
RUN --mount=source=f,target=/a/canary --mount=source=empty,target=/a/empty --mount=type=cache,target=/a/d \\
    mv /a /b && ln -s {outside} /a
"""
    )
    assert build.mydocker.sh("ls outside; cat outside/canary").stdout == "canary\nempty\nof-the-host\n"
    assert build.run("readlink /a; ls /b") == f"{outside}\ncanary\nd\nempty\n"


def test_cve_2024_23653_rights_are_given_by_the_caller_alone(build: Builds) -> None:
    dockerfile = "FROM busybox\nRUN true\nRUN --security=insecure mount -t tmpfs t /root && echo mounted\n"
    refused = build(dockerfile, rc=1)
    assert "Dockerfile:3: RUN --security=insecure" in refused.stderr and "--allow security.insecure" in refused.stderr
    assert "Running" not in refused.stdout
    assert "\nmounted\n" in build(dockerfile, "--allow", "security.insecure").stdout
    assert "\nmounted\n" not in build(dockerfile.replace("insecure", "sandbox"), rc=1).stdout


@pytest.mark.parametrize(
    "mount", ["from=0,source=/lnk", "from=0,source=lnk/canary", "from=0,source=/up", "source=lnk", "source=lnk/canary"]
)
def test_cve_2024_1753_a_source_ends_inside_its_root(build: Builds, outside: str, mount: str) -> None:
    build.mydocker.sh(f"ln -s {outside} ctx/lnk; echo root > ctx/root")
    ups = "/".join([".."] * 12)
    stage = f"FROM busybox\nRUN ln -s {outside} /lnk && ln -s {ups}{outside} /up\n"
    dockerfile = f"{stage}FROM busybox\nRUN --mount={mount},target=/x,rw cat /x/canary /x\n"
    refused = build(dockerfile, rc=1)
    assert "no such file or directory" in refused.stderr and "of-the-host" not in refused.stdout
    assert build.mydocker.sh("cat outside/canary").stdout == "of-the-host\n"


def test_cve_2024_9675_ids_and_sources_of_caches_are_no_paths(build: Builds, outside: str) -> None:
    mydocker = build.mydocker
    for mount in (f"id=../../../../../..{outside}", f"id={outside}", f"id=z,source=../../../../../..{outside}"):
        result = build(
            f"FROM busybox\nRUN --mount=type=cache,target=/x,{mount} ls -A /x; echo bad > /x/canary\n", rc=int("source" in mount)
        )
        assert "empty" not in result.stdout
    assert mydocker.sh("cat outside/canary; ls root/caches | grep -vxE '[0-9a-f]{64}'").stdout == "of-the-host\n"


def test_cve_2024_9676_users_are_not_read_from_what_is_no_file(build: Builds, outside: str) -> None:
    build.file("f", "f")
    build.mydocker.sh("echo joe:x:77:77::/:/bin/sh > outside/passwd")
    for make in ("mkfifo /etc/passwd", f"ln -s {outside}/passwd /etc/passwd", "ln -s /dev/zero /etc/passwd"):
        refused = build(f"FROM busybox\nRUN rm -f /etc/passwd; {make}\nCOPY --chown=joe f /f\n", rc=1)
        assert "unable to find user joe" in refused.stderr


def test_cve_2024_11218_what_is_written_to_a_stage_is_lost(build: Builds, outside: str) -> None:
    dockerfile = f"""FROM busybox AS one
RUN mkdir /s && echo kept > /s/f
FROM busybox
RUN --mount=from=one,source=/s,target=/x,rw rm /x/f && ln -s {outside}/canary /x/f && echo bad > /x/g
RUN --mount=from=one,source=/s,target=/x,rw cat /x/f; ls /x; echo bad > /x/f
COPY --from=one /s /s
"""
    assert "\nkept\nf\n" in build(dockerfile).stdout
    assert build.run("cat /s/f; ls /s") == "kept\nf\n"
    assert build.mydocker.sh("cat outside/canary").stdout == "of-the-host\n"


def test_a_secret_of_the_host_needs_its_flag(build: Builds, outside: str) -> None:
    for mount in (f"type=secret,id={outside}/canary", f"type=secret,source={outside}/canary", f"type=ssh,id={outside}/canary"):
        shown = build(f"FROM busybox\nRUN --mount={mount},target=/x cat /x || echo nothing\n")
        assert "\nnothing\n" in shown.stdout
