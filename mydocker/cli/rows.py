"""Print lists as docker does: as a table, as JSON lines, or as --format says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from mydocker.cli.table import table
from mydocker.cli.template import compile_template, plain

# The fields of a line. A template calls a field that is a function with an argument.
Row = Mapping[str, str | Callable[[str], str]]

format_option = click.option("--format", "form", metavar="TEMPLATE", help="table, json, a Go template, or 'table TEMPLATE'.")


def filter_option(keys: str, short: str = "-f") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option --filter.

    keys: the filters that it takes, for --help
    short: its short name, '' for none
    """
    return click.option(*([short] if short else []), "--filter", "texts", multiple=True, metavar="KEY=VALUE", help=f"{keys}.")


def print_rows(rows: Sequence[Row], columns: dict[str, str], form: str | None, headings: Row) -> None:
    """Print rows.

    columns: {field: heading} of the usual table
    form: the value of --format, None for the usual table
    headings: {field: heading} of the other fields
    """
    if form in (None, "", "table"):
        click.echo(table([tuple(columns.values()), *(tuple(str(row[field]) for field in columns) for row in rows)]))
    elif form == "json":
        for row in rows:
            click.echo(json.dumps(plain(row), ensure_ascii=False))
    elif form and form.startswith("table "):
        template = compile_template(_unescaped(form.removeprefix("table ").strip()))
        lines = [template({**headings, **columns}), *map(template, rows)]
        click.echo(table([tuple(line.split("\t")) for line in lines]))
    else:
        template = compile_template(_unescaped(form or ""))
        for row in rows:
            click.echo(template(row))


def _unescaped(text: str) -> str:
    """Return a text with \\t and \\n replaced, because a shell passes them on as they are typed."""
    return text.replace("\\t", "\t").replace("\\n", "\n")
