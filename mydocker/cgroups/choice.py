"""Choosing the controllers that can limit something on this machine, and finding those that are missing."""

from __future__ import annotations

from mydocker.cgroups import v1, v2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.controller import Controller
    from mydocker.cgroups.group import Group
    from mydocker.cgroups.layout import Layout

# The two names of one controller, in version 1 and in version 2.
OTHER_NAME = {"blkio": "io", "io": "blkio"}


def controllers(group: Group, layout: Layout) -> list[Controller]:
    """Return the controllers of one hierarchy that can limit something."""
    if group.hierarchy.version == 1:
        return [each(group) for each in v1.CONTROLLERS if each.name in group.hierarchy.controllers]
    found: list[Controller] = [each(group) for each in v2.CONTROLLERS if each.name in group.hierarchy.controllers]
    # These are in no file cgroup.controllers.
    if not layout.find("devices"):
        found.append(v2.Devices(group))
    return [*found, v2.Unified(group), *([v2.NoNetwork(group)] if layout.mode == "v2" else [])]


def missing_controllers(layout: Layout) -> list[Controller]:
    """Return the controllers that this machine lacks. All that they do is to refuse limits and say why."""
    known = v2.CONTROLLERS if layout.mode == "v2" else v1.CONTROLLERS
    lacking = [each for each in known if not layout.find(each.name) and not layout.find(OTHER_NAME.get(each.name, each.name))]
    if layout.unified:
        lacking = [each for each in lacking if each.name != "devices"]
    else:
        lacking.append(v2.Unified)
    return [each(None, layout.absence(each.name)) for each in lacking]
