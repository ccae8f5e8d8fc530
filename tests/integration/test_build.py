"""build: Dockerfiles become images, layer by layer, from caches and contexts of every kind."""

from __future__ import annotations

import json
import random

import pytest
from builds import Builds


def test_settings(build: Builds) -> None:
    build("""FROM busybox
MAINTAINER me
ARG V=1
ENV A=$V B="two words" \\
    C=${A}x
LABEL l=$V
EXPOSE 80 53/udp
USER 12:34
VOLUME ["/data", "/more"]
WORKDIR /one
WORKDIR two
STOPSIGNAL SIGUSR1
HEALTHCHECK --interval=3s CMD test -e /ok
SHELL ["/bin/sh", "-ec"]
ENTRYPOINT ["echo"]
CMD hello $A
""", "--label", "from=flag")  # fmt: skip
    found = build.inspect()
    assert found["Author"] == "me"
    assert found["Config"]["Env"] == ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "A=1", "B=two words", "C=x"]
    assert found["Config"]["Labels"] == {"l": "1", "from": "flag"}
    assert sorted(found["Config"]["ExposedPorts"]) == ["53/udp", "80/tcp"]
    assert sorted(found["Config"]["Volumes"]) == ["/data", "/more"]
    keys = ("User", "WorkingDir", "StopSignal", "Entrypoint", "Cmd")
    assert [found["Config"][key] for key in keys] == ["12:34", "/one/two", "SIGUSR1", ["echo"], ["/bin/sh", "-ec", "hello $A"]]
    assert found["Config"]["Healthcheck"]["Test"] == ["CMD-SHELL", "test -e /ok"]
    assert build.run("pwd; stat -c %u:%g:%a /one/two", "-u", "0") == "/one/two\n12:34:755\n"


def test_run(build: Builds) -> None:
    result = build("""FROM busybox
ARG SECRET=arg
ENV SHOWN=env SECRET2=two
RUN echo "$SECRET $SHOWN" > /said && echo to the terminal
USER 12
WORKDIR /tmp
RUN id -u > who; pwd >> who
USER root
RUN ["sh", "-c", "echo $0 > /exec", "form"]
SHELL ["/bin/sh", "-c", "echo shell > /shell; eval \\"$0\\""]
RUN echo last > /last
VOLUME /v
RUN mkdir -p /v && echo kept > /v/file
""")  # fmt: skip
    assert "\nto the terminal\n" in result.stdout
    assert build.run("cat /said /tmp/who /exec /shell /last /v/file; echo ${SECRET-unset}") == (
        "arg env\n12\n/tmp\nform\nshell\nlast\nkept\nunset\n"
    )


def test_here_documents(build: Builds) -> None:
    build("""FROM busybox
ARG NAME=world
RUN <<EOF
echo one > /one
  echo "$NAME" >> /one
EOF
RUN <<EOF cat > /two
stdin "$NAME"
EOF
RUN <<'EOF'
#!/bin/sh
echo script $0 > /three
EOF
COPY <<first <<'second' /copied/
hello $NAME "quoted" \\$kept
first
hello $NAME
second
""")  # fmt: skip
    assert build.run("cat /one /two") == 'one\nworld\nstdin "world"\n'
    assert build.run("cat /three").startswith("script ")
    assert build.run("cat /copied/first /copied/second; stat -c %a /copied/first") == 'hello world "quoted" $kept\nhello $NAME\n644\n'


def test_copy(build: Builds) -> None:
    for name in ("a.txt", "b.txt", "d/one", "d/e/two", "skipped.log", "d/skipped.log"):
        build.file(name, name)
    build.file(".dockerignore", "**/*.log\nDockerfile")
    build.mydocker.sh("cd ctx && ln -s one d/link && chmod 700 d/one && ln -s / root && ln -s d to-d")
    build("""FROM busybox
RUN ln -s /real /pointer && mkdir /real && echo joe:x:77:77::/:/bin/sh >> /etc/passwd
COPY a.txt /plain
COPY a.txt b.txt /both/
COPY *.txt /wild/
COPY d /dir
COPY --chown=joe:12 --chmod=640 d/one /owned/new/one
COPY a.txt /pointer/
COPY a.txt relative
WORKDIR /w
COPY ./a.txt ./
COPY ["a.txt", "with space"]
COPY to-d /through
COPY . /all
""")  # fmt: skip
    assert build.run("cd /; cat plain both/b.txt wild/a.txt dir/e/two relative w/a.txt 'w/with space' real/a.txt through/one") == (
        "a.txt\nb.txt\na.txt\nd/e/two\n" + "a.txt\n" * 4 + "d/one\n"
    )
    assert (
        build.run("cd /; readlink dir/link; stat -c '%a %u %g' dir/one owned/new/one owned/new") == "one\n700 0 0\n640 77 12\n755 77 12\n"
    )
    assert build.run("cd /all; find . -type f | sort") == "./.dockerignore\n./a.txt\n./b.txt\n./d/e/two\n./d/one\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("COPY missing /x", "no such file or directory: /missing"),
        ("COPY one two /x", "must end with a slash"),
        ("COPY ../outside /x", "no such file or directory: /outside"),
        ("COPY root/canary /x", "no such file or directory: /root/canary"),
        ("COPY ignored /x", ".dockerignore leaves it out"),
        ("COPY one /one/", "Not a directory"),
        ("COPY --chown=nobodyhere one /x", "unable to find user nobodyhere"),
        ("COPY --chmod=rwx one /x", "invalid chmod 'rwx'"),
        ("COPY one", "requires at least two arguments"),
        ("COPY --from=127.0.0.1:1/none one /x", "connection refused"),
        ("RUN exit 3", "returned a non-zero code: 3"),
        ('RUN ["/no/such/program"]', "/no/such/program"),
        ("ENV x", "ENV must have two arguments"),
        ("EXPOSE port", "invalid port 'port'"),
        ("STOPSIGNAL SIGNONE", "invalid signal 'SIGNONE'"),
        (f"ADD --checksum=sha256:{'0' * 64} http://127.0.0.1:1/x /x", "connection refused"),
    ],
)
def test_errors_name_the_line(build: Builds, line: str, words: str) -> None:
    build.mydocker.sh("echo 1 > ctx/one; echo 2 > ctx/two; echo 3 > ctx/ignored; echo 4 > outside; echo 5 > canary; ln -sfn .. ctx/root")
    build.file(".dockerignore", "ignored")
    result = build(f"FROM busybox\n\nRUN echo 1 > /one\n{line}\n", rc=1)
    first = result.stderr.splitlines()[-1 if "hint: " not in result.stderr else -2]
    assert first.startswith(f"mydocker: Dockerfile:4: {line}: "), result.stderr
    assert words in first
    assert build.mydocker("image", "inspect", "made:1").rc == 1


def test_copy_from_a_stage_keeps_owners(build: Builds) -> None:
    build("""FROM busybox AS src
RUN mkdir -p /s/x && echo 1 > /s/x/f && ln -s f /s/x/l && chown 7:8 /s /s/x/f && chown 9:9 /s/x && chown -h 3:4 /s/x/l
FROM busybox
COPY --from=src /s /s1
COPY --from=src --chown=1:2 /s /s2
COPY --from=src /s/x/f /s3/f
COPY --from=src /s/x/* /s4/
""")  # fmt: skip
    for directory, owners in {"s1": "9:9 7:8 3:4 0:0", "s2": "1:2 1:2 1:2 1:2"}.items():
        script = f"cd /{directory}; echo $(stat -c %u:%g x x/f x/l .)"
        assert build.run(script) == owners + "\n"
    assert build.run("echo $(stat -c %u:%g:%F /s3/f /s4/f /s4/l)").split(" ", 1)[0] == "7:8:regular"
    assert build.run("stat -c %u:%g:%F /s4/l; cat /s4/l") == "7:8:regular file\n1\n"


def test_symlinks_among_sources_and_at_the_destination(build: Builds) -> None:
    build.mydocker.sh("cd ctx && mkdir d && echo a > d/a && ln -s a d/l && echo other > other && ln -s other lnk && echo f > f")
    build.mydocker.sh("cd ctx && mkdir t && echo t > t/t && tar -C t -cf t.tar t")
    build("""FROM busybox
RUN ln -s /real /link && echo r > /real && ln -s ../nowhere/x /dangling && ln -s /made /directory && ln -s loop /loop
COPY d/* /n/
COPY lnk d/a /o/
COPY lnk /p/
COPY f /link
COPY f /dangling
COPY f /directory/
ADD t.tar /directory/unpacked/
WORKDIR /directory/w
""")  # fmt: skip
    assert build.run("cd /; ls n o p; cat n/l o/lnk p/lnk") == "n:\na\nl\n\no:\na\nlnk\n\np:\nlnk\na\nother\nother\n"
    assert build.run("cd /; for l in link dangling directory; do readlink $l; done") == "/real\n../nowhere/x\n/made\n"
    assert build.run("cd /; cat real nowhere/x made/f made/unpacked/t; ls -d made/w") == "f\nf\nf\nt\nmade/w\n"
    assert "too many symlinks: /loop" in build("FROM made:1\nCOPY f /loop\n", rc=1).stderr


def test_a_pattern_that_fits_nothing_is_skipped(build: Builds) -> None:
    build.file("package.json", "{}")
    build("FROM busybox\nCOPY package.json yarn.lock* package-lock.json* /a/\nCOPY none* /b/\nADD *.tar package.json /c/\n")
    assert build.run("ls /a /c; ls -d /b || true") == "/a:\npackage.json\n\n/c:\npackage.json\n"


def test_variables_in_flags_and_ports_and_from_the_stage_above(build: Builds) -> None:
    build.file("f", "f")
    dockerfile = """FROM busybox AS a
ARG V=one
FROM a
ARG U G=44 MODE=640
ENV P="80 81/udp"
COPY --chown=$U:${G} --chmod=$MODE f /f
EXPOSE $P
RUN echo $V > /v
"""
    for user in ("33", "34"):
        build(dockerfile, "--build-arg", f"U={user}", "--build-arg", "V=two")
        assert build.run("stat -c %u:%g:%a /f; cat /v") == f"{user}:44:640\ntwo\n"
    assert sorted(build.inspect()["Config"]["ExposedPorts"]) == ["80/tcp", "81/udp"]
    assert "Dockerfile:3: ENV Y=${X:?say which}: X: say which" in build("FROM busybox\nARG X\nENV Y=${X:?say which}\n", rc=1).stderr


def test_add(build: Builds) -> None:
    build.mydocker.sh("mkdir t && echo in > t/file && chown 5:6 t/file && tar -C t -czf ctx/it.tar.gz . && echo x > ctx/plain.tar")
    build.mydocker.sh("tar -C t -cf ctx/other.tar .")
    owned = "ADD --chown=1:2 it.tar.gz /owned/\n"
    build(f"FROM busybox\nADD it.tar.gz /unpacked/\nADD other.tar plain.tar /mixed/\n{owned}COPY it.tar.gz /kept/\n")
    assert build.run("cd /; cat unpacked/file mixed/file mixed/plain.tar; stat -c %u:%g unpacked/file owned/file; ls kept mixed") == (
        "in\nin\nx\n5:6\n5:6\nkept:\nit.tar.gz\n\nmixed:\nfile\nplain.tar\n"
    )


def test_add_from_an_address(build: Builds) -> None:
    mydocker = build.mydocker
    mydocker.sh("mkdir served && echo served > served/file")
    server = "python3 -u -m http.server --bind 127.0.0.1 8099"
    pid = int(mydocker.sh(f"cd served && ({server} > ../served.log 2>&1 & echo $!)").stdout)
    try:
        mydocker.wait_until(lambda: "Serving" in mydocker.sh("cat served.log").stdout)
        build("FROM busybox\nADD http://127.0.0.1:8099/file /got/\nADD http://127.0.0.1:8099/file /name\n")
        assert build.run("cat /got/file /name; stat -c %a /name") == "served\nserved\n600\n"
        assert "answers 404" in build("FROM busybox\nADD http://127.0.0.1:8099/none /x\n", rc=1).stderr
        wrong = build(f"FROM busybox\nADD --checksum=sha256:{'0' * 64} http://127.0.0.1:8099/file /x\n", rc=1).stderr
        assert f"expected sha256:{'0' * 64}, and its content has sha256:" in wrong
    finally:
        mydocker.end(pid)


STAGED = """ARG BASE=busybox
FROM $BASE AS one
RUN echo one > /one
FROM one AS two
RUN echo two > /two
FROM busybox AS unused
RUN exit 9
FROM scratch AS last
COPY --from=two /one /two /files/
COPY --from=0 /one /zero
COPY --from=busybox /bin/busybox /bin/sh
"""


def test_stages(build: Builds) -> None:
    result = build(STAGED)
    assert "exit 9" not in result.stdout
    assert build.run("cat() { while read -r x; do echo $x; done < $1; }; cat /files/one; cat /files/two; cat /zero") == "one\ntwo\none\n"
    assert len(build.inspect()["RootFS"]["Layers"]) == 3
    build(STAGED, "--target", "two", "--build-arg", "BASE=busybox:latest")
    assert build.run("cat /one /two") == "one\ntwo\n"
    build(STAGED, "--target", "unused", rc=1)


def test_from_an_id(build: Builds) -> None:
    build("FROM busybox\nRUN echo x > /x\n")
    first = build.inspect()["Id"]
    build(f"FROM {first}\nRUN cat /x > /y\n")
    build(f"FROM {first.removeprefix('sha256:')[:12]}\nRUN cat /x > /z\n")
    assert build.run("cat /x /z") == "x\nx\n"
    build.mydocker("rmi", "-f", first)


def test_scratch_alone_has_no_layer(build: Builds) -> None:
    build("FROM scratch\nENV A=b\n")
    assert build.inspect()["RootFS"] == {"Type": "layers"} and build.inspect()["Config"]["WorkingDir"] == "/"
    assert build.mydocker("image", "inspect", "--format", "{{len .RootFS.Layers}}", "made:1").stdout == "0\n"
    started = build.mydocker("run", "--rm", "--network", "none", "made:1", "true")
    assert (started.rc, started.stderr) == (127, "mydocker: exec: 'true': executable file not found in $PATH\n")


def test_onbuild(build: Builds) -> None:
    build("FROM busybox\nONBUILD COPY given /given\nONBUILD RUN cat /given > /copied\n")
    build.mydocker("tag", "made:1", "parent:1")
    build.file("given", "given")
    result = build("FROM parent:1\nRUN cat /copied\n")
    assert "# Executing build trigger: COPY given /given" in result.stdout
    assert build.run("cat /copied") == "given\n"
    assert not build.inspect()["Config"].get("OnBuild")


def test_onbuild_copies_from_a_stage_that_only_it_needs(build: Builds) -> None:
    build("FROM busybox\nONBUILD COPY --from=builder /made /given\n")
    build.mydocker("tag", "made:1", "parent:1")
    result = build(
        "FROM busybox AS base\nRUN echo made > /made\nFROM base AS builder\nRUN chown 4:5 /made\nFROM parent:1\nRUN cat /given\n"
    )
    assert build.run("cat /given; stat -c %u:%g /given") == "made\n4:5\n"
    assert "Step 6/6 : RUN cat /given" in result.stdout
    assert "no earlier stage is called '127.0.0.1:1/builder'" in (
        build("FROM busybox\nCOPY --from=127.0.0.1:1/builder /made /given\nFROM busybox AS builder\nFROM 0\n", rc=1).stderr
    )


def test_an_image_without_layers_gets_a_container(build: Builds) -> None:
    mydocker = build.mydocker
    build('FROM scratch\nCMD ["/sh", "-c", "echo $0 > /x; read -r x < /x; echo $x", "ran"]\n')
    fields = json.loads(mydocker("images", "--format", "{{json .}}", "made").stdout)
    shown = [fields[key] for key in ("Repository", "Size", "VirtualSize", "Containers", "SharedSize", "UniqueSize")]
    assert shown == ["made", "0B", "0B", "N/A", "N/A", "N/A"]
    missing = mydocker("run", "--rm", "--network", "none", "made:1")
    assert (missing.rc, "/sh" in missing.stderr) == (127, True)
    name = mydocker("create", "--network", "none", "made:1").stdout.strip()
    mydocker.sh("{mydocker} cp $({mydocker} create --name bb busybox):/bin/busybox sh; {mydocker} rm bb")
    assert mydocker("cp", "sh", f"{name}:/sh").rc == 0
    assert mydocker("start", "-a", name).stdout == "ran\n"
    assert {"A /sh", "A /x"} <= set(mydocker("diff", name).stdout.splitlines())
    mydocker("rm", name)


def test_the_cache(build: Builds) -> None:
    dockerfile = "FROM busybox\nARG V=1\nRUN echo $V > /v\nCOPY f /f\nRUN cat /f > /copy\nCMD x\n"
    build.file("f", "one")
    assert "Using cache" not in build(dockerfile).stdout
    first = build.inspect()
    again = build(dockerfile)
    assert again.stdout.count("Using cache") == 5
    assert build.inspect()["Id"] == first["Id"]
    build.mydocker.sh("touch -d 2001-01-01 ctx/f")
    assert build(dockerfile).stdout.count("Using cache") == 5
    build.file("f", "two")
    assert build(dockerfile).stdout.count("Using cache") == 2
    assert build.run("cat /copy") == "two\n"
    build.mydocker.sh("chmod 600 ctx/f")
    assert build(dockerfile).stdout.count("Using cache") == 2
    assert build(dockerfile, "--build-arg", "V=2").stdout.count("Using cache") == 1
    assert build.run("cat /v") == "2\n"
    assert build(dockerfile, "--no-cache").stdout.count("Using cache") == 0
    assert build(dockerfile.replace("CMD x", "CMD y")).stdout.count("Using cache") == 4
    hidden = build.mydocker("images", "-q").stdout.count("\n")
    assert build.mydocker("images", "-aq").stdout.count("\n") > hidden
    build.mydocker("image", "prune", "-f")
    assert build(dockerfile).stdout.count("Using cache") >= 4
    (row,) = [line.split() for line in build.mydocker("system", "df").stdout.splitlines() if line.startswith("Build Cache")]
    assert int(row[2]) > 3 and row[3] == "0"
    assert "Deleted build cache objects:" in build.mydocker("builder", "prune", "-f").stdout
    build.mydocker("rmi", "made:1")
    assert build(dockerfile).stdout.count("Using cache") <= 1  # ARG, if an image without a name was built with it


def test_contexts_by_standard_input(build: Builds) -> None:
    mydocker = build.mydocker
    mydocker.sh("echo given > ctx/given")
    assert mydocker.sh("printf 'FROM busybox\\nRUN echo x > /x\\n' | {mydocker} build -q --network none -t made:1 -").rc == 0
    assert build.run("cat /x") == "x\n"
    build.file("Dockerfile", "FROM busybox\nCOPY given /given")
    assert mydocker.sh("tar -C ctx -cz . | {mydocker} build -t made:1 -").rc == 0
    assert build.run("cat /given") == "given\n"
    assert mydocker.sh("printf 'FROM busybox\\nCOPY given /other' | {mydocker} build -t made:1 -f - ctx").rc == 0
    assert build.run("cat /other") == "given\n"
    refused = mydocker.sh("printf 'FROM busybox\\nCOPY given /x' | {mydocker} build -")
    assert (refused.rc, "there is no context to copy from" in refused.stderr) == (1, True)


def test_a_dockerfile_that_is_no_text(build: Builds) -> None:
    for flags in ("-", "-f - ctx"):
        result = build.mydocker.sh("printf 'FROM \\377' | {mydocker} build " + flags)
        assert (result.rc, "is no text" in result.stderr, len(result.stderr.splitlines())) == (1, True, 1), result.stderr


def test_quiet_and_iidfile(build: Builds) -> None:
    build.file("Dockerfile", "FROM busybox\nRUN echo loud")
    result = build.mydocker("build", "-q", "--iidfile", "id", "--network", "none", "-t", "made:1", "-t", "made:2", "ctx")
    assert result.stdout == build.inspect()["Id"] + "\n" == build.mydocker.sh("cat id").stdout + "\n"
    assert build.inspect("made:2")["Id"] == build.inspect()["Id"]
    failing = build("FROM busybox\nRUN echo loud; exit 1\n", "-q", rc=1)
    assert (failing.stdout, failing.stderr.splitlines()[0]) == ("", "loud")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nosuchdirectory"], "context 'nosuchdirectory'"),
        (["https://example/x.git"], "context 'https://example/x.git' is an address"),
        (["-f", "none", "ctx"], "cannot read 'none'"),
        (["-t", "UPPER", "ctx"], "must be lowercase"),
        (["--target", "none", "ctx"], "target stage 'none' could not be found"),
        (["--build-arg", "=x", "ctx"], "invalid build-arg '=x'"),
        (["--network", "nosuchnetwork", "--no-cache", "ctx"], "nosuchnetwork"),
    ],
)
def test_bad_input(build: Builds, arguments: list[str], words: str) -> None:
    build.file("Dockerfile", "FROM busybox\nRUN true")
    result = build.mydocker("build", *arguments)
    assert (result.rc, words in result.stderr) == (1, True), result.stderr


def test_explain_and_dry_run(build: Builds) -> None:
    told = build("FROM busybox\nRUN echo x > /x\n", "--dry-run").stdout
    assert told.splitlines() == ["cli      Dockerfile:1 FROM busybox", "cli      Dockerfile:2 RUN echo x > /x"]
    assert build.mydocker("images", "-aq").stdout.count("\n") == 1
    steps = build("FROM busybox\nRUN echo x > /x\n", "--explain").stderr
    for words in ("mkdir", "pivot_root", "Dockerfile:2 RUN echo x > /x", "store image sha256:"):
        assert words in steps


def test_a_build_killed_at_any_moment(build: Builds) -> None:
    mydocker, chance = build.mydocker, random.Random("build")
    build.file("f", "x")
    build.file("Dockerfile", "FROM busybox\nRUN echo 1 > /1; sleep 0.05\nCOPY f /f\nRUN sleep 0.05; echo 2 > /2\nWORKDIR /w\n")
    for _ in range(17):
        seconds = chance.uniform(0.05, 0.6)
        command = "{mydocker} build --no-cache --network none -t made:1 ctx > /dev/null 2>&1"
        mydocker.sh(f"{command} & p=$!; sleep {seconds:.3f}; kill -9 $p 2>/dev/null; wait $p; true")
        # What a killed build has started goes on to its end, and is nobody's then.
        mydocker.wait_until(lambda: mydocker("system", "check", "--repair").rc == 0 and not mydocker("ps", "-aq").stdout)
        assert mydocker("system", "check").stdout == ""
    build("FROM busybox\nRUN echo 1 > /1; sleep 0.05\nCOPY f /f\nRUN sleep 0.05; echo 2 > /2\nWORKDIR /w\n")
    assert build.run("cat /1 /f /2") == "1\nx\n2\n"


def test_a_label_more_makes_another_image(build: Builds) -> None:
    """Also when every step is taken from the build before."""
    script = "printf 'FROM busybox\\nENV A=b\\n' | {mydocker} build -q %s -t made:1 -"
    first = build.mydocker.sh(script % "").stdout
    labelled = build.mydocker.sh(script % "--label l=1").stdout
    assert first != labelled and build.inspect()["Config"]["Labels"] == {"l": "1"}
    assert build.mydocker.sh(script % "--label l=1").stdout == labelled
    assert build.mydocker.sh(script % "").stdout == first
    build.mydocker("rmi", "-f", labelled.strip())
