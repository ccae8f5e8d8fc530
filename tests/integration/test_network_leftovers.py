"""What a crash can leave of the network is found by system check, and repaired to nothing."""

import json

from conftest import Machine
from wires import Network


def start(mydocker: Machine, name: str, *flags: str) -> None:
    result = mydocker("run", "-d", "--name", name, *flags, "busybox", "sleep", "300")
    assert result.rc == 0, result.stderr


def kill_both(mydocker: Machine, name: str) -> None:
    """Kill a container's monitor, then its first process: nobody is left to clean up."""
    state = json.loads(mydocker.sh(f"cat state/{mydocker.record(name)['id']}/state.json").stdout)
    mydocker.sh(f"kill -9 {state['monitor']} {state['pid']}")
    mydocker.wait_until(lambda: "Exited" in mydocker("ps", "-a").stdout)


def test_a_container_that_died_with_its_monitor(mydocker: Machine) -> None:
    mydocker("network", "create", "net")
    start(mydocker, "friend", "--network", "net", "--dns", "127.0.0.1")
    before = mydocker.snapshot()
    start(mydocker, "box", "--network", "net", "-p", "8080:80")
    kill_both(mydocker, "box")
    assert "state of container" in mydocker("system", "check").stdout
    assert mydocker("system", "check", "--repair").rc == 0
    assert mydocker("system", "check").stdout == ""
    assert "box" not in mydocker("exec", "friend", "cat", "/etc/hosts").stdout
    mydocker("rm", "-f", "box")
    assert not mydocker.left_since(before)
    mydocker("rm", "-f", "friend")
    mydocker("network", "rm", "net")


def test_it_can_be_started_again_or_removed_without_a_repair(mydocker: Machine, network: Network) -> None:
    for verb in (("start", "box"), ("rm", "box")):
        start(mydocker, "box", "-p", "8080:80")
        kill_both(mydocker, "box")
        assert mydocker(*verb).rc == 0
        if verb[0] == "start":
            network.serve("box", 80)
            assert network.host.ask("tcp", "127.0.0.1", 8080, "again") == "again"
            network.close()
            mydocker("rm", "-f", "box")


def test_a_network_whose_record_is_gone(mydocker: Machine) -> None:
    mydocker("run", "--rm", "busybox", "true")
    before = mydocker.snapshot()
    mydocker("network", "create", "--subnet", "10.77.0.0/24", "lost")
    mydocker("run", "--rm", "--network", "lost", "busybox", "true")
    mydocker.sh("rm -rf root/networks/lost")
    found = mydocker("system", "check").stdout
    for words in ("interface mb", "addresses of network lost, which is gone"):
        assert words in found
    assert mydocker("system", "check", "--repair").rc == 0
    assert mydocker("system", "check").stdout == ""
    # The element of the set goes with the next change of the rules.
    mydocker("network", "create", "--subnet", "10.77.0.0/24", "lost")
    mydocker("network", "rm", "lost")
    assert not mydocker.left_since(before)


def test_everything_when_all_records_are_gone(mydocker: Machine) -> None:
    assert mydocker("network", "prune", "-f").rc == 0
    # A prune leaves it on, and forgets that, while the host has interfaces of others that could need it. Another test may have had such.
    mydocker.sh("echo 0 > /proc/sys/net/ipv4/ip_forward")
    before = mydocker.snapshot()
    mydocker.sh("iptables -P FORWARD DROP")
    start(mydocker, "box", "-p", "8080:80")
    kill_both(mydocker, "box")
    mydocker("rm", "box")
    mydocker.sh("rm -rf root/networks/bridge")
    found = mydocker("system", "check").stdout
    for words in ("interface mb", "the rules of table mydocker-", "packet forwarding, switched on"):
        assert words in found, found
    assert mydocker("system", "check", "--repair").rc == 0
    assert "rules for interface mb" in mydocker("system", "check").stdout + found or mydocker("system", "check").stdout == ""
    mydocker("system", "check", "--repair")
    assert mydocker("system", "check").stdout == ""
    mydocker.sh("iptables -P FORWARD ACCEPT; nft delete table ip filter")
    assert not mydocker.left_since(before)
    mydocker("run", "--rm", "busybox", "true")


def test_a_claim_of_nobody(mydocker: Machine) -> None:
    mydocker("run", "--rm", "busybox", "true")
    mydocker.sh(f"printf {'f' * 64} > state/networks/bridge/172.17.0.9")
    found = mydocker("system", "check").stdout
    assert found == "address 172.17.0.9 of network bridge, claimed by container ffffffffffff, which does not run\n"
    assert mydocker("system", "check", "--repair").rc == 0
    assert mydocker("system", "check").stdout == ""


def test_a_reboot_ends_every_claim_and_the_next_start_brings_all_up_again(mydocker: Machine, network: Network) -> None:
    """What a reboot leaves: ROOT, and neither STATE nor anything in the kernel."""
    mydocker("network", "create", "--subnet", "10.77.0.0/24", "net")
    mydocker("create", "--name", "box", "--network", "net", "-p", "8080:80", "busybox", "sleep", "300")
    mydocker.reboot()
    mydocker.sh("for link in $(ip -o link show type bridge | cut -d: -f2); do ip link delete $link; done")
    mydocker.delete_rules()
    assert mydocker("start", "box").rc == 0
    network.serve("box", 80)
    assert network.host.ask("tcp", "127.0.0.1", 8080, "up") == "up"
    network.close()
    mydocker("rm", "-f", "box")
    mydocker("network", "rm", "net")
    mydocker("run", "--rm", "busybox", "true")
