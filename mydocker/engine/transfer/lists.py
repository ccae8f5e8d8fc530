"""`manifest`: lists of images for several platforms, which are made here and then sent to a registry.

A list under work lies where docker keeps it, beside the user's credentials: a directory for the list, and in it a file for each image.

    ~/.docker/manifests/LIST/IMAGE      with / as _ and : as - in both names
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from functools import partial

from mydocker import store
from mydocker.engine.transfer.repository import first_answer
from mydocker.errors import BadInput, Conflict, NotFound
from mydocker.images import config
from mydocker.images.credentials import Keyring
from mydocker.images.documents import DESCRIPTOR, INDEX_TYPE, MANIFEST_TYPE, sha256
from mydocker.images.manifests import DOCKER_INDEX_TYPE, Manifest, read_index
from mydocker.images.reference import parse
from mydocker.steps.base import Action, command, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypedDict

    from mydocker.images.documents import Descriptor
    from mydocker.images.reference import Reference
    from mydocker.images.registry import Repository
    from mydocker.paths import Paths
    from mydocker.shape import Shape
    from mydocker.steps.base import Run, Step

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


def create_steps(paths: Paths, name: Reference, images: list[Reference], amend: bool) -> list[Step]:
    """Return what makes a list of images, or adds images to one that is there. Nothing is written unless all of them are found.

    Raises Conflict.
    """
    if os.path.isdir(_directory(name)) and not amend:
        raise Conflict(f"refusing to amend an existing manifest list: {name}", "use --amend, or mydocker manifest rm")
    found: dict[Reference, Member] = {}

    def fetching(image: Reference) -> Step:
        return Action(lambda: found.update({image: fetched(paths, image)}), f"read the manifest of {image}, and its config")

    return [*map(fetching, images), *(_writing(name, image, partial(found.__getitem__, image)) for image in images)]


def _writing(name: Reference, image: Reference, member: Callable[[], Member]) -> Step:
    """Return what writes an image of a list into its file. member: returns the image when it is known"""
    path = f"{_directory(name)}/{_place(image)}"

    def write() -> None:
        os.makedirs(_directory(name), mode=0o700, exist_ok=True)
        store.write_atomic(path, json.dumps(member(), indent="\t").encode())

    return Action(write, f"write {path}")


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


def annotate_step(name: Reference, image: Reference, fields: dict[str, str | list[str]]) -> Step:
    """Return what sets fields of the platform that a list says an image is for. Raises BadInput, NotFound, Damaged."""
    found = member(name, image)
    platform = {**found["Descriptor"].get("platform", {}), **fields}
    for key, known in (("os", SYSTEMS), ("architecture", ARCHITECTURES)):
        if platform.get(key) not in known:
            raise BadInput(f"invalid {key} {platform.get(key)!r}: expected one of {', '.join(known)}")
    found["Descriptor"]["platform"] = platform  # type: ignore[typeddict-item]  # it has os.version and os.features too
    return _writing(name, image, lambda: found)


def document(name: Reference) -> tuple[bytes, str]:
    """Return the index that a list is, and its media type: OCI's if the first image is OCI's, as docker chooses."""
    entries = [found["Descriptor"] for found in members(name)]
    kind = INDEX_TYPE if entries[0]["mediaType"] == MANIFEST_TYPE else DOCKER_INDEX_TYPE
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": entries}, indent=3).encode(), kind


def push(paths: Paths, name: Reference, run: Run) -> str:
    """Send a list to its registry, and before it the images that its repository does not have yet. Return its digest.

    run: executes the steps, or only tells them. The registry is asked for leave all the same.

    Raises BadInput for an image of another registry: a registry can only be asked for what it has.
    """
    found = members(name)
    for each in found:
        image = parse(each["Ref"])
        if image.domain != name.domain:
            raise BadInput(f"{image} is of another registry than {name}", "push it there first, and name it so")
    data, kind = document(name)
    repository, _ = first_answer(paths, name.domain, name.path, "pull,push", lambda repository: repository.ping())
    run.execute(_bringing(repository, each) for each in found if parse(each["Ref"]).path != name.path)
    url = f"{repository.url}/manifests/{quote(name.tag)}"
    run.apply(Action(lambda: repository.put_manifest(name.tag, data, kind), f"PUT {url}: {sha256(data)}"))
    return sha256(data)


def _bringing(repository: Repository, member: Member) -> Step:
    image, data = parse(member["Ref"]), base64.b64decode(member["Raw"])
    return Action(lambda: _bring(repository, image, data), f"have {repository.url} take the blobs of {image} from there, and its manifest")


def _bring(repository: Repository, image: Reference, data: bytes) -> None:
    """Have a repository take an image of another one. Raises Conflict if it does not."""
    manifest = Manifest(data, str(image))
    for blob in [*manifest.layers, manifest.config]:
        if not repository.has_blob(blob["digest"]) and not repository.mount(blob["digest"], image.path):
            raise Conflict(
                f"the registry does not take blob {blob['digest']} of {image.path} into {repository.path}", f"push {image} there"
            )
    repository.put_manifest(manifest.descriptor["digest"], data, manifest.descriptor["mediaType"])


def removal(name: Reference) -> Step:
    """Return what forgets a list. Raises NotFound."""
    directory = _directory(name)
    if not os.path.isdir(directory):
        raise NotFound(f"no such manifest list: {name}")
    return Action(lambda: shutil.rmtree(directory), f"remove {directory}", command("rm", "-r", directory))
