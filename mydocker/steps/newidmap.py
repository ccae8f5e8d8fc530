"""Steps that map the ids of a user namespace for an ordinary user.

Without help such a user may map only its own id (user_namespaces(7)). Set-user-ID programs map others for it (subuid(5)).
"""

from __future__ import annotations

import os

from mydocker.errors import StepFailed, Unsupported
from mydocker.kernel.programs import call, find
from mydocker.steps.base import Step, command
from mydocker.steps.files import WriteFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.steps.idmap import Mapping


class MapByHelper(Step):
    """Map ids by newuidmap(1) or newgidmap(1)."""

    kind: str  # 'uid' or 'gid'
    pid: int | str  # a process of the user namespace; a text in a plan that is only told
    mappings: list[Mapping]

    def apply(self) -> None:
        program = find(f"new{self.kind}map")
        if not program:
            hint = "install uidmap, and list the ids in /etc/subuid and /etc/subgid"
            raise Unsupported(f"{self.kind}Mappings: an ordinary user needs new{self.kind}map(1) for more than one id of its own", hint)
        status, _, problem = call([program, *self._words()])
        if status:
            raise StepFailed(f"{self.describe()}: {problem.strip()}")

    def _words(self) -> list[str]:
        return [str(self.pid), *(str(number) for mapping in self.mappings for number in mapping)]

    def describe(self) -> str:
        return self.shell()

    def shell(self) -> str:
        return command(f"new{self.kind}map", *self._words())


def own_id_maps(pid: int | str, users: list[Mapping], groups: list[Mapping], own: tuple[int, int] | None = None) -> list[Step]:
    """Return the steps that map the ids of a process's user namespace.

    pid: the process; a text in a plan that is only told.
    users, groups: the mappings.
    own: the caller's (uid, gid); this process's own if it is left out.
    """
    uid, gid = own or (os.geteuid(), os.getegid())
    if [mapping[1:] for mapping in users] == [(uid, 1)] and [mapping[1:] for mapping in groups] == [(gid, 1)]:
        # Nobody without privileges may map a group before setgroups says 'deny'.
        words = {"uid_map": f"{users[0][0]} {uid} 1", "setgroups": "deny", "gid_map": f"{groups[0][0]} {gid} 1"}
        return [WriteFile(f"/proc/{pid}/{file}", text) for file, text in words.items()]
    return [MapByHelper("uid", pid, users), MapByHelper("gid", pid, groups)]
