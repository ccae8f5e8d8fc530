"""--explain=svg, html and trace of a real start, and the page in a real browser."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from changes import version_of
from conftest import Machine

CHROMIUM = shutil.which("chromium")
# The browser has a network namespace without any interface that is up, so a page that asked for something would not get it.
BROWSER = "unshare --net chromium --headless --no-sandbox --disable-gpu --user-data-dir={directory}/profile"
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")


def drawn(mydocker: Machine, form: str, *words: str) -> str:
    result = mydocker(f"--explain={form}", "run", "--rm", *(words or ("--network", "none", "busybox", "echo", "done")))
    assert result.rc == 0 and "done\n" in result.stderr, result.stderr
    return result.stdout


def test_a_start_is_drawn_with_its_processes_and_messages(mydocker: Machine) -> None:
    root = ElementTree.fromstring(drawn(mydocker, "svg"))
    words = " ".join(root.itertext())
    assert all(name in words for name in ("cli", "monitor", "init", "START", "ISOLATED", "BUILT", "GO", "READY", "STARTED", "pivot_root"))
    assert len([each for each in root.iter() if each.get("class") == "bar"]) > 50


def test_with_a_user_namespace_the_stage_has_a_lane(mydocker: Machine, userns: list[str]) -> None:
    words = " ".join(ElementTree.fromstring(drawn(mydocker, "svg", *userns, "--network", "none", "busybox", "echo", "done")).itertext())
    assert all(name in words for name in ("stage", "UNMAPPED", "MAPPED", "BORN"))


def test_a_trace_is_what_viewers_open(mydocker: Machine) -> None:
    events = json.loads(drawn(mydocker, "trace"))["traceEvents"]
    assert {event["ph"] for event in events} == {"M", "X", "s", "f"}
    begun = {event["id"]: event["ts"] for event in events if event["ph"] == "s"}
    assert all(begun[event["id"]] <= event["ts"] for event in events if event["ph"] == "f")


def test_an_exec_is_drawn_too(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "web", "--network", "none", "busybox", "sleep", "1000")
    result = mydocker("--explain=trace", "exec", "web", "true")
    names = [event["name"] for event in json.loads(result.stdout)["traceEvents"]]
    assert {"EXEC", "GO", "READY", "STARTED"} <= {*names}
    mydocker("rm", "-f", "web")


@pytest.mark.parametrize(("words", "expected"), [(["--dry-run"], "not --dry-run"), ([], "standard output is a terminal")])
def test_what_cannot_be_drawn_is_said_before_anything_is_done(mydocker: Machine, words: list[str], expected: str) -> None:
    before = mydocker.snapshot()
    with mydocker.terminal("--explain=svg", *words, "run", "--rm", "busybox", "true") as terminal:
        assert terminal.wait() == 125 and expected in terminal.seen
    assert not mydocker.left_since(before)


def browsed(mydocker: Machine, flags: str, script: str, language: str = "C") -> str:
    """Return the body's data-found after a script was run in the page of a start."""
    mydocker.sh(f"LC_ALL={language} {{mydocker}} --explain=html run --rm --network none busybox true > page.html")
    page = Path(mydocker.directory, "page.html")
    page.write_text(page.read_text().replace("</body>", f"<script>document.body.dataset.found = (() => {{ {script} }})()</script></body>"))
    try:
        result = mydocker.sh(f"{BROWSER} {flags} --dump-dom file://{{directory}}/page.html")
        return str(result.stdout).partition('data-found="')[2].partition('"')[0]
    finally:
        mydocker.sh("rm -rf profile page.html")


PRESS = "const press = (key) => document.dispatchEvent(new KeyboardEvent('keydown', { key })); "
SHOWN = "const shown = () => document.getElementById('step').innerText; "


@needs_chromium
def test_a_click_on_a_bar_shows_its_step(mydocker: Machine) -> None:
    find = "const at = steps.findIndex((step) => step.step.startsWith('pivot_root')); "
    click = "bars[at].dispatchEvent(new MouseEvent('click', { bubbles: true })); "
    found = browsed(mydocker, "", find + SHOWN + click + "return shown();")
    assert "pivot_root to" in found and "mount --move . /" in found
    assert "no path leads back" in found and "mydocker/steps/pivot.py:" in found


def test_the_page_has_what_the_kernel_had_before_a_start_and_after_it(mydocker: Machine, needs_controllers: None) -> None:
    page = drawn(mydocker, "html", "-m", "64m", "--hostname", "there", "busybox", "echo", "done")
    before, after = json.loads(page.partition('id="data">')[2].partition("</script>")[0])["sights"]
    assert before.keys() == after.keys() == {"namespaces", "mounts", "cgroups", "links"}
    own = {line.split()[0] for line in {*after["namespaces"]} - {*before["namespaces"]}}
    assert own >= {"mount", "pid", "network", "uts", "ipc"}
    assert any(line.startswith("/etc/hosts ") for line in after["mounts"]) and any(line.startswith("eth0 ") for line in after["links"])
    limit = f"  {'memory.max' if version_of('memory') == 2 else 'memory.limit_in_bytes'}  {64 << 20}"
    assert limit in after["cgroups"] and limit not in before["cgroups"]


def test_a_start_that_fails_early_has_a_page_without_it(mydocker: Machine) -> None:
    failed = mydocker("--explain=html", "run", "--rm", "--network", "none", "-v", "/dev/null:/etc", "busybox", "true")
    assert failed.rc == 125 and '"sights":null' in failed.stdout.replace(" ", "")


@needs_chromium
def test_what_only_one_of_them_has_is_bold(mydocker: Machine) -> None:
    script = "return [...document.querySelectorAll('#sights details')].map((part) => part.querySelectorAll('.new').length).join();"
    namespaces, mounts, _, links = (int(count) for count in browsed(mydocker, "", script).split(","))
    assert namespaces >= 10 and mounts > 10 and links >= 0


@needs_chromium
def test_keys_go_from_step_to_step_and_make_it_larger(mydocker: Machine) -> None:
    script = "press('Home'); press('ArrowRight'); press('ArrowRight'); const third = chosen; press('End'); press('ArrowRight'); "
    script += "const wide = document.querySelector('svg').clientWidth; press('+'); "
    script += "return [third, chosen === steps.length - 1, document.querySelector('svg').clientWidth > wide, shown()].join();"
    found = browsed(mydocker, "", PRESS + SHOWN + script)
    assert found.startswith("2,true,true,") and "execve true" in found


@needs_chromium
def test_it_is_chinese_where_the_locale_is(mydocker: Machine) -> None:
    found = browsed(mydocker, "", SHOWN + "return document.documentElement.lang + shown();", "zh_CN.UTF-8")
    assert found.startswith("zh") and "存储目录" in found


@needs_chromium
def test_a_dark_screen_gets_a_dark_page(mydocker: Machine) -> None:
    script = "return getComputedStyle(document.body).backgroundColor + getComputedStyle(document.querySelector('.paper')).fill;"
    assert browsed(mydocker, "", script) == "rgb(255, 255, 255)" * 2
    assert browsed(mydocker, "--blink-settings=preferredColorScheme=0", script) == "rgb(16, 21, 28)" * 2


@needs_chromium
def test_a_narrow_screen_scrolls_only_the_drawing(mydocker: Machine) -> None:
    script = "return [document.documentElement.scrollWidth <= innerWidth, drawing.scrollWidth > drawing.clientWidth].join();"
    assert browsed(mydocker, "--window-size=500,800", "const drawing = document.getElementById('drawing'); " + script) == "true,true"


@needs_chromium
def test_on_paper_every_step_has_its_reason(mydocker: Machine) -> None:
    mydocker.sh("{mydocker} --explain=html run --rm --network none busybox true > page.html")
    try:
        printed = mydocker.sh(f"{BROWSER} --print-to-pdf=page.pdf file://{{directory}}/page.html && grep -a -c '/Type /Page$' page.pdf")
        assert int(printed.stdout.split()[-1]) > 3  # the reasons of a hundred steps take pages, and the screen shows one
    finally:
        mydocker.sh("rm -rf profile page.html page.pdf")
