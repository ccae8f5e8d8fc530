"""The limits of a container, from docker's HostConfig to the options of the command line. `create` and `update` share them."""

from __future__ import annotations

from mydocker.api.call import field
from mydocker.engine.request import values
from mydocker.engine.request.options import Options
from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.request.options import Flags

# {field: the option}; 0 and '' mean that nothing is asked for.
_NUMBERS = {
    "Memory": "memory",
    "MemorySwap": "memory_swap",
    "MemoryReservation": "memory_reservation",
    "CpuShares": "cpu_shares",
    "CpuQuota": "cpu_quota",
    "CpuPeriod": "cpu_period",
    "PidsLimit": "pids_limit",
    "BlkioWeight": "blkio_weight",
    "ShmSize": "shm_size",
    "OomScoreAdj": "oom_score_adj",
}
_LISTS = {"CpusetCpus": "cpuset_cpus", "CpusetMems": "cpuset_mems"}
# Of those that have other bounds than 0 and the largest number.
_BOUNDS = {
    "MemorySwap": (-1, 2**63 - 1),
    "CpuQuota": (-1, 2**62),
    "CpuShares": (0, 262144),
    "OomScoreAdj": (-1000, 1000),
    "PidsLimit": (-(2**63), 4194304),  # clients have sent any negative number for no limit
}
_FIXED = ("ShmSize", "OomScoreAdj", "OomKillDisable")


def limits(document: dict[str, Any]) -> Flags:
    """Return the limits that a HostConfig asks for, None for each that it does not. Raises BadInput."""
    found: Flags = {option: _number(document, name) for name, option in _NUMBERS.items()}
    found |= {option: _list(document, name) for name, option in _LISTS.items()}
    found["cpus"] = _cpus(document)
    found["restart"] = _restart(field(document, "RestartPolicy", dict, {}))
    swappiness = field(document, "MemorySwappiness", int, -1)
    if not -1 <= swappiness <= 100:
        raise BadInput(f"invalid MemorySwappiness {swappiness}: expected -1 to 100")
    found["memory_swappiness"] = None if swappiness < 0 else swappiness
    found["oom_kill_disable"] = field(document, "OomKillDisable", bool, False)
    return found


def _number(document: dict[str, Any], name: str) -> int | None:
    value: int = field(document, name, int, 0)
    low, high = _BOUNDS.get(name, (0, 2**63 - 1))
    if not low <= value <= high:
        raise BadInput(f"invalid {name} {value}: expected {low} to {high}")
    if name == "CpuPeriod" and value:
        return values.integer("cpu period", 1000, 1_000_000)(str(value))
    if name == "PidsLimit":
        value = max(value, -1)
    if name == "BlkioWeight" and value:
        return values.integer("blkio weight", 10, 1000)(str(value))
    return value or None


def _list(document: dict[str, Any], name: str) -> str | None:
    text: str = field(document, name, str, "")
    return values.id_list(text) if text else None


def _cpus(document: dict[str, Any]) -> float | None:
    nano: int = field(document, "NanoCpus", int, 0)
    if nano < 0:
        raise BadInput(f"invalid NanoCpus {nano}: expected billionths of a CPU")
    return values.cpus(f"{nano / 10**9:.9f}") if nano else None


def _restart(policy: dict[str, Any]) -> tuple[str, int] | None:
    """Return the policy and how many restarts it allows, None if there is no policy. Raises BadInput."""
    name, count = field(policy, "Name", str, ""), field(policy, "MaximumRetryCount", int, 0)
    if count and name != "on-failure":
        raise BadInput(f"maximum retry count cannot be used with restart policy '{name or 'no'}'")
    if count < 0:
        raise BadInput(f"invalid MaximumRetryCount {count}: expected 0 or more")
    return values.restart(f"{name}:{count}" if count else name) if name else None


def updated(document: dict[str, Any], version: tuple[int, int]) -> Options:
    """Return the options of an update. Raises BadInput for a limit that cannot be changed. version: of the API."""
    for name in _FIXED:
        if document.get(name):
            raise BadInput(f"{name} cannot be changed after a container was created")
    changed = {option: value for option, value in limits(document).items() if value not in (None, False)}
    if version < (1, 40):
        changed.pop("pids_limit", None)
    elif document.get("PidsLimit") == 0:  # of this one alone, 0 is no limit
        changed["pids_limit"] = -1
    return Options({**dict.fromkeys(Options.__annotations__), **changed})
