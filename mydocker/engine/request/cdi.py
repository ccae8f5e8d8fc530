"""Devices by CDI specifications (Container Device Interface): VENDOR/CLASS=NAME, as --device and --gpus name them.

A specification is a file NAME.json or NAME.yaml of the directories below, which the vendor of the device writes: what a container needs to
use it. Of two that describe the same device, that of the later directory counts.

https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md
"""

from __future__ import annotations

CDI_DIRECTORIES = ("/etc/cdi", "/var/run/cdi")
