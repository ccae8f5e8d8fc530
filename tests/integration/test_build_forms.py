"""Forms of COPY, ADD and RUN that BuildKit has taught, and the flags of build."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from builds import Builds

from mydocker.engine.build.emulation import can_run


def test_copy_with_excludes(build: Builds) -> None:
    for name in ("d/a.txt", "d/b.md", "d/e/c.txt", "d/e/keep.txt", "d/e/x.md", "home.txt", "homes"):
        build.file(name, name)
    build(
        """FROM busybox
ARG WHAT=*.txt
COPY --exclude=**/*.txt --exclude=!**/keep.txt d /one/
COPY --exclude=$WHAT hom* /two/
COPY --exclude=e --exclude="b.md" d /three/
FROM busybox
COPY --from=0 --exclude=e /one /four/
COPY --from=0 /one /one
COPY --from=0 /two /two
COPY --from=0 /three /three
"""
    )
    assert build.run("cd /; find one two three four -type f | sort").split() == [
        "four/b.md",
        "one/b.md",
        "one/e/keep.txt",
        "one/e/x.md",
        "three/a.txt",
        "two/homes",
    ]


def test_what_is_excluded_does_not_count_for_the_cache(build: Builds) -> None:
    build.file("d/a", "a")
    build.file("d/b", "b")
    dockerfile = "FROM busybox\nCOPY --exclude=b d /d/\n"
    build(dockerfile)
    build.file("d/b", "other")
    assert "Using cache" in build(dockerfile).stdout
    build.file("d/a", "other")
    assert "Using cache" not in build(dockerfile).stdout


def test_copy_with_parents(build: Builds) -> None:
    for name in ("x/a.txt", "y/a.txt", "y/b.txt", "p/q/r/s.txt", "p/q/t.md"):
        build.file(name, name)
    build.mydocker.sh("chmod 750 ctx/x; chmod 711 ctx/p/q/r; ln -s q ctx/p/lnk")
    build(
        """FROM busybox
COPY --parents ./x/a.txt ./y/a.txt /no-pivot/
COPY --parents p/./*/r /pivot/
COPY --parents --chown=3:4 **/*.md /stars/
COPY --parents --exclude=*/b.txt y /excluded/
FROM busybox
COPY --from=0 --parents /no-pivot/./x /pivot /kept/
COPY --from=0 / /all/
"""
    )
    assert build.run("cd /all; find no-pivot pivot stars excluded | sort").split() == [
        *("excluded", "excluded/y", "excluded/y/a.txt", "no-pivot", "no-pivot/x", "no-pivot/x/a.txt", "no-pivot/y", "no-pivot/y/a.txt"),
        *("pivot", "pivot/q", "pivot/q/r", "pivot/q/r/s.txt", "stars", "stars/p", "stars/p/q", "stars/p/q/t.md"),
    ]
    assert build.run("cd /all; stat -c %a:%u no-pivot/x pivot/q/r stars/p stars/p/q/t.md").split() == ["750:0", "711:0", "755:3", "644:3"]
    assert build.run("cd /kept; find . -type f | sort").split() == ["./pivot/q/r/s.txt", "./x/a.txt"]


def test_copy_with_symbolic_modes(build: Builds) -> None:
    build.mydocker.sh("mkdir -p ctx/d/e; echo x > ctx/d/f; echo x > ctx/d/run; chmod 600 ctx/d/f; chmod 711 ctx/d/run")
    build("FROM busybox\nARG M=u=rwX,go=rX\nCOPY --chmod=$M d /d/\nADD --chmod=go-rwx d/run /r\n")
    assert build.run("stat -c %a /d/f /d/run /d/e /r").split() == ["644", "755", "755", "700"]


def test_a_linked_copy_knows_nothing_of_what_lies_below(build: Builds) -> None:
    build.file("f", "new")
    setup = "FROM busybox\nRUN mkdir /real && ln -s /real /l && chmod 700 /real\n"
    build(f"{setup}COPY f /l/f\n")
    assert build.run("readlink /l; cat /real/f") == "/real\nnew\n"
    build(f"{setup}COPY --link f /l/f\nCOPY --link=false f /real/g\n")
    assert build.run("readlink /l || cat /l/f; ls /real; stat -c %a /real") == "new\ng\n700\n"
    assert "unable to find user joe" in build(f"{setup}RUN echo joe:x:7:7::/: >> /etc/passwd\nCOPY --link --chown=joe f /f\n", rc=1).stderr


@pytest.fixture
def repository(build: Builds) -> Iterator[str]:
    """A git repository behind an address, with two commits, a tag, a branch, a submodule, a hook and a symlink out of it."""
    mydocker = build.mydocker
    git = "git -c user.name=n -c user.email=e@e -c init.defaultBranch=main -c protocol.file.allow=always -c commit.gpgsign=false"
    made = mydocker.sh(
        f"""mkdir -p repo/sub other && cd other && {git} init -q && echo o > o && {git} add . && {git} commit -qm o && cd ../repo
        {git} init -q && echo one > f && echo in > sub/g && ln -s {{directory}}/outside sub/out && {git} add . && {git} commit -qm 1
        {git} tag v1 && echo two > f && {git} submodule -q add {{directory}}/other module && {git} commit -qam 2
        {git} branch old v1 && cd .. && {git} clone -q --bare repo served/r.git && cd served/r.git && {git} update-server-info
        mkdir -p {{directory}}/outside && echo secret > {{directory}}/outside/canary"""
    )
    assert made.rc == 0, made.stderr
    pid = int(
        mydocker.sh(
            "cd served && (git daemon --export-all --base-path=. --listen=127.0.0.1 --port=9419 --reuseaddr > /dev/null 2>&1 & echo $!)"
        ).stdout
    )
    mydocker.wait_until(lambda: mydocker.sh("git ls-remote git://127.0.0.1:9419/r.git").rc == 0)
    yield "git://127.0.0.1:9419/r.git"
    mydocker.sh(f"pkill -P {pid}")
    mydocker.end(pid)


def test_add_of_a_git_repository(build: Builds, repository: str) -> None:
    commit = build.mydocker.sh("cd repo && git rev-parse v1").stdout.strip()
    build(
        f"""FROM busybox
ADD {repository} /head/
ADD {repository}#v1 /tag
ADD {repository}#old:sub /branch/
ADD {repository}#{commit} /commit/
ADD --keep-git-dir=true --chown=5:6 {repository}#main /kept/
"""
    )
    script = "cat /head/f /tag/f /branch/g /commit/f; ls -A /head /branch /head/module; stat -c %u:%g /kept/f; ls -d /kept/.git"
    assert build.run(script) == (
        "two\none\nin\none\n/branch:\ng\nout\n\n/head:\n.gitmodules\nf\nmodule\nsub\n\n/head/module:\n5:6\n/kept/.git\n"
    )
    assert "Using cache" in build(f"FROM busybox\nADD {repository} /head/\n").stdout


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("{repository}#none", "couldn't find remote ref none"),
        ("{repository}#:none", "no directory 'none' in it"),
        ("{repository}#:sub/out", "no directory 'sub/out' in it"),
        ("{repository}#--upload-pack=touch", "invalid address"),
        ("git://-oProxyCommand=touch/x.git", "invalid address"),
        ("ssh://-oProxyCommand=touch/x.git", "invalid address"),
        ("git@-x:y", "invalid address"),
        ("git@host:ext::sh", "invalid address"),
    ],
)
def test_bad_repositories(build: Builds, repository: str, address: str, words: str) -> None:
    line = f"ADD {address.replace('{repository}', repository)} /x/"
    refused = build(f"FROM busybox\nRUN true\n{line}\n", rc=1)
    assert refused.stderr.startswith(f"mydocker: Dockerfile:3: {line}: ") and words in refused.stderr


@pytest.mark.parametrize("address", ["file:///etc", "ext::sh%20-c%20true"])
def test_other_protocols_are_paths_of_the_context(build: Builds, address: str) -> None:
    assert "no such file or directory" in build(f"FROM busybox\nADD {address} /x/\n", rc=1).stderr


def test_here_documents_of_other_interpreters_and_triggers(build: Builds) -> None:
    shown = build(
        """FROM busybox
USER 7
RUN <<EOF
#!/bin/cat
shown by cat
EOF
RUN --mount=type=tmpfs,target=/m <<'EOF' sh -s argument
echo "$1 $(grep -c ' /m ' /proc/mounts)"
EOF
USER 0
ONBUILD RUN <<EOF
echo triggered > /t
EOF
ONBUILD COPY <<-one /one
	tabs are gone
	one
"""
    )
    assert "\n#!/bin/cat\nshown by cat\n" in shown.stdout and "\nargument 1\n" in shown.stdout
    build.mydocker("tag", "made:1", "parent:1")
    build("FROM parent:1\n")
    assert build.run("cat /t /one; ls /dev/pipes 2>/dev/null | wc -l") == "triggered\ntabs are gone\n0\n"


def test_the_network_of_one_run(build: Builds) -> None:
    build.mydocker.sh("ip link add shown type bridge")
    try:
        lines = [f"{name} echo {name} $(grep -o shown /proc/net/dev)" for name in ("host", "none", "default")]
        shown = build("FROM busybox\n" + "".join(f"RUN --network={line}\n" for line in lines)).stdout
    finally:
        build.mydocker.sh("ip link del shown")
    assert "\nhost shown\n" in shown and "\nnone\n" in shown and "\ndefault\n" in shown


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("RUN --network=mine true", "invalid network 'mine': expected one of default, none, host"),
        ("RUN --security=lax true", "invalid security 'lax': expected one of sandbox, insecure"),
        ("RUN --security=insecure true", "not given the right to be insecure"),
        ("RUN --mount=type=secret,id=s,required true", "secret 's' was not given"),
        ("RUN --mount=type=ssh,required true", "no ssh agent 'default' was given"),
        ("RUN --mount=type=volume,target=/x true", "type is one of bind, cache, tmpfs, secret, ssh, not 'volume'"),
        ("RUN --mount=type=cache true", "a target is required"),
        ("COPY --chmod=u=q . /x", "invalid chmod 'u=q'"),
        ("ADD --checksum=md5:1 http://127.0.0.1:1/x /x", "invalid checksum 'md5:1'"),
        (f"ADD --checksum=sha256:{'0' * 64} f /x", "--checksum is for one source"),
        ("COPY f", "requires at least two arguments"),
    ],
)
def test_what_cannot_be_done_is_refused_before_the_first_step(build: Builds, line: str, words: str) -> None:
    refused = build(f"FROM busybox\nRUN true\n{line}\n", rc=1)
    assert refused.stderr.startswith(f"mydocker: Dockerfile:3: {line}: ") and words in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("COPY --volume=x a b", "COPY has no flag --volume"),
        ("COPY --from=a --from=b a b", "--from is given twice"),
        ("COPY --link=perhaps a b", "--link is true or false, not 'perhaps'"),
        ("RUN --mount true", "--mount needs a value"),
        ("ADD --parents a b", "ADD has no flag --parents"),
    ],
)
def test_bad_flags_of_instructions(build: Builds, line: str, words: str) -> None:
    refused = build(f"FROM busybox\nRUN true\n{line}\n", rc=1)
    assert refused.stderr.startswith("mydocker: Dockerfile:3: ") and words in refused.stderr and refused.stdout == ""


def test_limits_reach_every_run(build: Builds, needs_controllers: None) -> None:
    shown = build(
        "FROM busybox\nRUN ulimit -c; df -k /dev/shm | tail -1; grep here /etc/hosts; cat /sys/fs/cgroup/memory/memory.limit_in_bytes"
        " /sys/fs/cgroup/memory.max 2>/dev/null || true\n",
        *("--memory", "64m", "--shm-size", "3m", "--add-host", "here:127.0.0.9", "--ulimit", "core=0", "--cpuset-cpus", "0"),
    )
    words = shown.stdout.split()
    assert {"3072", "127.0.0.9", "67108864"} <= set(words)
    assert "invalid size 'much'" in build("FROM busybox\n", "--memory", "much", rc=1).stderr


def test_outputs(build: Builds) -> None:
    mydocker = build.mydocker
    build.file("f", "file")
    build.file("Dockerfile", "FROM scratch\nCOPY --chown=5:6 --chmod=640 f /d/f\n")
    before = mydocker("images", "-q").stdout
    for flags in (["-o", "out"], ["--output", "type=local,dest=out2"], ["-o", "type=tar,dest=out.tar"]):
        result = mydocker("build", "--network", "none", *flags, "ctx")
        assert result.rc == 0, result.stderr
    listed = mydocker.sh("stat -c %a:%u out/d/f out2/d/f; cat out/d/f; tar -tvf out.tar d/f").stdout
    assert listed.startswith("640:0\n640:0\nfile\n-rw-r----- 5/6")
    assert mydocker.sh("{mydocker} build -q -o - ctx 2> told | tar -t").stdout.split() == ["d/", "d/f"]
    assert mydocker("images", "-q").stdout == before
    for kind in ("oci", "docker"):
        assert mydocker("build", "-t", "made:1", "-o", f"type={kind},dest={kind}.tar", "ctx").rc == 0
        assert {"index.json", "manifest.json"} <= set(mydocker.sh(f"tar -tf {kind}.tar").stdout.split())
        mydocker("rmi", "made:1")
        assert "made:1" in mydocker("load", "-i", f"{kind}.tar").stdout
    assert mydocker("build", "-o", "type=image,name=made:2", "ctx").rc == 0 and build.inspect("made:2")


def test_metadata_annotations_and_labels(build: Builds) -> None:
    mydocker = build.mydocker
    annotations = ("--annotation", "manifest:org.example.a=1", "--annotation", "b=2=3")
    build("FROM busybox\nENV A=b\n", "--metadata-file", "meta", *annotations, "--load")
    told = json.loads(mydocker.sh("cat meta").stdout)
    assert told["containerimage.config.digest"] == build.inspect()["Id"] and told["image.name"] == "docker.io/library/made:1"
    digest = told["containerimage.digest"].removeprefix("sha256:")
    manifest = json.loads(mydocker.sh(f"cat root/images/blobs/sha256/{digest}").stdout)
    assert manifest["annotations"] == {"org.example.a": "1", "b": "2=3"}
    mydocker("save", "-o", "saved.tar", "made:1")
    assert mydocker("load", "-i", "saved.tar").rc == 0


def test_named_contexts(build: Builds) -> None:
    build.mydocker.sh("mkdir more && echo more > more/f && echo no > more/left && echo left > more/.dockerignore")
    build(
        "FROM base\nCOPY --from=more . /m/\nRUN --mount=from=MORE,source=f,target=/y cat /y > /z\n",
        *("--build-context", "more=more", "--build-context", "base=docker-image://busybox"),
    )
    assert build.run("ls -A /m; cat /z") == ".dockerignore\nf\nmore\n"


def test_one_stage_is_made_anew(build: Builds) -> None:
    dockerfile = "FROM busybox AS one\nRUN echo 1\nFROM busybox AS two\nCOPY --from=one /bin/true /t\nRUN echo 2\n"
    build(dockerfile)
    assert build(dockerfile).stdout.count("Using cache") == 3
    assert build(dockerfile, "--no-cache-filter", "two").stdout.count("Using cache") == 1
    assert "expected one of the stages one, two" in build(dockerfile, "--no-cache-filter", "three", rc=1).stderr


def test_progress_quiet_and_buildx(build: Builds) -> None:
    build.file("Dockerfile", "FROM busybox\nRUN echo loud")
    for verb in (["build"], ["buildx", "build"], ["image", "build"]):
        result = build.mydocker(*verb, "--progress", "quiet", "--network", "none", "--rm", "--force-rm", "--provenance=false", "ctx")
        assert (result.rc, result.stdout.startswith("sha256:"), "loud" in result.stdout) == (0, True, False), result.stderr
    assert "loud" in build.mydocker("buildx", "build", "--no-cache", "--progress=plain", "--network", "none", "ctx").stdout


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--cache-from", "type=gha"], "invalid --cache-from 'type=gha': a cache of type 'gha' is not supported: expected local, registry"),
        (["--cache-from", "src=x"], "a cache of type '' is not supported"),
        (["--cache-from", "type=local"], "invalid --cache-from 'type=local': expected src="),
        (["--cache-from", "UPPER:1"], "invalid --cache-from 'UPPER:1'"),
        (["--cache-to", "type=s3,bucket=b"], "a cache of type 's3' is not supported: expected local, registry, inline"),
        (["--cache-to", "type=azblob"], "a cache of type 'azblob' is not supported"),
        (["--cache-to", "type=local,dest=x,mode=all"], "mode is min or max, not 'all'"),
        (["--cache-to", "type=local,dest=ctx/Dockerfile"], "'ctx/Dockerfile' is no directory"),
        (["--cache-to", "type=registry,ref=a:1,compression=zstd"], "'compression' does not go with type registry: expected ref, mode"),
        (["--cache-to", "type=inline,mode=max"], "'mode' does not go with type inline: expected nothing more"),
        (["--cache-to", "type=inline", "-o", "files"], "none is made"),
        (["--attest", "type=sbom"], "attestations are not made"),
        (["--sbom", "true"], "--sbom true: attestations are not made: expected false"),
        (["--progress", "tty"], "failed to get console"),
        (["--platform", "linux/amd64,linux/arm64"], "expected one"),
        (["--platform", "windows/amd64"], "only linux images"),
        (["--allow", "all"], "invalid right 'all'"),
        (["--push"], "a push needs a name"),
        (["-o", "type=zip,dest=x"], "type is one of image, registry, docker, oci, tar, local, not 'zip'"),
        (["-o", "type=local"], "expected dest=DIRECTORY"),
        (["-o", "type=tar,dest=x,compression=zstd"], "'compression' does not go with type tar"),
        (["--annotation", "index:a=b"], "only a manifest gets annotations here"),
        (["--annotation", "a"], "expected KEY=VALUE"),
        (["--build-context", "x=https://example/x.git"], "it is an address"),
        (["--build-context", "x=nosuchdirectory"], "is no directory"),
        (["--secret", "id=x,src=nosuchfile"], "No such file or directory"),
        (["--ssh", "x=nosuchfile"], "no such file or directory: 'nosuchfile'"),
        (["--ulimit", "bogus=1"], "bogus"),
        (["--cpuset-cpus", "x"], "'x'"),
    ],
)
def test_what_flags_are_refused(build: Builds, flags: list[str], words: str) -> None:
    build.file("Dockerfile", "FROM busybox\nRUN true\n")
    refused = build.mydocker("build", *flags, "ctx", env={"SSH_AUTH_SOCK": ""})
    assert (refused.rc, refused.stdout) == (1, "") and words in refused.stderr, refused.stderr


@pytest.mark.parametrize(
    ("dockerfile", "flags", "line"),
    [
        ("FROM --platform=linux/ARCH other:1 AS one\nENV A=b\nFROM one\nRUN true\n", [], "Dockerfile:4: RUN true: "),
        ("FROM other:1\nCOPY f /f\nRUN true\n", ["--platform", "ARCH"], "Dockerfile:3: RUN true: "),
    ],
)
def test_another_architecture_needs_an_emulator_only_for_run(build: Builds, dockerfile: str, flags: list[str], line: str) -> None:
    architecture = next((name for name in ("s390x", "riscv64", "loong64") if not can_run(name, "/proc")), "")
    if not architecture:
        pytest.skip("binfmt_misc has an emulator for everything")
    build.file("f", "f")
    build.mydocker.sh(f"tar -c ctx | {{mydocker}} import --platform linux/{architecture} - other:1")
    flags = [flag.replace("ARCH", architecture) for flag in flags]
    refused = build(dockerfile.replace("ARCH", architecture), *flags, rc=1)
    assert refused.stderr.startswith(f"mydocker: {line}a program for linux/{architecture} cannot run here: binfmt_misc has no emulator")
    assert refused.stdout == "" and "hint: install qemu-user-static" in refused.stderr
    build(dockerfile.replace("ARCH", architecture).replace("RUN", "CMD"), *flags)
    assert build.inspect()["Architecture"] == architecture
