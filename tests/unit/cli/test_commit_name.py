"""The name that commit gives."""

import pytest

from mydocker.cli.commit import reference_for
from mydocker.errors import BadInput


@pytest.mark.parametrize(
    ("name", "shown"),
    [("web", "web:latest"), ("web:vim", "web:vim"), ("/srv/web.tar", "web:latest"), ("web.tar", "web:latest"), (None, "None")],
)
def test_name(name: str | None, shown: str) -> None:
    assert str(reference_for(name)) == shown


@pytest.mark.parametrize("name", ["Web", "/srv/My File.tar", ".tar"])
def test_bad_names(name: str) -> None:
    with pytest.raises(BadInput):
        reference_for(name)
