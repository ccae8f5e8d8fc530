"""The manual pages: one for each verb, and none that groff complains of."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import manpages
import pytest

from mydocker.cli.main import mydocker
from mydocker.cli.verb import Group

PAGES = dict(manpages.pages(["mydocker"], mydocker))


def test_every_verb_has_a_page_and_the_overview_names_it() -> None:
    for name in set(mydocker.verbs) - set(mydocker.hidden):
        assert f"mydocker-{name}.1" in PAGES
        assert f"\\fBmydocker\\-{name}\\fR(1)" in PAGES["mydocker.1"].replace("\\-\\-", "--")
    network = mydocker.member("network")
    assert isinstance(network, Group)
    assert {f"mydocker-network-{name}.1" for name in set(network.verbs) - set(network.hidden)} <= set(PAGES)


def test_a_page_says_what_help_says() -> None:
    text = PAGES["mydocker-rm.1"]
    assert text.startswith('.TH "MYDOCKER-RM" 1 ')
    assert ".SH NAME\nmydocker\\-rm \\- Remove containers\n.SH SYNOPSIS\n\\fBmydocker rm [OPTION]... CONTAINER...\\fR\n" in text
    assert ".TP\n\\fB\\-f\\fR, \\fB\\-\\-force\\fR\nEnd a running container first (SIGKILL).\n" in text
    assert ".SH EXAMPLES\n.nf\nmydocker rm \\-f web\n.fi\n" in text


def test_nothing_is_a_request_of_troff_by_accident() -> None:
    assert manpages.escaped(".dockerignore and 'x'\n'y' is C:\\") == "\\&.dockerignore and 'x'\n\\&'y' is C:\\e"
    assert all(text.isascii() for text in PAGES.values())


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_groff_takes_every_page(tmp_path: Path) -> None:
    paths = []
    for name, text in PAGES.items():
        paths.append(tmp_path / name)
        paths[-1].write_text(text)
    told = subprocess.run(["groff", "-man", "-Tutf8", "-ww", *paths], capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (0, "")
