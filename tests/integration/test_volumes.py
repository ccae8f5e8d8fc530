"""Binds, named and anonymous volumes, tmpfs: what a container may write where, and what stays."""

import json

import pytest
from conftest import Machine


def test_a_bind_is_the_hosts_directory(mydocker: Machine) -> None:
    mydocker.sh("mkdir host; echo from the host > host/file")
    bind = f"{mydocker.directory}/host:/data"
    assert mydocker("run", "--rm", "-v", bind, "busybox", "cat", "/data/file").stdout == "from the host\n"
    assert mydocker("run", "--rm", "-v", bind, "busybox", "sh", "-c", "echo new > /data/made").rc == 0
    assert mydocker.sh("cat host/made; stat -c %a host").stdout == "new\n755\n"
    assert mydocker("run", "--rm", "-v", bind + ":ro", "busybox", "touch", "/data/other").rc == 1
    assert mydocker.sh("ls host").stdout == "file\nmade\n"


def test_a_single_file_can_be_bound(mydocker: Machine) -> None:
    mydocker.sh("echo one > file")
    assert mydocker("run", "--rm", "-v", f"{mydocker.directory}/file:/etc/deep/file", "busybox", "cat", "/etc/deep/file").stdout == "one\n"


def test_a_missing_host_directory_is_made_by_v_only(mydocker: Machine) -> None:
    assert mydocker("run", "--rm", "-v", f"{mydocker.directory}/new/deep:/data", "busybox", "touch", "/data/x").rc == 0
    assert mydocker.sh("ls new/deep").stdout == "x\n"
    mount = f"type=bind,source={mydocker.directory}/other,target=/data"
    assert mydocker("run", "--rm", "--mount", mount, "busybox", "true").rc == 125
    assert mydocker.sh("ls -d other").rc != 0


@pytest.mark.kernel
@pytest.mark.storage
def test_a_named_volume_is_filled_once_and_outlives_its_containers(mydocker: Machine) -> None:
    first = mydocker("run", "--rm", "-v", "data:/etc", "busybox", "sh", "-c", "ls /etc/passwd; echo mine > /etc/mine; rm /etc/group")
    assert first.stdout == "/etc/passwd\n"
    second = mydocker("run", "--rm", "-v", "data:/etc", "busybox", "sh", "-c", "cat /etc/mine; ls /etc/group")
    assert second.stdout == "mine\n"
    assert mydocker("volume", "ls", "-q").stdout == "data\n"
    assert mydocker("volume", "rm", "data").stdout == "data\n"


def test_nocopy_leaves_a_volume_empty(mydocker: Machine) -> None:
    assert mydocker("run", "--rm", "-v", "empty:/bin2:nocopy", "-v", "empty2:/etc:nocopy", "busybox", "ls", "/etc").stdout.split() == [
        "hostname",
        "hosts",
        "resolv.conf",
    ]
    mydocker("volume", "rm", "empty", "empty2")


def test_what_fills_a_volume_reaches_who_has_it_already(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "first", "-v", "shared:/d:nocopy", "busybox", "sleep", "1000")
    assert mydocker("run", "--rm", "-v", "shared:/etc", "busybox", "touch", "/etc/mine").rc == 0
    assert {"passwd", "mine"} <= set(mydocker("exec", "first", "ls", "/d").stdout.split())
    mydocker("rm", "-f", "first")
    mydocker("volume", "rm", "shared")


def test_an_empty_volume_is_filled_by_the_next_container(mydocker: Machine) -> None:
    """Not by one that has emptied it and is started again."""
    assert mydocker("run", "--rm", "-v", "later:/nosuch", "busybox", "ls", "/nosuch").stdout == ""
    mydocker("run", "--name", "second", "-v", "later:/var", "busybox", "sh", "-c", "ls /var; rm -rf /var/*")
    filled = mydocker("logs", "second").stdout
    assert filled
    assert mydocker("start", "-a", "second").stdout == ""
    assert mydocker("run", "--rm", "-v", "later:/var", "busybox", "ls", "/var").stdout == filled
    mydocker("rm", "second")
    mydocker("volume", "rm", "later")


def test_anonymous_volumes_go_with_rm_and_stay_without_v(mydocker: Machine) -> None:
    assert mydocker("run", "--rm", "-v", "/scratch", "busybox", "touch", "/scratch/x").rc == 0
    assert mydocker("volume", "ls", "-q").stdout == ""
    mydocker("run", "--name", "kept", "-v", "/scratch", "busybox", "touch", "/scratch/x")
    mydocker("rm", "kept")
    assert len(mydocker("volume", "ls", "-q").stdout.split()) == 1
    assert "Total reclaimed space" in mydocker("volume", "prune", "-f").stdout
    assert mydocker("volume", "ls", "-q").stdout == ""


def test_a_volume_in_use_is_not_removed(mydocker: Machine) -> None:
    mydocker("create", "--name", "user", "-v", "data:/data", "busybox", "true")
    refused = mydocker("volume", "rm", "data")
    assert refused.rc == 1
    assert "user" in refused.stderr
    mydocker("rm", "user")
    assert mydocker("volume", "rm", "data").rc == 0
    assert mydocker("volume", "rm", "data").rc == 1


def test_inspect_and_labels(mydocker: Machine) -> None:
    mydocker("volume", "create", "--label", "a=b", "labelled")
    (volume,) = json.loads(mydocker("volume", "inspect", "labelled").stdout)
    assert (volume["Name"], volume["Labels"], volume["Driver"]) == ("labelled", {"a": "b"}, "local")
    assert mydocker("volume", "ls", "-q", "--filter", "label=a=b").stdout == "labelled\n"
    assert mydocker("volume", "ls", "-q", "--filter", "label=a=c").stdout == ""
    mydocker("volume", "rm", "labelled")


def test_volumes_from_another_container(mydocker: Machine) -> None:
    mydocker("run", "--name", "source", "-v", "data:/data", "busybox", "sh", "-c", "echo shared > /data/file")
    assert mydocker("run", "--rm", "--volumes-from", "source", "busybox", "cat", "/data/file").stdout == "shared\n"
    assert mydocker("run", "--rm", "--volumes-from", "source:ro", "busybox", "touch", "/data/x").rc == 1
    mydocker("rm", "source")
    mydocker("volume", "rm", "data")


@pytest.mark.parametrize(("propagation", "seen"), [("rprivate", ""), ("rslave", "late\n"), ("rshared", "late\n")])
def test_propagation(mydocker: Machine, needs_root_mount: None, propagation: str, seen: str) -> None:
    """A mount made on the host after the start shows in the container if it is to, all in a mount namespace of the test's own."""
    waiting = "for i in $(seq 100); do [ -e /data/go ] && break; sleep 0.05; done; ls /data/sub"
    script = """
        mkdir -p shared; mount -t tmpfs shared shared; mount --make-shared shared; mkdir shared/sub
        {mydocker} run -d --name looking -v $PWD/shared:/data:PROPAGATION busybox sh -c "WAITING"
        mount -t tmpfs late shared/sub; touch shared/sub/late shared/go
        for i in $(seq 100); do [ -n "$({mydocker} ps -q)" ] || break; sleep 0.05; done
        cat root/containers/*/log.json"""
    script = script.replace("PROPAGATION", propagation).replace("WAITING", waiting.replace("$", "\\$"))
    mydocker.sh(f"cat > script <<'END'\n{script.replace('{mydocker}', mydocker.prefixed)}\nEND")
    lines = mydocker.sh("unshare -m sh script").stdout.splitlines()
    assert "".join(json.loads(line)["log"] for line in lines[1:]) == seen
    mydocker("rm", "-f", "looking")


@pytest.mark.parametrize(("propagation", "seen"), [("rslave", ""), ("rshared", "inside\n")])
def test_propagation_to_the_host(mydocker: Machine, needs_root_mount: None, propagation: str, seen: str) -> None:
    """A mount made in the container shows on the host if it is to."""
    inside = "cd /data; mkdir sub; mount -t tmpfs late sub; echo inside > sub/file; touch ready"
    waiting = "for i in $(seq 200); do [ -e WHAT ] && break; sleep 0.05; done"
    script = f"""
        mkdir -p shared; mount -t tmpfs shared shared; mount --make-shared shared
        {mydocker.prefixed} run --rm --cap-add SYS_ADMIN --security-opt apparmor=unconfined -v $PWD/shared:/data:{propagation} \\
            busybox sh -c '{inside}; {waiting.replace("WHAT", "go")}; cd /; umount /data/sub' &
        {waiting.replace("WHAT", "shared/ready")}; cat shared/sub/file; touch shared/go; wait"""
    mydocker.sh(f"cat > script <<'END'\n{script}\nEND")
    assert mydocker.sh("unshare -m sh script").stdout == seen


@pytest.mark.parametrize(
    ("state", "words"),
    [("private", {"rshared": "a shared mount", "rslave": "a shared or slave mount"}), ("slave", {"shared": "a shared mount"})],
)
def test_a_source_that_cannot_propagate_is_refused(mydocker: Machine, state: str, words: dict[str, str]) -> None:
    place = f"{mydocker.directory}/there"
    mounted = "mkdir there; mount -t tmpfs there there; mount --make-shared there"
    made = f"{mounted}; unshare -m --propagation unchanged sh -c 'mount --make-{state} there"
    for propagation, told in words.items():
        line = f"{mydocker.prefixed} run --rm --network none -v {place}:/d:{propagation} busybox true 2>&1"
        result = mydocker.sh(f"{made}; {line}'")
        assert result.stdout.splitlines()[0] == f"mydocker: path {place} is mounted on {place} but it is not {told}"
        assert mydocker("ps", "-aq").stdout == ""
        mydocker.sh("umount there; rmdir there")


def test_commit_leaves_volumes_out(mydocker: Machine) -> None:
    mydocker("run", "--name", "work", "-v", "data:/data", "busybox", "sh", "-c", "echo in > /layer; echo out > /data/file; rm /etc/group")
    assert mydocker("commit", "-c", 'CMD ["cat", "/layer"]', "-m", "done", "work", "worked:1").stdout.startswith("sha256:")
    assert mydocker("run", "--rm", "worked:1").stdout == "in\n"
    assert mydocker("run", "--rm", "worked:1", "ls", "/data", "/etc/group").stdout == ""
    mydocker("rm", "work")
    mydocker("rmi", "worked:1")
    mydocker("volume", "rm", "data")


@pytest.mark.parametrize("flags", [[], ["--userns", "auto"], ["--storage-driver", "vfs"]], ids=["plain", "userns", "vfs"])
def test_a_volume_is_filled_when_its_container_is_created(mydocker: Machine, flags: list[str]) -> None:
    """So what cp puts there before the first start joins the image's files, and who takes the volumes of such a container finds them."""
    mydocker.sh(
        "mkdir ctx; printf 'FROM busybox\\nRUN mkdir /vol; echo image > /vol/theirs\\nVOLUME /vol\\n' > ctx/Dockerfile; echo mine > own"
    )
    assert mydocker("build", "-q", "-t", "withvol", "ctx").rc == 0
    assert mydocker("create", "--name", "box", *flags, "withvol", "ls", "-ln", "/vol").rc == 0
    listed = mydocker("run", "--rm", "--volumes-from", "box", "busybox", "cat", "/vol/theirs")
    assert listed.stdout == "image\n"
    assert mydocker("cp", "own", "box:/vol/").rc == 0
    told = mydocker("start", "-a", "box").stdout.splitlines()
    assert [line.split()[-1] for line in told[1:]] == ["own", "theirs"]
    assert told[-1].split()[2:4] == ["0", "0"]
    mydocker("rm", "-v", "box")
    mydocker("rmi", "-f", "withvol")
    mydocker("builder", "prune", "-af")


def test_a_mount_on_a_symlink_that_leads_to_nothing_makes_what_it_leads_to(mydocker: Machine) -> None:
    """As docker does it: inside the container's root, for files, directories, volumes, tmpfs and the working directory."""
    links = "RUN ln -s /run/lock /lk; ln -s ../none/zone /etc/localtime; ln -s gone /wd"
    mydocker.sh(f"mkdir ctx; printf 'FROM busybox\\n{links}\\n' > ctx/Dockerfile")
    assert mydocker("build", "--network", "none", "-t", "links", f"{mydocker.directory}/ctx").rc == 0
    mydocker.sh("echo zone > zone")
    flags = ["-v", f"{mydocker.directory}/zone:/etc/localtime:ro", "-v", "vol:/lk", "-w", "/wd/below"]
    script = "cat /none/zone; touch /lk/a; ls /run/lock; pwd"
    said = mydocker("run", "--rm", "--network", "none", *flags, "links", "sh", "-c", script)
    assert said.stdout == "zone\na\n/gone/below\n", said.stderr
    assert mydocker("run", "--rm", "--network", "none", "--tmpfs", "/lk", "links", "sh", "-c", "touch /run/lock/b; ls /lk").stdout == "b\n"
    for words in (["volume", "rm", "vol"], ["rmi", "links"], ["builder", "prune", "-af"]):
        mydocker(*words)


@pytest.mark.parametrize(
    ("words", "path", "mode"),
    [
        (("--tmpfs", "/private"), "/private", "700"),
        (("--tmpfs", "/private:size=1m"), "/private", "700"),
        (("--mount", "type=tmpfs,dst=/private"), "/private", "700"),
        (("--tmpfs", "/group"), "/group", "2751"),
        (("--tmpfs", "/new/deep"), "/new/deep", "1777"),
        (("--tmpfs", "/dangling"), "/dangling", "1777"),
        (("--tmpfs", "/private:mode=711"), "/private", "711"),
        (("--mount", "type=tmpfs,dst=/private,tmpfs-mode=1770"), "/private", "1770"),
    ],
)
def test_a_tmpfs_has_the_mode_of_what_it_covers(mydocker: Machine, words: tuple[str, ...], path: str, mode: str) -> None:
    script = "mkdir -m 700 /private && mkdir -m 2751 /group && ln -s /no/such /dangling"
    assert mydocker("run", "--name", "box", "--network", "none", "busybox", "sh", "-c", script).rc == 0
    mydocker("commit", "box", "modes")
    mydocker("rm", "box")
    try:
        assert mydocker("run", "--rm", "--network", "none", *words, "modes", "stat", "-Lc", "%a", path).stdout == f"{mode}\n"
        by_hand = mydocker("--explain=sh", "--dry-run", "run", "--rm", "--network", "none", *words, "modes", "true").stdout
        assert ('chmod "$M"' in by_hand) is (":mode" not in words[1] and "tmpfs-mode" not in words[1])
    finally:
        mydocker("rmi", "modes")
