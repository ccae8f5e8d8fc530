"""`manifest`: lists of images for several platforms, which are made here and then sent to a registry.

A list under work lies where docker keeps it, beside the user's credentials: a directory for the list, and in it a file for each image.

    ~/.docker/manifests/LIST/IMAGE      with / as _ and : as - in both names
"""

from __future__ import annotations

import base64
import json
import os
import shutil

from mydocker import store
from mydocker.engine.transfer.repository import first_answer
from mydocker.errors import BadInput, Conflict, NotFound
from mydocker.images import config
from mydocker.images.credentials import Keyring
from mydocker.images.documents import DESCRIPTOR, INDEX_TYPE, MANIFEST_TYPE, sha256
from mydocker.images.manifests import DOCKER_INDEX_TYPE, Manifest, read_index
from mydocker.images.reference import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from mydocker.images.documents import Descriptor
    from mydocker.images.reference import Reference
    from mydocker.images.registry import Repository
    from mydocker.paths import Paths
    from mydocker.shape import Shape

    class Member(TypedDict):
        """An image of a list: its name, its descriptor with the platform, and its manifest byte by byte, in base64."""

        Ref: str
        Descriptor: Descriptor
        Raw: str


MEMBER: Shape = {"Ref!": "text", "Descriptor!": DESCRIPTOR, "Raw!": "text"}
# Go's names, as far as images have them.
SYSTEMS = ("linux", "windows", "darwin", "freebsd", "netbsd", "openbsd", "solaris", "android")
ARCHITECTURES = ("386", "amd64", "arm", "arm64", "loong64", "mips", "mipsle", "mips64", "mips64le", "ppc64le", "riscv64", "s390x", "wasm")


def name_of(text: str) -> Reference:
    """Return the name of a list or of an image of one."""
    return parse(text).with_default_tag()


def _place(reference: Reference) -> str:
    return reference.canonical.replace("/", "_").replace(":", "-")


def _directory(name: Reference) -> str:
    return f"{Keyring().directory}/manifests/{_place(name)}"


def manifest_of(paths: Paths, name: Reference) -> tuple[Repository, bytes]:
    """Return the repository that has a manifest or an index, and its bytes."""
    wanted = name.digest or name.tag
    repository, (data, _) = first_answer(paths, name.domain, name.path, "pull", lambda repository: repository.manifest(wanted))
    return repository, data


def fetched(paths: Paths, name: Reference) -> Member:
    """Return an image of a registry as a list has it. Raises BadInput for an index."""
    repository, data = manifest_of(paths, name)
    if read_index(data, str(name)):
        raise BadInput(
            f"{name} is a manifest list: expected an image for one platform", f"mydocker manifest inspect {name} shows its images"
        )
    manifest = Manifest(data, str(name))
    document = config.image_document(repository.document(manifest.config), str(name))
    descriptor: Descriptor = {**manifest.descriptor, "platform": config.platform_of(document)}
    return {"Ref": name.canonical, "Descriptor": descriptor, "Raw": base64.b64encode(data).decode()}


def create(paths: Paths, name: Reference, images: list[Reference], amend: bool) -> None:
    """Make a list of images, or add images to one that is there. Nothing is written unless all of them are found. Raises Conflict."""
    if os.path.isdir(_directory(name)) and not amend:
        raise Conflict(f"refusing to amend an existing manifest list: {name}", "use --amend, or mydocker manifest rm")
    found = [fetched(paths, image) for image in images]
    for member in found:
        _write(name, member)


def _write(name: Reference, member: Member) -> None:
    os.makedirs(_directory(name), mode=0o700, exist_ok=True)
    path = f"{_directory(name)}/{_place(parse(member['Ref']))}"
    store.write_atomic(path, json.dumps(member, indent="\t").encode())


def members(name: Reference) -> list[Member]:
    """Return the images of a list, by their names. Raises NotFound, Damaged."""
    directory = _directory(name)
    if not os.path.isdir(directory):
        raise NotFound(f"no such manifest list: {name}", f"mydocker manifest create {name} IMAGE...")
    names = sorted(each for each in os.listdir(directory) if not each.startswith("."))
    return [store.read_document(f"{directory}/{each}", MEMBER) for each in names]


def member(name: Reference, image: Reference) -> Member:
    """Return one image of a list. Raises NotFound, Damaged."""
    for found in members(name):
        if found["Ref"] == image.canonical:
            return found
    raise NotFound(f"{image} is not in the manifest list {name}")


def annotate(name: Reference, image: Reference, fields: dict[str, str | list[str]]) -> None:
    """Set fields of the platform that a list says an image is for. Raises BadInput, NotFound, Damaged."""
    found = member(name, image)
    platform = {**found["Descriptor"].get("platform", {}), **fields}
    for key, known in (("os", SYSTEMS), ("architecture", ARCHITECTURES)):
        if platform.get(key) not in known:
            raise BadInput(f"invalid {key} {platform.get(key)!r}: expected one of {', '.join(known)}")
    found["Descriptor"]["platform"] = platform  # type: ignore[typeddict-item]  # it has os.version and os.features too
    _write(name, found)


def document(name: Reference) -> tuple[bytes, str]:
    """Return the index that a list is, and its media type: OCI's if the first image is OCI's, as docker chooses."""
    entries = [found["Descriptor"] for found in members(name)]
    kind = INDEX_TYPE if entries[0]["mediaType"] == MANIFEST_TYPE else DOCKER_INDEX_TYPE
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": entries}, indent=3).encode(), kind


def push(paths: Paths, name: Reference) -> str:
    """Send a list to its registry, and before it the images that its repository does not have yet. Return its digest.

    Raises BadInput for an image of another registry: a registry can only be asked for what it has.
    """
    found = members(name)
    for each in found:
        image = parse(each["Ref"])
        if image.domain != name.domain:
            raise BadInput(f"{image} is of another registry than {name}", "push it there first, and name it so")
    data, kind = document(name)
    repository, _ = first_answer(paths, name.domain, name.path, "pull,push", lambda repository: repository.ping())
    for each in found:
        if (image := parse(each["Ref"])).path != name.path:
            _bring(repository, image, base64.b64decode(each["Raw"]))
    repository.put_manifest(name.tag, data, kind)
    return sha256(data)


def _bring(repository: Repository, image: Reference, data: bytes) -> None:
    """Have a repository take an image of another one. Raises Conflict if it does not."""
    manifest = Manifest(data, str(image))
    for blob in [*manifest.layers, manifest.config]:
        if not repository.has_blob(blob["digest"]) and not repository.mount(blob["digest"], image.path):
            raise Conflict(
                f"the registry does not take blob {blob['digest']} of {image.path} into {repository.path}", f"push {image} there"
            )
    repository.put_manifest(manifest.descriptor["digest"], data, manifest.descriptor["mediaType"])


def remove(name: Reference) -> None:
    """Forget a list. Raises NotFound."""
    if not os.path.isdir(_directory(name)):
        raise NotFound(f"no such manifest list: {name}")
    shutil.rmtree(_directory(name))
