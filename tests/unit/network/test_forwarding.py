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
