"""The verb system init: what a new installation by pip needs."""

from __future__ import annotations

from mydocker.cli.base import EXPLAIN, Session, echo
from mydocker.cli.execution import runner
from mydocker.cli.verb import verb
from mydocker.engine.system.installation import IMAGE, launchers, make_image


@verb(
    *EXPLAIN,
)
def init(session: Session, /) -> None:
    """Finish an installation by pip or pipx: make the image busybox:latest, and write fast launchers over pip's scripts.

    The image is made of this machine's static busybox (Debian's package busybox-static). What is there already is left alone.

    Example: mydocker system init
    """
    run = runner(session)
    run.execute(launchers())
    if make_image(session.paths, run):
        echo(f"{IMAGE} is there: mydocker run -ti {IMAGE.partition(':')[0]} sh")
