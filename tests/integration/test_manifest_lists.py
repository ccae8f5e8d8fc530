"""`manifest`: lists of images for several platforms, on a registry of the tests' own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Machine
from test_travel import HOST, needs, serving

LIST = f"{HOST}/multi:all"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
IMAGES = {"multi:arm": "linux/arm64", "multi:own": "linux/amd64", "other:riscv": "linux/riscv64"}


@pytest.fixture
def pushed(mydocker: Machine) -> Iterator[Machine]:
    """A registry with images for two platforms in one repository, and one in another. What is kept of lists is the test's own."""
    mydocker.environment = {**mydocker.environment, "DOCKER_CONFIG": f"{mydocker.directory}/docker"}
    for _ in serving(mydocker, ""):
        for name, platform in IMAGES.items():
            mydocker.sh(
                f"mkdir tree && echo {name} > tree/f && tar -C tree -c . | {{mydocker}} import --platform {platform} - {HOST}/{name}"
            )
            assert mydocker("push", "-q", f"{HOST}/{name}").rc == 0
            mydocker.sh(f"rm -r tree; {{mydocker}} rmi {HOST}/{name}")
        yield mydocker


def create(mydocker: Machine, *names: str, flags: tuple[str, ...] = ()) -> None:
    made = mydocker("manifest", "create", *flags, LIST, *(f"{HOST}/{name}" for name in names))
    assert (made.rc, made.stdout) == (0, f"Created manifest list {LIST}\n"), made.stderr


def stored(mydocker: Machine) -> bytes:
    """Return the list byte by byte as the registry has it."""
    request = f"r.Request('http://{HOST}/v2/multi/manifests/all', headers={{'Accept': '{OCI_INDEX}'}})"
    script = f"import urllib.request as r; print(r.urlopen({request}).read().decode(), end='')"
    return mydocker.sh(f'python3 -c "{script}"').stdout.encode()


def test_a_list_is_made_pushed_and_pulled(pushed: Machine) -> None:
    mydocker = pushed
    create(mydocker, "multi:arm", "multi:own")
    create(mydocker, "other:riscv", flags=("--amend",))
    annotated = mydocker("manifest", "annotate", "--variant", "v8", "--os-version", "6", "--os-features", "a", LIST, f"{HOST}/multi:arm")
    assert annotated.rc == 0, annotated.stderr
    shown = json.loads(mydocker("manifest", "inspect", LIST).stdout)
    arm = {"architecture": "arm64", "os": "linux", "variant": "v8", "os.version": "6", "os.features": ["a"]}
    assert shown["manifests"][0]["platform"] == arm and shown["mediaType"] == OCI_INDEX
    sent = mydocker("manifest", "push", "--purge", LIST)
    assert sent.rc == 0, sent.stderr
    assert sent.stdout == f"sha256:{hashlib.sha256(stored(mydocker)).hexdigest()}\n"
    assert mydocker("manifest", "inspect", LIST).stdout.strip() == json.dumps(shown, indent="\t")
    for name, platform in IMAGES.items():
        assert mydocker("pull", "-q", "--platform", platform, LIST).rc == 0
        mydocker("create", "--name", "it", "--network", "none", LIST, "x")
        assert mydocker.sh("{mydocker} cp it:/f -").stdout.count(name) == 1
        mydocker.sh(f"{{mydocker}} rm it; {{mydocker}} rmi -f {LIST}")


def test_another_tool_reads_what_was_pushed(pushed: Machine) -> None:
    mydocker = pushed
    needs(mydocker, "skopeo")
    create(mydocker, *IMAGES)
    assert mydocker("manifest", "push", LIST).rc == 0
    copied = mydocker.sh(f"skopeo copy --all --src-tls-verify=false docker://{LIST} dir:copied 2>&1")
    assert copied.rc == 0, copied.stdout
    assert mydocker.sh("ls copied/*.manifest.json | wc -l").stdout == "3\n"
    assert mydocker("manifest", "rm", LIST).rc == 0


def test_what_is_shown_of_one_image(pushed: Machine) -> None:
    mydocker = pushed
    create(mydocker, "multi:arm")
    own = json.loads(mydocker("manifest", "inspect", f"{HOST}/multi:own").stdout)
    told: Any = json.loads(mydocker("manifest", "inspect", "-v", f"{HOST}/multi:own").stdout)
    assert told["SchemaV2Manifest"] == own and told["Ref"] == f"{HOST}/multi:own"
    assert told["Descriptor"]["platform"] == {"architecture": "amd64", "os": "linux"}
    (listed,) = json.loads(mydocker("manifest", "inspect", "-v", LIST).stdout)
    assert listed["SchemaV2Manifest"] == json.loads(mydocker("manifest", "inspect", LIST, f"{HOST}/multi:arm").stdout)
    assert mydocker("manifest", "rm", LIST).rc == 0
    assert mydocker("manifest", "rm", LIST).rc == 1


def test_what_is_refused(pushed: Machine) -> None:
    mydocker = pushed
    create(mydocker, "multi:arm")
    assert mydocker("manifest", "push", LIST).rc == 0
    arm, own = f"{HOST}/multi:arm", f"{HOST}/multi:own"
    for words, told in (
        (["create", LIST, own], f"refusing to amend an existing manifest list: {LIST}"),
        (["create", "-a", LIST, own, f"{HOST}/multi:none"], "manifest none of multi does not exist"),
        (["create", "-a", LIST, LIST], f"{LIST} is a manifest list: expected an image"),
        (["annotate", "--arch", "arm64x", LIST, arm], "invalid architecture 'arm64x': expected one of 386, amd64"),
        (["annotate", "--os", "plan10", LIST, arm], "invalid os 'plan10': expected one of linux"),
        (["annotate", "--arch", "arm", LIST, own], f"{own} is not in the manifest list {LIST}"),
        (["annotate", "--arch", "arm", "other:1", "x"], "no such manifest list: other:1"),
        (["inspect", LIST, "x", "y"], "takes a list and one of its images, not 3 names"),
        (["push", "other:1"], "no such manifest list: other:1"),
        (["rm", "other:1"], "no such manifest list: other:1"),
    ):
        before = mydocker.sh("cat docker/manifests/*/*").stdout
        refused = mydocker("manifest", *words)
        assert refused.rc == 1 and refused.stderr.startswith("mydocker: ") and told in refused.stderr, refused.stderr
        assert mydocker.sh("cat docker/manifests/*/*").stdout == before
    damaged = mydocker.sh("for f in docker/manifests/*/*; do echo {} > $f; done; {mydocker} manifest inspect " + LIST)
    assert damaged.rc == 1 and "docker/manifests/" in damaged.stderr


def test_every_verb_tells_its_steps_and_with_dry_run_does_none(pushed: Machine) -> None:
    mydocker, images = pushed, [f"{HOST}/{name}" for name in ("multi:arm", "other:riscv")]
    for words, steps in (
        (["create", LIST, *images], ["read the manifest of", "read the manifest of", "write", "write"]),
        (["annotate", "--variant", "v8", LIST, images[0]], ["write"]),
        (["push", "--purge", LIST], [f"have http://{HOST}/v2/multi take the blobs of {images[1]}", "PUT", "remove"]),
        (["create", LIST, *images], ["read the manifest of", "read the manifest of", "write", "write"]),
        (["rm", LIST], ["remove"]),
    ):
        before = mydocker.sh("cat docker/manifests/*/*").stdout
        dry = mydocker("--dry-run", "manifest", *words)
        assert dry.rc == 0 and mydocker.sh("cat docker/manifests/*/*").stdout == before
        done = [json.loads(line) for line in mydocker("--explain=json", "manifest", *words).stderr.splitlines()]
        assert dry.stdout == "".join(f"cli      {each['step']}\n" for each in done)
        assert all(each["step"].startswith(step) for each, step in zip(done, steps, strict=True)), dry.stdout
        assert mydocker.sh("cat docker/manifests/*/*").stdout != before


def test_images_of_another_registry_are_refused(pushed: Machine) -> None:
    mydocker, name = pushed, "localhost:5000/multi:all"
    assert mydocker("manifest", "create", name, f"{HOST}/multi:own").rc == 0
    refused = mydocker("manifest", "push", name)
    assert refused.rc == 1 and f"{HOST}/multi:own is of another registry than {name}" in refused.stderr
