"""Units of systemd: the whole text, and words that mean nothing but themselves."""

from __future__ import annotations

import pytest

from mydocker.engine.view import unit

WHOLE = """\
[Unit]
Description=Container web of mydocker
Wants=network-online.target
After=network-online.target
RequiresMountsFor=/var/lib/mydocker

[Service]
Type=exec
WorkingDirectory=/srv/100%%
ExecStartPre=-/bin/mydocker rm -f web
ExecStart=/bin/mydocker run "--env=A=b c" busybox
ExecStop=/bin/mydocker stop -t 5 web
Restart=always
RestartSec=3
TimeoutStopSec=65
SuccessExitStatus=143
KillMode=process
Delegate=yes
TasksMax=infinity

[Install]
WantedBy=multi-user.target
"""


def test_text() -> None:
    made = unit.Unit(
        name="web",
        root="/var/lib/mydocker",
        before=[["/bin/mydocker", "rm", "-f", "web"]],
        start=["/bin/mydocker", "run", "--env=A=b c", "busybox"],
        stop=["/bin/mydocker", "stop", "-t", "5", "web"],
        restart="always",
        restart_seconds=3,
        seconds=5,
        directory="/srv/100%",
    )
    assert unit.text(made) == WHOLE


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("a b", '"a b"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("$HOME", '"$$HOME"'),
        ("%n", "%%n"),
        ("a\nb", '"a\\nb"'),
        ("a;b", '"a;b"'),
        ("'", '"\'"'),
    ],
)
def test_words_are_quoted(word: str, expected: str) -> None:
    assert unit.quoted([word]) == expected
