"""vm/table.py: rows from what a boot left, and the tables made of them."""

from pathlib import Path

import pytest
from table import Row, markdown, read_row, show

XML = """<testsuites><testsuite name="pytest" errors="0" failures="{failures}" skipped="1" tests="3" time="12.5">
<testcase classname="tests.integration.test_run" name="test_a[local]"/>
<testcase classname="tests.integration.test_run" name="test_b[local]">{failure}</testcase>
<testcase classname="tests.integration.test_limits" name="test_c[local]"><skipped message="no controller"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    """The directory of a boot whose tests passed."""
    (tmp_path / "release").write_text("6.1.0-9-amd64\n")
    (tmp_path / "overlay.status").write_text("0\n")
    (tmp_path / "overlay.xml").write_text(XML.format(failures=0, failure=""))
    return tmp_path


def test_a_row_that_passed(boot: Path) -> None:
    row = read_row(boot, "6.1", "v1", "overlay", "")
    assert row == Row("6.1 (6.1.0-9-amd64)", "v1", "overlay", "passed", 2, 1, 12.5, (), ("no controller",))
    assert row.is_good


def test_a_row_that_failed_names_the_test(boot: Path) -> None:
    (boot / "overlay.status").write_text("1")
    (boot / "overlay.xml").write_text(XML.format(failures=1, failure="<failure/>"))
    row = read_row(boot, "6.1", "v1", "overlay", "")
    assert (row.result, row.passed, row.failures, row.is_good) == ("failed", 1, ("test_run::test_b[local]",), False)


def test_a_test_counts_once_also_if_its_teardown_fails_too(boot: Path) -> None:
    again = '<testcase classname="tests.integration.test_run" name="test_b[local]"><error/></testcase>'
    text = XML.format(failures=1, failure="<failure/>").replace("</testsuite>", f"{again}</testsuite>")
    (boot / "overlay.status").write_text("1")
    (boot / "overlay.xml").write_text(text.replace('errors="0"', 'errors="1"').replace('tests="3"', 'tests="4"'))
    row = read_row(boot, "6.1", "v1", "overlay", "")
    assert (row.passed, row.skipped, row.failures) == (1, 1, ("test_run::test_b[local]",))


def test_what_passed_before_the_machine_died_still_counts(boot: Path) -> None:
    assert read_row(boot, "6.1", "v1", "overlay", "kernel panic: x").is_good
    row = read_row(boot, "6.1", "v1", "vfs", "kernel panic: x")
    assert (row.result, row.is_good) == ("kernel panic: x", False)


def test_a_pytest_that_had_no_results(boot: Path) -> None:
    (boot / "vfs.status").write_text("4")
    (boot / "vfs.log").write_text("ERROR: no such file\n\n")
    assert read_row(boot, "6.1", "v1", "vfs", "").result == "pytest ended with status 4: ERROR: no such file"


def test_a_driver_that_the_kernel_does_not_have_is_no_failure(boot: Path) -> None:
    (boot / "aufs.reason").write_text("this kernel has no aufs\n")
    row = read_row(boot, "6.1", "v1", "aufs", "")
    assert (row.result, row.is_good) == ("this kernel has no aufs", True)


def test_tables() -> None:
    rows = [
        Row("6.1 (6.1.0)", "v1", "overlay", "failed", 2, 1, 12.5, ("test_run::test_b",), ("no controller",)),
        Row("6.1 (6.1.0)", "v1", "aufs", "this kernel has no aufs", is_absent=True),
    ]
    assert show(rows) == (
        "kernel       cgroup  storage  result                   passed  skipped  seconds\n"
        "6.1 (6.1.0)  v1      overlay  failed                   2       1        12\n"
        "6.1 (6.1.0)  v1      aufs     this kernel has no aufs\n"
        "failed: 6.1 (6.1.0), v1, overlay: test_run::test_b\n"
    )
    lines = markdown(rows, "QEMU").splitlines()
    assert lines[0].endswith(", QEMU.")
    assert "| 6.1 (6.1.0) | v1 | overlay | failed | 2 | 1 | 12 |" in lines
    assert "- no controller: 6.1 v1 overlay" in lines
    assert "- 6.1 (6.1.0), v1, overlay: test_run::test_b" in lines
