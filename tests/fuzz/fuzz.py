"""Coverage-guided fuzzing of one reader (readers.py) by atheris: `python tests/fuzz/fuzz.py READER [libFuzzer's options]`.

What it finds lies as crash-… in the working directory, or comes after it as a traceback. It becomes a file in corpus/READER, which
tests/unit/test_fuzz_corpus.py reads in every run of the unit tests. `tox -e fuzz` runs each reader for a stated time.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).parent / "corpus"


def main() -> None:
    """Fuzz the reader that the first argument names, beginning with its corpus."""
    sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests/fuzz")]
    with atheris.instrument_imports(include=["mydocker", "tarfile"]):
        from readers import READERS, try_reader
    name, *options = sys.argv[1:] or [""]
    if name not in READERS:
        sys.exit(f"fuzz: unknown reader {name!r}: expected one of {', '.join(READERS)}")
    atheris.Setup(["fuzz", *options, str(CORPUS / name)], lambda data: try_reader(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
