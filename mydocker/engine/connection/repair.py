"""What a crash can leave of the network: claims, links, rules and sysctls whose container or network is gone."""

from __future__ import annotations

import os
from _functools import partial  # type: ignore[import-not-found]  # the module around it takes 2 ms

from mydocker import store
from mydocker.engine.connection import unplug
from mydocker.engine.record import containers
from mydocker.kernel import netfilter
from mydocker.kernel.route import Route
from mydocker.network import attachments, bridge, firewall, forwarding, ipam, nft, records
from mydocker.paths import Paths
from mydocker.steps.links import DeleteLink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    # (the words for what it is, what removes it)
    Found = tuple[str, Callable[[], object]]


def leftovers(paths: Paths) -> Iterator[Found]:
    """Yield what nobody owns any more. The caller has settled the runs whose monitor died before."""
    yield from _claims(paths)
    yield from _links(paths)
    yield from _rules(paths)
    yield from _accepts(paths)
    needed = bridge.forwarded(bridge.bridged(paths))
    if not records.damaged(paths) and set(forwarding.switched_on(paths.addresses)) - needed:
        what = "packet forwarding, switched on for networks that are gone"
        yield what, lambda: forwarding.restore_sysctls(paths.proc, paths.addresses, needed)


def missing(paths: Paths) -> Iterator[Found]:
    """Yield our table if somebody has removed it from under networks that are up."""
    driver = bridge.BridgeDriver(paths)
    with Route() as route:
        present = {link["name"] for link in route.links()}
    up = [network["name"] for network in driver.truth()[0] if network["interface"] in present]
    if up and not firewall.is_there(driver.table):
        what = f"the rules of table {driver.table}, which network {', '.join(up)} needs, are missing"
        yield what, lambda: firewall.write_all(driver.table, *driver.truth())


def _claims(paths: Paths) -> Iterator[Found]:
    made = records.names(paths)
    for name in sorted(os.listdir(paths.addresses)) if os.path.isdir(paths.addresses) else []:
        directory = records.claims(paths, name)
        if name.startswith("."):
            continue
        if name not in made:
            yield f"addresses of network {name}, which is gone", partial(store.remove_tree, directory)
            continue
        for address, owner in ipam.held_by(directory):
            if not unplug.is_in_use(paths, owner):
                what = f"address {address} of network {name}, claimed by container {owner[:12]}, which does not run"
                yield what, partial(ipam.release, directory, address, owner)


def _links(paths: Paths) -> Iterator[Found]:
    """Yield bridges and tunnels that have our alias and whose network is gone."""
    mark = f"mydocker {paths.root} "
    made = records.names(paths)
    with Route() as route:
        found = [link for link in route.links() if link["alias"].startswith(mark) and link["alias"].removeprefix(mark) not in made]
    for link in found:
        name = link["name"]
        yield f"interface {name} of network {link['alias'].removeprefix(mark)}, which is gone", DeleteLink(name).apply


def _rules(paths: Paths) -> Iterator[Found]:
    """Yield our table if there is no network. Otherwise yield the containers that are gone and whose ports are still in the table."""
    driver = bridge.BridgeDriver(paths)
    networks, published = driver.truth()
    if records.damaged(paths):
        return  # nobody knows what rules it needs
    if not networks:
        if firewall.is_there(driver.table):
            yield f"the rules of table {driver.table}, though there is no network", lambda: firewall.remove_all(driver.table)
        return
    known = {each["owner"][:12] for each in published} | attachments.unreadable(paths)
    for owner in sorted(firewall.owners(driver.table) - known):
        if _lives(paths, owner):
            continue  # somebody has removed its network.json
        yield f"rules for the ports of container {owner}, which does not run", lambda: firewall.write_all(driver.table, *driver.truth())


def _lives(paths: Paths, prefix: str) -> bool:
    """Say whether a container runs, given by the first digits of its id."""
    return any(owner.startswith(prefix) and unplug.is_in_use(paths, owner) for owner in containers.ids(paths))


def _accepts(paths: Paths) -> Iterator[Found]:
    """Yield our rules in the forward chains of others whose bridges are gone."""
    with Route() as route:
        present = {link["name"] for link in route.links()}
    for chain in netfilter.chains():
        for name in sorted(forwarding.accepted(chain) - present) if chain.is_forward and not chain.table.startswith(nft.PREFIX) else []:
            what = f"rules for interface {name}, which is gone, in chain {chain.name} of table {chain.family} {chain.table}"
            yield what, partial(forwarding.remove_accepts, name, paths.proc)
    for name in sorted(forwarding.accepted_by_iptables(paths.proc) - present):
        what = f"rules for interface {name}, which is gone, in iptables' chain FORWARD"
        yield what, partial(forwarding.remove_accepts, name, paths.proc)
