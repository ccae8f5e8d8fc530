"""vm/provision.sh: which way it takes, with scripts in place of what would change the machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROVISION = Path(__file__).resolve().parents[3] / "vm/provision.sh"
TOO_OLD = {f"python3{minor}": "exit 1" for minor in (".13", ".12", ".11")}
# `python3 -m venv` with a pip that installs nothing: uv is there already.
VENV = '[ "$1 $2" = "-m venv" ] && mkdir -p "$3/bin" && ln -s /bin/true "$3/bin/python" && cp "$(command -v uv)" "$3/bin/"'
UV = 'mkdir -p "$UV_PYTHON_INSTALL_DIR/one/bin" && ln -s /bin/true "$UV_PYTHON_INSTALL_DIR/one/bin/python3"'


class Shell:
    """Runs provision.sh with fake commands; each notes how it was called."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.notes = directory / "notes"
        self.path = f"{directory}:{os.environ['PATH']}"
        self.fake(id="echo 0", uname="echo 5.4.0-1-generic", modprobe="exit 1")

    def fake(self, **scripts: str) -> None:
        """Put scripts in place of commands."""
        for name, script in scripts.items():
            path = self.directory / name.replace("_", "-")
            path.write_text(f'#!/bin/sh\necho "{path.name} $*" >> {self.notes}\n{script}\n')
            path.chmod(0o755)

    def __call__(self, *parts: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PATH": self.path,
            "PREFIX": str(self.directory / "prefix"),
            "ETC": str(self.directory / "etc"),
            "PYTHON": str(self.directory / "none"),
        }
        return subprocess.run([PROVISION, *parts], env=environment, capture_output=True, text=True)

    def called(self, name: str) -> list[str]:
        """Return the calls of a command."""
        return [line for line in self.notes.read_text().splitlines() if line.split()[0] == name]


@pytest.fixture
def provision(tmp_path: Path) -> Shell:
    """A machine without any of the modules."""
    return Shell(tmp_path)


needs_no_aufs = pytest.mark.skipif("\taufs\n" in Path("/proc/filesystems").read_text(), reason="this kernel has aufs")


@needs_no_aufs
def test_ubuntus_extra_modules_are_installed_for_aufs(provision: Shell) -> None:
    provision.fake(apt_cache="exit 0", dpkg_query="exit 1", apt_get=f"printf '#!/bin/sh\\nexit 0\\n' > {provision.directory}/modprobe")
    result = provision("modules")
    assert result.returncode == 0 and "aufs" not in result.stderr
    assert provision.called("apt-get") == ["apt-get install -y -qq --no-install-recommends linux-modules-extra-5.4.0-1-generic"]


@needs_no_aufs
@pytest.mark.parametrize(
    "commands", [{"apt_cache": "exit 1", "dpkg_query": "exit 1"}, {"apt_cache": "exit 0", "dpkg_query": "echo install ok installed"}]
)
def test_nothing_is_installed_where_there_is_no_such_package_or_it_is_there(provision: Shell, commands: dict[str, str]) -> None:
    provision.fake(**commands, apt_get="exit 1")
    result = provision("modules")
    assert (result.returncode, provision.called("apt-get")) == (0, [])
    assert "provision: no aufs in this kernel\n" in result.stderr


@needs_no_aufs
def test_extra_modules_that_cannot_be_installed_are_an_error(provision: Shell) -> None:
    provision.fake(apt_cache="exit 0", dpkg_query="exit 1", apt_get="exit 100")
    result = provision("modules")
    assert result.returncode == 1
    assert result.stderr.endswith("provision: linux-modules-extra-5.4.0-1-generic could not be installed\n")


def test_uv_brings_a_python_where_no_archive_has_one(provision: Shell) -> None:
    provision.fake(**TOO_OLD, python3=VENV, uv=UV, apt_get="exit 1", add_apt_repository="exit 1")
    result = provision("python")
    assert result.returncode == 0, result.stderr
    assert provision.called("uv") == ["uv python install 3.11"]
    assert provision("which").stdout == f"{provision.directory}/prefix/lib/mydocker/python/one/bin/python3\n"


def test_no_python_at_all_says_where_one_is_looked_for(provision: Shell) -> None:
    provision.fake(**TOO_OLD, python3="exit 1", apt_get="exit 1", add_apt_repository="exit 1")
    result = provision("python")
    assert result.returncode == 1
    assert result.stderr.endswith(f"install one as python3.11 or in {provision.directory}/prefix/lib/mydocker/python/*/bin\n")


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root knows what others may execute")


@needs_root
def test_a_python_for_everybody_comes_before_one_for_root_alone(provision: Shell, tmp_path: Path) -> None:
    """Who has a python3 of their own in PATH would install mydocker for nobody else."""
    own, shared = tmp_path / "own", Path("/usr/bin/python3")
    own.mkdir(mode=0o700)
    (own / "python3").symlink_to(os.path.realpath(sys.executable))
    if not shared.exists() or subprocess.run([shared, "-c", "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"]).returncode:
        pytest.skip("this machine's own Python cannot make a venv")
    provision.path = f"{own}:{provision.path}"
    (provision.directory / "none").symlink_to(shared)
    assert provision("which").stdout == f"{provision.directory}/none\n"
    (provision.directory / "none").unlink()
    provision.path = f"{own}:/usr/bin:/bin"
    assert provision("which").stdout.startswith("/usr/bin/python3")


def test_an_unknown_part_is_named(provision: Shell) -> None:
    result = provision("moduls")
    assert (result.returncode, result.stderr) == (
        1,
        "provision: unknown part 'moduls': expected packages, python, mounts, modules, install, service, image or tests\n",
    )


def test_a_service_starts_at_boot_what_is_to_run_all_the_time(provision: Shell) -> None:
    provision.fake(systemctl="exit 0")
    assert provision("service").returncode == 0
    text = (provision.directory / "etc/systemd/system/mydocker.service").read_text()
    assert f"\nExecStart={provision.directory}/prefix/bin/mydocker system boot\n" in text
    assert provision.called("systemctl") == ["systemctl --quiet enable mydocker.service"]


@pytest.mark.parametrize(("group", "owners"), [("exit 0", ["root", "docker"]), ("exit 2", ["root"])])
def test_the_first_client_of_the_api_starts_it(provision: Shell, group: str, owners: list[str]) -> None:
    """The units are there and nothing enables them: whoever may use the socket is root."""
    provision.fake(systemctl="exit 0", getent=group)
    assert provision("service").returncode == 0
    place = provision.directory / "etc/systemd/system"
    told = [(place / f"mydocker-api.{kind}").read_text().splitlines() for kind in ("socket", "service")]
    assert {"ListenStream=/run/mydocker/docker.sock", "SocketMode=0660"} <= set(told[0])
    assert [line.partition("=")[2] for line in told[0] if line.startswith(("SocketUser=", "SocketGroup="))] == owners
    assert f"ExecStart={provision.directory}/prefix/bin/mydocker system service --time 5" in told[1]
    assert {"KillMode=process", "Delegate=yes"} <= set(told[1])  # or containers would end with the service


def test_without_systemd_a_script_does(provision: Shell) -> None:
    provision.fake(**{"update-rc.d": "exit 0"})
    for tool in ("chmod", "dirname", "mkdir", "mv", "sed"):
        (provision.directory / tool).symlink_to(str(shutil.which(tool)))
    provision.path = str(provision.directory)
    assert provision("service").returncode == 0
    script = provision.directory / "etc/init.d/mydocker"
    assert f"exec {provision.directory}/prefix/bin/mydocker system boot ;;\n" in script.read_text()
    assert provision.called("update-rc.d") == ["update-rc.d mydocker defaults"]
    assert subprocess.run([script, "stop"]).returncode == 0
    assert subprocess.run([script], capture_output=True).returncode == 2


@pytest.mark.parametrize(("nft", "installed"), [("cat >/dev/null; exit 0", []), ("exit 1", ["iptables"])])
def test_where_nft_is_too_old_iptables_is_installed(provision: Shell, nft: str, installed: list[str]) -> None:
    own = '[ "$4" = iptables ] && exit 1; echo install ok installed'
    provision.fake(nft=nft, dpkg_query=own, apt_get="exit 0")
    assert provision("packages").returncode == 0
    calls = [line.split() for line in provision.called("apt-get") if "install" in line.split()]
    assert [words[-1] for words in calls] == installed


@needs_no_aufs
def test_an_archive_without_the_running_kernels_modules_is_told(provision: Shell) -> None:
    provision.fake(apt_cache="exit 1", dpkg_query="exit 1", grep='[ "$2" = ID=ubuntu ] && exit 0; exec /bin/grep "$@"')
    told = provision("modules").stderr
    assert "the archive has no linux-modules-extra-5.4.0-1-generic: for aufs on Ubuntu 20.04, apt-get install linux-image-generic" in told
