"""Questions to the person at the terminal. click asks them, and it is imported only then."""

from __future__ import annotations


def confirmed(question: str) -> bool:
    """Ask a question that is answered with y or N. Raises KeyboardInterrupt if there is no answer."""
    import click

    try:
        return click.confirm(question)
    except click.Abort as abort:
        raise KeyboardInterrupt from abort


def answer(question: str, is_secret: bool = False) -> str:
    """Ask for a text. is_secret: do not show it. Raises KeyboardInterrupt if there is no answer."""
    import click

    try:
        return str(click.prompt(question, hide_input=is_secret))
    except click.Abort as abort:
        raise KeyboardInterrupt from abort
