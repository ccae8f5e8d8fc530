"""Print lists as docker does: as a table, as JSON lines, or as --format says."""

from __future__ import annotations

from mydocker import leanjson
from mydocker.cli.base import echo
from mydocker.cli.table import table
from mydocker.cli.verb import Flag, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    # The fields of a line. A template calls a field that is a function with an argument.
    Row = Mapping[str, str | Callable[[str], str]]

FORMAT = option("--format", "form", metavar="TEMPLATE", help="table, json, a Go template, or 'table TEMPLATE'.")


def filter_option(keys: str, short: str = "-f") -> Flag:
    """Return the option --filter.

    keys: the filters that it takes, for --help
    short: its short name, '' for none
    """
    return option(*([short] if short else []), "--filter", "texts", many=True, metavar="KEY=VALUE", help=f"{keys}.")


def print_rows(rows: Sequence[Row], columns: dict[str, str], form: str | None, headings: Row) -> None:
    """Print rows.

    columns: {field: heading} of the usual table
    form: the value of --format, None for the usual table
    headings: {field: heading} of the other fields
    """
    if not form or form == "table":
        echo(table([tuple(columns.values()), *(tuple(str(row[field]) for field in columns) for row in rows)]))
    elif form == "json":
        for row in rows:
            echo(leanjson.text({name: row[name] for name in sorted(row) if not callable(row[name])}))
    else:
        _print_by_template(rows, columns, form, headings)


def _print_by_template(rows: Sequence[Row], columns: dict[str, str], form: str, headings: Row) -> None:
    from mydocker.cli.template.compile import compile_template  # imported here, because it takes 10 ms

    if form.startswith("table "):
        text = _unescaped(form.removeprefix("table ").strip())
        heading, template = compile_template(text, is_heading=True), compile_template(text)
        lines = [heading({**headings, **columns}), *map(template, rows)]
        echo(table([tuple(line.split("\t")) for line in lines]))
        return
    template = compile_template(_unescaped(form))
    for row in rows:
        echo(template(row))


def _unescaped(text: str) -> str:
    """Return a text with \\t and \\n replaced, because a shell passes them on as they are typed."""
    return text.replace("\\t", "\t").replace("\\n", "\n")
