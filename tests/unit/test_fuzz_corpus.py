"""What fuzzing began with, and what it found: every reader reads it, or refuses it with an error of ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from readers import READERS, try_reader

CORPUS = Path(__file__).resolve().parents[1] / "fuzz/corpus"


@pytest.mark.parametrize("reader", sorted(READERS))
def test_the_corpus_is_read_or_refused(reader: str) -> None:
    for path in sorted((CORPUS / reader).iterdir()):
        try:
            try_reader(reader, path.read_bytes())
        except Exception as error:
            error.add_note(f"of {path}")
            raise


def test_every_reader_has_a_corpus() -> None:
    assert {path.name for path in CORPUS.iterdir()} == READERS.keys()
