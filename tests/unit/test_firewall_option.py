"""--firewall: which programs are hidden, so that one kind of iptables is all that a machine has."""

from __future__ import annotations

from pathlib import Path

import firewall
import pytest


@pytest.mark.parametrize("usual", ["xtables-nft-multi", "xtables-legacy-multi"])
@pytest.mark.parametrize(("kind", "wanted"), [("iptables-legacy", "xtables-legacy-multi"), ("iptables-nft", "xtables-nft-multi")])
def test_what_iptables_leads_to_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, wanted: str, usual: str) -> None:
    """As in Debian's machines: /sbin is /usr/sbin, and comes first in the PATH."""
    programs = tmp_path / "usr"
    programs.mkdir()
    for name in ("nft", "xtables-nft-multi", "xtables-legacy-multi"):
        (programs / name).touch(0o755)
    (programs / "iptables").symlink_to(usual)
    (tmp_path / "sbin").symlink_to("usr")
    monkeypatch.setenv("PATH", f"{tmp_path}/sbin:{programs}")
    hidden = {"nft", "xtables-nft-multi", "xtables-legacy-multi"} - {wanted, usual}
    assert firewall.programs(kind) == (f"{programs}/{wanted}", f"{programs}/{usual}", {f"{programs}/{name}" for name in hidden})
