"""What fuzzing began with, and what it found: every reader reads it, or refuses it with an error of ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from readers import READERS, try_reader

CORPUS = Path(__file__).resolve().parents[1] / "fuzz/corpus"


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_corpus_is_read_or_refused(path: Path) -> None:
    try_reader(path.parent.name, path.read_bytes())


def test_every_reader_has_a_corpus() -> None:
    assert {path.name for path in CORPUS.iterdir()} == READERS.keys()
