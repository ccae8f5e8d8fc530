"""RUN --mount: what each kind shows, what is left of it, and that nobody gets out by it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from itertools import count

import pytest
from builds import Builds

SECRET = "hunter2-never-on-a-disk"
COUNT = count()


def told(build: Builds, dockerfile: str, *flags: str, rc: int = 0) -> str:
    """Return what the commands of a build print, with no layer of an earlier build."""
    anew = re.sub(r"^(FROM .*)", rf"\1\nENV COUNT={next(COUNT)}", dockerfile, flags=re.MULTILINE)
    return str(build(anew, *flags, rc=rc).stdout)


def test_a_bind_shows_the_context(build: Builds) -> None:
    build.file("d/in", "inside")
    build.file("f", "file")
    build.file("left-out", "no")
    build.file(".dockerignore", "left-out")
    build.mydocker.sh("chmod 700 ctx/d; chown 5:6 ctx/d/in ctx/d; ln -s d ctx/lnk")
    shown = told(
        build,
        """FROM busybox
WORKDIR /w
RUN --mount=type=bind,target=/all --mount=type=bind,source=d,target=/d,ro --mount=target=rel/f,source=f,rw \\
    ls /all; stat -c %a:%u:%g /all /d /d/in /all/f; cat rel/f; touch /d/x || echo read-only; echo new > rel/f && cat rel/f
RUN --mount=target=. ls f
RUN --mount=source=lnk/../f,target=/x --mount=source=lnk,target=/y cat /x /y/in
RUN ls -d /all /d /w/rel; ls -A /all /d /w/rel
""",
    )
    assert "\nDockerfile\nd\nf\nlnk\n755:0:0\n700:0:0\n644:0:0\n644:0:0\nfile\n" in shown
    assert "read-only\nnew\n" in shown
    assert "file\ninside\n" in shown
    # The directories that were made for mounts stay, as in BuildKit. A file does not, and nothing that was seen.
    assert "/all\n/d\n/w/rel\n/all:\n\n/d:\n\n/w/rel:\n" in shown
    assert build.mydocker.sh("cat ctx/f; ls ctx/d").stdout == "file\nin\n"


def test_a_bind_shows_stages_and_images(build: Builds) -> None:
    shown = told(
        build,
        """FROM busybox AS one
RUN mkdir -p /s/t && echo one > /s/t/f && chown 7:8 /s/t/f
FROM busybox
RUN --mount=from=one,source=/s,target=/x,rw cat /x/t/f; stat -c %u:%g /x/t/f; echo lost > /x/t/f
RUN --mount=from=one,source=/s/t/f,target=/y cat /y
RUN --mount=type=bind,from=busybox,source=/bin/busybox,target=/z test -x /z && echo there
RUN --mount=from=0,source=s,target=/x cat /x/t/f
""",
    )
    assert "one\n7:8\n" in shown and shown.count("\none\n") == 3 and "\nthere\n" in shown


def test_a_cache_stays_and_is_in_no_image(build: Builds) -> None:
    mydocker = build.mydocker
    write = "FROM busybox\nRUN --mount=type=cache,target=/c,id=own echo {} >> /c/f; cat /c/f\n"
    assert "\nx1\n" in told(build, write.format("x1"))
    assert "\nx1\nx2\n" in told(build, write.format("x2"))
    assert build.run("ls -A /c") == ""
    # Another id, owner or mode is another cache, and the id is by default the target.
    assert "\nx3\n" in told(build, write.format("x3").replace(",id=own", ""))
    owned = "FROM busybox\nRUN --mount=type=cache,target=/c,id=own,uid=5,gid=6,mode=0700 ls -A /c; stat -c %a:%u:%g /c; touch /c/mine\n"
    assert "\n700:5:6\n" in told(build, owned)
    assert "\nmine\n700:5:6\n" in told(build, owned)
    rows = mydocker("system", "df", "--format", "{{.Type}}:{{.TotalCount}}:{{.Active}}").stdout.splitlines()
    steps = mydocker("images", "-aq").stdout.count("\n") - mydocker("images", "-q").stdout.count("\n")
    assert rows[-1] == f"Build Cache:{steps + 3}:0"
    assert mydocker.sh("ls root/caches | wc -l").stdout == "3\n"
    assert mydocker.sh("stat -c %a root/caches root/caches/* root/caches/*/0 | sort -u").stdout == "700\n"
    pruned = mydocker("builder", "prune", "-f").stdout
    assert pruned.count("deleted: cache ") == 3
    assert mydocker.sh("ls root/caches").stdout == ""
    assert "\nx4\n" in told(build, write.format("x4"))


def test_caches_begin_anew_without_the_build_cache(build: Builds) -> None:
    dockerfile = """FROM busybox AS one
RUN --mount=type=cache,target=/c echo x >> /c/f; wc -l < /c/f
RUN --mount=type=cache,target=/c echo x >> /c/f; wc -l < /c/f
FROM one AS two
RUN --mount=type=cache,target=/d,uid=3 echo x >> /d/f; wc -l < /d/f
"""
    for flags, lines in (
        ([], ["1", "2", "1"]),
        (["--no-cache"], ["1", "2", "1"]),
        (["--no-cache-filter", "two"], ["1"]),
        (["--build-arg", "x=y"], []),
    ):
        assert [word for word in build(dockerfile, *flags).stdout.splitlines() if word.isdigit()] == lines
    assert [word for word in told(build, dockerfile).splitlines() if word.isdigit()] == ["3", "4", "2"]


def test_a_read_only_cache_and_a_directory_in_one(build: Builds) -> None:
    shown = told(
        build,
        """FROM busybox
RUN --mount=type=cache,target=/c,id=z mkdir /c/sub; echo in > /c/sub/f
RUN --mount=type=cache,target=/s,id=z,source=sub,ro cat /s/f; touch /s/x || echo read-only
""",
    )
    assert "in\nread-only\n" in shown.replace("touch: /s/x: Read-only file system\n", "")


def test_a_cache_begins_with_files_of_a_stage(build: Builds) -> None:
    dockerfile = """FROM busybox AS b
RUN mkdir -p /x/y && echo q > /x/y/z && chown 7:8 /x/y /x/y/z && chmod 711 /x/y
FROM busybox
RUN --mount=type=cache,target=/c,from=b,source=/x/y stat -c %a:%u:%g /c /c/z; echo more >> /c/z
RUN --mount=type=cache,target=/c,from=b,source=/x/y cat /c/z
"""
    assert "711:7:8\n644:7:8\n" in (shown := told(build, dockerfile)) and "\nq\nmore\n" in shown


def test_sharing_of_caches(build: Builds) -> None:
    mydocker = build.mydocker
    mount = "FROM busybox\nRUN --mount=type=cache,target=/c,id=s,sharing={} "
    holding = mount + "echo >> /c/who; touch /c/here; while [ -e /c/hold ]; do :; done\n"
    looking = mount + "ls /c\n"
    told(build, "FROM busybox\nRUN --mount=type=cache,target=/c,id=s touch /c/hold\n")
    data = mydocker.sh("echo root/caches/*/0/data").stdout.strip()
    build.file("other/Dockerfile", holding.format("locked"))
    mydocker.sh("({mydocker} build --network none ctx/other > other.log 2>&1; echo done > other.end) > /dev/null 2>&1 &")
    mydocker.wait_until(lambda: mydocker.sh(f"test -e {data}/here").rc == 0)
    row = mydocker("system", "df", "--format", "{{.Type}}:{{.Active}}").stdout.splitlines()[-1]
    assert row == "Build Cache:1"
    assert "deleted: cache" not in mydocker("builder", "prune", "-f").stdout and mydocker.sh(f"test -e {data}/hold").rc == 0
    assert "hold" not in told(build, looking.format("private")).split(" ---> Running in")[1]
    for sharing in ("shared", "locked"):
        build.file("Dockerfile", looking.format(sharing))
        assert mydocker.sh("timeout 3 {mydocker} build --network none ctx > waiting.log 2>&1").rc == 124
    mydocker.sh(f"rm {data}/hold")
    mydocker.wait_until(lambda: mydocker.sh("test -e other.end").rc == 0)
    mydocker("system", "check", "--repair")
    assert "\nhere\nwho\n" in told(build, looking.format("shared"))


def test_what_counts_for_the_build_cache(build: Builds) -> None:
    build.file("d/f", "one")
    build.file("other", "one")
    dockerfile = """FROM busybox
RUN --mount=type=bind,source=d,target=/d --mount=type=cache,target=/c cat /d/f | tee -a /c/seen > /copy
"""
    build(dockerfile)
    build.file("other", "two")
    build.mydocker.sh("touch -d 2001-01-01 ctx/d/f; for d in root/caches/*/0/data; do echo more > $d/seen; done")
    assert "Using cache" in build(dockerfile).stdout
    build.file("d/f", "two")
    assert "Using cache" not in build(dockerfile).stdout
    assert build.run("cat /copy") == "two\n"
    assert "Using cache" not in build(dockerfile.replace("target=/d ", "target=/d,rw ")).stdout
    from_stage = "FROM busybox AS s\nRUN echo {} > /s\nFROM busybox\nRUN --mount=from=s,source=/s,target=/s cat /s > /copy\n"
    build(from_stage.format(1))
    assert build(from_stage.format(1)).stdout.count("Using cache") == 2
    build(from_stage.format(2))
    assert build.run("cat /copy") == "2\n"


def test_a_build_with_mounts_killed_at_any_moment(build: Builds) -> None:
    mydocker, chance = build.mydocker, random.Random("mounts")
    build.file("f", "x")
    mydocker.sh(f"printf %s {SECRET} > secret.txt")
    build.file(
        "Dockerfile",
        """FROM busybox AS one
RUN mkdir /s && echo s > /s/s
FROM busybox
RUN --mount=type=cache,target=/c,from=one,source=/s --mount=target=/f,source=f --mount=type=secret,id=s cat /c/s /f && sleep 0.05
RUN --mount=type=cache,target=/d,sharing=private --mount=from=one,source=/s,target=/s,rw --mount=type=tmpfs,target=/t sleep 0.05
""",
    )
    command = "{mydocker} build --no-cache --network none --secret id=s,src=secret.txt -t made:1 ctx"
    for _ in range(12):
        seconds = chance.uniform(0.1, 0.9)
        mydocker.sh(f"{command} > /dev/null 2>&1 & p=$!; sleep {seconds:.3f}; kill -9 $p 2>/dev/null; wait $p; true")
        mydocker.wait_until(lambda: mydocker("system", "check", "--repair").rc == 0 and not mydocker("ps", "-aq").stdout)
        assert mydocker("system", "check").stdout == ""
        assert mydocker.sh(f"grep -rl {SECRET} root state; ls -A root | grep build").stdout == ""
    assert mydocker.sh(command).rc == 0


def test_a_tmpfs(build: Builds) -> None:
    shown = told(
        build,
        """FROM busybox
RUN --mount=type=tmpfs,target=/t,size=1m --mount=type=tmpfs,target=/root \\
    df -k /t | tail -1; stat -c %a /t /root; echo '#!/bin/echo' > /t/sh; chmod 755 /t/sh; /t/sh; cp /bin/busybox /t/two || echo full
RUN ls -A /t; ls -A /root; stat -c %a /root
""",
    )
    assert re.search(r"tmpfs +1024 ", shown) and "\n1777\n700\n/t/sh\n" in shown and "\nfull\n" in shown


def test_secrets(build: Builds) -> None:
    mydocker = build.mydocker
    mydocker.sh(f"printf %s {SECRET} > secret.txt")
    dockerfile = """FROM busybox
RUN --mount=type=secret,id=one --mount=type=secret,id=two,target=/etc/two,mode=0444,uid=3,gid=4 --mount=type=secret,id=three,env=THREE \\
    --mount=type=secret,target=/x/one \\
    wc -c < /run/secrets/one; stat -c %a:%u:%g /run/secrets/one /etc/two; cmp /run/secrets/one /x/one; echo ${#THREE}; \\
    grep -c "^tmpfs /run/secrets/one tmpfs ro,nosuid,nodev" /proc/mounts
RUN test ! -e /run/secrets/one && test ! -e /etc/two && test ! -e /x/one && test -z "$THREE"
RUN --mount=type=secret,id=absent test ! -e /run/secrets/absent
"""
    flags = ("--secret", "id=one,src=secret.txt", "--secret", "id=two,env=TWO", "--secret", "id=three,env=TWO")
    build.file("Dockerfile", dockerfile)
    result = mydocker("build", "-t", "made:1", "--network", "none", *flags, "--explain", "ctx", env={"TWO": SECRET})
    assert result.rc == 0, result.stderr
    assert f"\n{len(SECRET)}\n400:0:0\n444:3:4\n{len(SECRET)}\n1\n" in result.stdout
    assert SECRET not in result.stdout + result.stderr
    mydocker("save", "-o", "saved.tar", "made:1")
    # Layers are compressed: what is unpacked of them is searched too.
    assert mydocker.sh(f"grep -rl {SECRET} root state saved.tar").stdout == ""
    assert mydocker("image", "history", "--no-trunc", "made:1").stdout.count(SECRET) == 0
    # A secret's value does not count for the cache.
    mydocker.sh("echo another > secret.txt")
    assert mydocker("build", "--network", "none", *flags, "ctx", env={"TWO": "x"}).stdout.count("Using cache") == 3


def test_no_secret_is_on_the_disk_while_a_build_runs(build: Builds) -> None:
    mydocker = build.mydocker
    mydocker.sh(f"printf %s {SECRET} > secret.txt")
    build.file(
        "Dockerfile",
        "FROM busybox\nRUN --mount=type=cache,target=/c,id=w --mount=type=secret,id=s --mount=type=secret,id=s,env=S"
        " cat /run/secrets/s > /dev/null; touch /c/here; while [ ! -e /c/go ]; do :; done\n",
    )
    mydocker.sh("({mydocker} build --network none --secret id=s,src=secret.txt ctx > log 2>&1; echo $? > end) > /dev/null 2>&1 &")
    mydocker.wait_until(lambda: mydocker.sh("ls root/caches/*/0/data/here").rc == 0)
    found = mydocker.sh(f"grep -rl {SECRET} root state").stdout
    mydocker.sh("for d in root/caches/*/0/data; do touch $d/go; done")
    mydocker.wait_until(lambda: mydocker.sh("test -s end").rc == 0)
    assert (found, mydocker.sh("cat end").stdout) == ("", "0\n")


@pytest.fixture
def agent(build: Builds) -> Iterator[str]:
    """An agent of the user's with one key."""
    mydocker = build.mydocker
    if mydocker.sh("command -v ssh-agent ssh-add ssh-keygen").rc:
        pytest.skip("openssh-client is not installed")
    mydocker.sh("ssh-keygen -q -t ed25519 -N '' -C the-key -f key")
    pid = re.search(r"PID=(\d+)", mydocker.sh("ssh-agent -s -a {directory}/agent").stdout)
    assert pid
    mydocker.sh("SSH_AUTH_SOCK={directory}/agent ssh-add -q key")
    yield f"{mydocker.directory}/agent"
    mydocker.end(int(pid[1]))


def test_ssh(build: Builds, agent: str) -> None:
    mydocker = build.mydocker
    # The client and what it is linked with, as the image has none.
    mydocker.sh("cd ctx && for f in $(command -v ssh-add) $(ldd $(command -v ssh-add) | grep -o '/[^ ]*'); do cp -L --parents $f .; done")
    copied = "FROM busybox\nCOPY . /\n"
    list_and_remove = "ssh-add -l; ssh-add -q -D 2> /dev/null || echo refused; ssh-add -l | wc -l; stat -c %a:%u $SSH_AUTH_SOCK"
    for given in (f"default={agent}", f"default={mydocker.directory}/key"):
        shown = told(build, f"{copied}RUN --mount=type=ssh,mode=0666,uid=7 {list_and_remove}\n", "--ssh", given)
        assert re.search(r"SHA256:\S+ the-key \(ED25519\)\nrefused\n1\n666:7\n", shown), shown
    shown = told(build, f"{copied}RUN --mount=type=ssh,id=x,target=/s,required echo $SSH_AUTH_SOCK; ssh-add -l\n", "--ssh", f"x={agent}")
    assert "\n/s\n256 SHA256:" in shown
    assert mydocker.sh(f"SSH_AUTH_SOCK={agent} ssh-add -l").stdout.count("the-key") == 1
    build.file("Dockerfile", "FROM busybox\nRUN --mount=type=ssh sleep 2\n")
    own = "pgrep -f '^ssh-agent -a {directory}/root/'"
    killed = f'{{mydocker}} build --network none --ssh default=key ctx & p=$!; timeout 20 sh -c "until {own}; do :; done" && touch found'
    assert mydocker.sh(f"({killed}; kill -9 $p; wait $p) > /dev/null 2>&1; ls found").stdout == "found\n"
    mydocker.wait_until(lambda: mydocker.sh(own).rc == 1, 5)  # what ends by itself, a process of the agent's looks for every ten seconds
    mydocker.wait_until(lambda: mydocker("system", "check", "--repair").rc == 0 and not mydocker("ps", "-aq").stdout)
    assert "\nnone\n" in told(build, "FROM busybox\nRUN --mount=type=ssh test -e $SSH_AUTH_SOCK || echo none\n")
