"""vm/sshconfig.py: what it makes of what Vagrant prints."""

import sshconfig

VAGRANT = """\
Host aufs
  HostName 192.168.121.7
  User vagrant

Host v2
  HostName 192.168.121.8
"""
STATUS = """\
1764000000,aufs,metadata,provider,libvirt
1764000000,aufs,state,running
1764000000,aufs,state-human-short,running
1764000000,v2,state,shutoff
1764000000,own,state,not_created
1764000000,,ui,info,Current machine states
"""


def test_each_host_keeps_its_first_connection() -> None:
    sharing = "  ControlMaster auto\n  ControlPath ~/.ssh/mydocker-%C\n  ControlPersist 60\n"
    assert sshconfig.with_sharing(VAGRANT) == (
        f"Host aufs\n{sharing}  HostName 192.168.121.7\n  User vagrant\n\nHost v2\n{sharing}  HostName 192.168.121.8\n"
    )


def test_only_machines_that_run_are_asked_for() -> None:
    assert sshconfig.running(STATUS) == ["aufs"]
    assert sshconfig.running("") == []
