"""What `mydocker system init` makes for whoever installed mydocker by pip."""

from conftest import Machine


def test_system_init_makes_an_image_to_run(mydocker: Machine) -> None:
    new = {"MYDOCKER_ROOT": f"{mydocker.directory}/new"}
    planned = mydocker("--dry-run", "system", "init", env=new)
    assert (planned.rc, mydocker.sh("ls new").rc) == (0, 2)
    assert "store image as busybox:latest" in planned.stdout
    made = mydocker("system", "init", env=new)
    assert (made.rc, made.stdout, made.stderr) == (0, "busybox:latest is there: mydocker run -ti busybox sh\n", "")
    assert mydocker("run", "--rm", "--network", "none", "busybox", "echo", "hi", env=new).stdout == "hi\n"
    assert mydocker("system", "init", env=new).stdout == ""  # it is there


def test_without_busybox_it_says_what_to_install(mydocker: Machine) -> None:
    found = mydocker("system", "init", env={"PATH": "/nowhere", "MYDOCKER_ROOT": f"{mydocker.directory}/new"})
    assert found.rc == 1
    assert found.stderr == "mydocker: no busybox on this machine to make an image of\nhint: install busybox-static, or pull an image\n"
