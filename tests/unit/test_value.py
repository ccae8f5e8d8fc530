"""Values: made by keyword, equal by their fields."""

from __future__ import annotations

import pytest

from mydocker.value import Value


class Point(Value):
    x: int  # to the right
    y: int = 0


class Place(Point):
    name: str

    @property
    def shown(self) -> str:
        return f"{self.name} at {self.x}"


def test_a_value_has_its_fields_and_defaults() -> None:
    place = Place(x=1, name="a")
    assert (place.x, place.y, place.name, place.shown) == (1, 0, "a", "a at 1")
    assert repr(place) == "Place(x=1, y=0, name='a')"


def test_values_are_equal_by_class_and_fields() -> None:
    assert Point(x=1) == Point(x=1, y=0)
    assert Point(x=1) != Point(x=2)
    assert Point(x=1) != Place(x=1, name="")
    assert len({Point(x=1), Point(x=1), Point(x=2)}) == 2


@pytest.mark.parametrize("given, problem", [({}, "Point: x is missing"), ({"x": 1, "z": 2}, "Point has no field z")])
def test_what_is_missing_or_unknown_is_named(given: dict[str, int], problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        Point(**given)


def test_a_value_has_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        Point(x=1).z = 2  # type: ignore[attr-defined]
