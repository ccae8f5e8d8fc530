"""The verb system init: what a new installation by pip needs."""

from __future__ import annotations

from mydocker.cli.base import EXPLAIN, Session, echo
from mydocker.cli.execution import runner
from mydocker.cli.verb import verb
from mydocker.engine.system.installation import IMAGE, faster_commands, make_image


@verb(
    *EXPLAIN,
)
def init(session: Session, /) -> None:
    """Finish an installation by pip or pipx: make the image busybox:latest, and the two commands faster.

    Launchers take the place of pip's scripts, and the modules of each verb of every day are written into one file.

    The image is made of this machine's static busybox (Debian's package busybox-static). What is there already is left alone.

    Example: mydocker system init
    """
    run = runner(session)
    run.execute(faster_commands())
    if make_image(session.paths, run):
        echo(f"{IMAGE} is there: mydocker run -ti {IMAGE.partition(':')[0]} sh")
