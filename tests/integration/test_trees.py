"""history --tree and inspect --tree: what they draw is what is there."""

from __future__ import annotations

from conftest import Machine


def test_a_running_container_is_drawn_from_the_kernel(mydocker: Machine, needs_controllers: None, storage: str) -> None:
    script = "rm /etc/group; echo > /new; exec sleep 1000"
    mydocker("run", "-d", "--name", "web", "-m", "64m", "-v", "data:/data", "busybox", "sh", "-c", script)
    mydocker("run", "-d", "--name", "beside", "--network", "container:web", "busybox", "sleep", "1000")
    mydocker.wait_until(lambda: mydocker("exec", "web", "test", "-e", "/new").rc == 0)
    text = mydocker("inspect", "--tree", "web").stdout
    pid = mydocker("inspect", "-f", "{{.State.Pid}}", "web").stdout.strip()
    number = mydocker.sh(f"stat -L -c %i /proc/{pid}/ns/net").stdout.strip()
    assert f"network  {number}  shared with beside" in text
    user = mydocker.sh(f"stat -L -c %i /proc/{pid}/ns/user").stdout.strip()
    assert f"user  {user}  shared with the host, beside" in text
    assert "├─ /data  " in text.replace("│  ", "") and "eth0" in text and "a port of mb" in text
    assert "67108864" in text
    if storage != "vfs":
        assert "hidden by whiteouts: /etc/group" in text
    mydocker("rm", "-f", "web", "beside")
    mydocker("volume", "rm", "data")


def test_a_container_that_does_not_run_has_only_layers(mydocker: Machine) -> None:
    mydocker("create", "--name", "still", "busybox")
    text = mydocker("inspect", "--tree", "still").stdout
    assert "does not run" in text and "layers, by" in text and "namespaces" not in text
    assert mydocker("inspect", "--tree", "nobody").rc == 1
    mydocker("rm", "still")


def test_an_images_layers_are_drawn_with_what_they_hide(mydocker: Machine, storage: str) -> None:
    mydocker("run", "--name", "made", "--network", "none", "busybox", "sh", "-c", "rm /etc/group; echo > /new")
    mydocker("commit", "-m", "without groups", "made", "smaller")
    mydocker("run", "--rm", "--network", "none", "smaller", "true")
    lines = mydocker("history", "--tree", "smaller").stdout.splitlines()
    assert lines[0].startswith("smaller:latest") and len([line for line in lines if "layer " in line]) == 2
    if storage != "vfs":
        assert "hidden by whiteouts: /etc/group" in lines[4 if "added" in lines[3] else 3] + lines[4]
    mydocker("rm", "made")
    mydocker("rmi", "smaller")
