"""What a service has imported before it forks the child of a connection."""

from __future__ import annotations

import subprocess
import sys

from mydocker import program

# Serves nobody: only what it imports while it waits, in a process of its own. Afterwards a child does what a start needs.
_SCRIPT = """
import sys
from mydocker import frozen
from mydocker.api.service import Service
from mydocker.paths import Paths

asked = []
frozen.load = asked.append
service = Service(Paths(), None, 0, lambda: None)
service._import_next()
assert not asked, "nothing is imported for a service that nobody has used"
service._has_served = True
while service._modules:
    service._import_next()
assert set(asked) == {"monitor"}, asked
before = set(sys.modules)
from mydocker.api.create import create
from mydocker.api.life import start
from mydocker.api.system import ping
from mydocker.engine.monitor.monitor import main
from mydocker.engine.request.seccomp import *
from mydocker.kernel.seccomp_rules import *
print(*sorted(set(sys.modules) - before))
"""


def test_what_most_children_need_is_imported_by_the_service_itself() -> None:
    ran = subprocess.run([sys.executable, "-c", _SCRIPT], cwd=program.HERE, capture_output=True, text=True, timeout=60)

    assert (ran.stdout, ran.stderr, ran.returncode) == ("\n", "", 0)
