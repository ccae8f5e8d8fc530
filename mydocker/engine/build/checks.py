"""What can be seen of a Dockerfile before its first instruction is executed. What cannot be done is refused here, with its line."""

from __future__ import annotations

from mydocker.engine.build import addresses, chmod
from mydocker.engine.build.mounts import parse
from mydocker.errors import BadInput, NotFound, Unsupported
from mydocker.images import change, config
from mydocker.images.words import split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mydocker.engine.build.orders import Building
    from mydocker.engine.build.stages import Stage
    from mydocker.images.dockerfile import Instruction

_NETWORKS = ("default", "none", "host")
_SECURITY = ("sandbox", "insecure")
INSECURE = "security.insecure"
# Stands for a working directory that is not known yet: from here no relative target leads to the root.
_ANYWHERE = "/x" * 100


def check(how: Building, stages: Sequence[Stage]) -> None:
    """Check all instructions of some stages. Raises BadInput, NotFound or Unsupported with the number of the line."""
    for stage in stages:
        for instruction in stage.instructions:
            check_one(how, instruction)
    check_platforms(how, stages)


def check_platforms(how: Building, stages: Iterable[Stage]) -> None:
    """Check that the programs of RUN can run, as far as --platform says what they are for. Raises Unsupported with the line."""
    platforms: dict[str, str] = {}
    for stage in stages:
        platform = stage.platform or platforms.get(stage.base.lower(), how.platform)
        platforms |= {name: platform for name in (stage.name, str(stage.number)) if name}
        run = next((instruction for instruction in stage.instructions if instruction.name == "RUN"), None)
        if run and platform and not _can_run(how, platform):
            raise Unsupported(
                f"{how.name}:{run.line}: {run.source}: a program for {platform} cannot run here: binfmt_misc has no emulator for it",
                "install qemu-user-static and binfmt-support",
            )


def _can_run(how: Building, platform: str) -> bool:
    from mydocker.engine.build.emulation import can_run  # imported here, because few builds are for a platform

    return can_run(config.platform_fields(platform)["architecture"], how.paths.proc)


def check_one(how: Building, instruction: Instruction) -> None:
    """Check one instruction. Raises BadInput or NotFound with the number of its line."""
    try:
        {"RUN": _run, "COPY": _copy, "ADD": _copy}.get(instruction.name, _nothing)(how, instruction)
    except (BadInput, NotFound) as error:
        raise type(error)(f"{how.name}:{instruction.line}: {instruction.source}: {error.message}", error.hint) from error


def _nothing(how: Building, instruction: Instruction) -> None:
    """Other instructions are checked when they are executed: they change nothing on the disk before."""


def _run(how: Building, instruction: Instruction) -> None:
    network, security = instruction.flags.get("network", "default"), instruction.flags.get("security", "sandbox")
    if network not in _NETWORKS:
        raise BadInput(f"invalid network {network!r}: expected one of {', '.join(_NETWORKS)}")
    if security not in _SECURITY:
        raise BadInput(f"invalid security {security!r}: expected one of {', '.join(_SECURITY)}")
    if security == "insecure" and INSECURE not in how.allowed:
        raise BadInput("the build was not given the right to be insecure", f"mydocker build --allow {INSECURE}")
    for text in instruction.lists.get("mount", []):
        mount = parse(text, None, _ANYWHERE)
        if mount.required and "$" not in mount.id:
            _required(how, mount.kind, mount.id)


def _required(how: Building, kind: str, name: str) -> None:
    if kind == "secret" and name not in how.secrets:
        raise NotFound(f"secret {name!r} was not given", f"mydocker build --secret id={name},src=FILE")
    if kind == "ssh" and name not in how.agents:
        raise NotFound(f"no ssh agent {name!r} was given", f"mydocker build --ssh {name}")


def _copy(how: Building, instruction: Instruction) -> None:
    listed = change.json_list(instruction.text)
    words = split(instruction.text) if listed is None else listed
    if len(words) < 2:
        raise BadInput("requires at least two arguments, but only one was provided: expected SOURCE... DESTINATION")
    mode, checksum = instruction.flags.get("chmod", ""), instruction.flags.get("checksum", "")
    if "$" not in mode:
        chmod.parse(mode)
    if checksum and not any("$" in word for word in (checksum, *words)):
        addresses.check_checksum(checksum, words[:-1])
    for word in words[:-1] if instruction.name == "ADD" and not any("$" in word for word in words) else []:
        if addresses.is_address(word) and addresses.is_repository(word):
            from mydocker.engine.build.fetching import Repository  # imported here, because few builds fetch

            Repository(word, "", False)
