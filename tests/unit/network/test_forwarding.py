"""Who gets rules of ours in the forward chains of others."""

from __future__ import annotations

import pytest

from mydocker.network import forwarding

POLICY = "-P FORWARD DROP\n"


@pytest.mark.parametrize(
    ("listed", "steps"),
    [
        (POLICY, 1),
        ("-P FORWARD ACCEPT\n", 0),
        # Where it leads to our own chains, a rule before them would let in what they drop.
        (f"{POLICY}-A FORWARD -j MYD-84BA1398-FWD\n", 0),
    ],
)
def test_a_chain_that_drops_gets_one_unless_it_leads_to_ours(monkeypatch: pytest.MonkeyPatch, listed: str, steps: int) -> None:
    monkeypatch.setattr(forwarding, "_legacy_program", lambda proc: "/sbin/iptables-legacy")
    monkeypatch.setattr("mydocker.kernel.programs.call", lambda argv, text="": (1, listed, ""))
    assert len(forwarding._legacy_steps("mb0", "/proc")) == steps


def test_the_bridges_that_the_old_iptables_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = """\
-P FORWARD DROP
-A FORWARD -i mb1 -m comment --comment mydocker -j ACCEPT
-A FORWARD -o br7 -m comment --comment mydocker -j ACCEPT
-A FORWARD -o docker0 -m comment --comment other -j ACCEPT
-A FORWARD -i docker0 -j ACCEPT
"""
    monkeypatch.setattr(forwarding, "_legacy_program", lambda proc: "/sbin/iptables-legacy")
    monkeypatch.setattr("mydocker.kernel.programs.call", lambda argv, text="": (0, listed, ""))
    assert forwarding.accepted_by_iptables("/proc") == {"mb1", "br7"}
