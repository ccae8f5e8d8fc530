"""top, diff and prune."""

from conftest import Machine

DF = "{{.Type}}|{{.TotalCount}}|{{.Active}}|{{.Size}}|{{.Reclaimable}}"


def test_top_shows_the_containers_processes_only(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "busy", "busybox", "sh", "-c", "sleep 1234 & wait")
    mydocker.wait_until(lambda: "sleep 1234" in mydocker("top", "busy").stdout)
    heading, *lines = mydocker("top", "busy").stdout.splitlines()
    assert heading.split()[:3] == ["UID", "PID", "PPID"]
    assert sorted(line.split(None, 7)[7] for line in lines) == ["sh -c sleep 1234 & wait", "sleep 1234"]
    assert mydocker("top", "busy", "-o", "pid,comm").stdout.split()[:2] == ["PID", "COMMAND"]
    refused = mydocker("top", "busy", "-o", "comm")
    assert (refused.rc, "no PID column" in refused.stderr) == (1, True)
    mydocker("rm", "-f", "busy")
    mydocker("create", "--name", "idle", "busybox", "true")
    assert mydocker("top", "idle").rc == 1
    mydocker("rm", "idle")


def test_diff(mydocker: Machine, driver: str) -> None:
    script = "echo x > /etc/new; rm /etc/group; chmod 700 /tmp; echo y > /data/volume"
    mydocker("run", "--name", "work", "--storage-driver", driver, "-v", "/data", "busybox", "sh", "-c", script)
    lines = mydocker("diff", "work").stdout.splitlines()
    assert {"A /etc/new", "D /etc/group", "C /tmp", "C /etc"} <= set(lines)
    assert not any("/data" in line or "hosts" in line for line in lines)
    mydocker("rm", "-v", "work")


def test_mount_points_are_no_changes(mydocker: Machine, driver: str) -> None:
    """They bring /etc into the writable layer: it counts only where the container itself changed it."""
    for script, expected in (("true", []), ("chmod 700 /etc", ["C /etc"])):
        mydocker("run", "--name", "work", "--storage-driver", driver, "busybox", "sh", "-c", script)
        assert mydocker("diff", "work").stdout.splitlines() == expected
        mydocker("rm", "work")


def test_prune_takes_what_does_not_run(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "up", "busybox", "sleep", "100")
    mydocker("run", "--name", "down", "-l", "keep", "busybox", "sh", "-c", "head -c 2000000 /dev/zero > /big")
    mydocker("create", "--name", "new", "busybox", "true")
    assert mydocker("container", "prune", "-f", "--filter", "label=other").stdout == "Total reclaimed space: 0B\n"
    assert mydocker("container", "prune", "-f", "--filter", "label!=keep", "--filter", "label=x").stdout == "Total reclaimed space: 0B\n"
    assert mydocker("container", "prune", "--dry-run").stdout.count("'removing'") == 2
    first, *ids, blank, last = mydocker("container", "prune", "-f").stdout.splitlines()
    assert (first, len(ids), blank, last) == ("Deleted Containers:", 2, "", "Total reclaimed space: 2MB")
    assert mydocker("ps", "-a", "--format", "{{.Names}}").stdout == "up\n"
    mydocker("rm", "-f", "up")


def test_system_prune_and_df(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "up", "busybox", "sleep", "100")
    mydocker("run", "--name", "down", "-v", "/data", "busybox", "sh", "-c", "head -c 2000000 /dev/zero > /big")
    rows = {line.split("|")[0]: line.split("|")[1:] for line in mydocker("system", "df", "--format", DF).stdout.splitlines()}
    assert rows["Images"][:2] == ["1", "1"]
    assert rows["Containers"] == ["2", "1", "2MB", "2MB (100%)"]
    assert rows["Local Volumes"][:2] == ["1", "1"]
    assert "busybox" in mydocker("system", "df", "-v").stdout
    text = mydocker("system", "prune", "-f", "--volumes").stdout
    assert "Deleted Containers:" in text
    assert "Deleted Volumes:" in text
    assert "Deleted Images:" not in text
    assert mydocker("ps", "-a", "--format", "{{.Names}}").stdout == "up\n"
    assert mydocker("volume", "ls", "-q").stdout == ""
    mydocker("rm", "-f", "up")


# Makes and removes files and directories all the time.
BUSY = "while :; do mkdir -p /w/a/b /w/c; echo x > /w/a/b/f; echo x > /w/t; mv /w/t /w/c/u; rm -r /w; done"


def test_a_busy_container_can_be_looked_at_and_copied(mydocker: Machine, driver: str) -> None:
    """What vanishes between being listed and being looked at is no error."""
    mydocker("run", "-d", "--name", "busy", "--storage-driver", driver, "busybox", "sh", "-c", BUSY)
    for _ in range(8):
        for words in (["diff", "busy"], ["commit", "--pause=false", "busy", "busy:1"], ["ps", "-s"], ["system", "df"]):
            result = mydocker(*words)
            assert (result.rc, result.stderr) == (0, "")
        for line in ("export busy", "cp busy:/ -"):
            result = mydocker.sh(f"{{mydocker}} {line} > /dev/null")
            assert (result.rc, result.stderr) == (0, "")
    mydocker("rm", "-f", "busy")
    for image in set(mydocker("images", "-aq", "--filter", "reference=busy").stdout.split()):
        mydocker("rmi", "-f", image)
    mydocker("image", "prune", "-f")
