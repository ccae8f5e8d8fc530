"""Endpoints about images as they are kept here."""

from __future__ import annotations

from mydocker.api.call import NOTHING, Answer, Call
from mydocker.api.telling import Telling
from mydocker.api.uploads import upload
from mydocker.engine.catalog import verbs
from mydocker.engine.catalog.images import Image, all_images, find
from mydocker.engine.catalog.importing import ImportOptions, import_image
from mydocker.engine.record import containers, events, filters
from mydocker.engine.record.moments import nanoseconds
from mydocker.engine.transfer import archives
from mydocker.engine.view import choosing, imagelist
from mydocker.engine.view import image as image_view
from mydocker.errors import BadInput, Error
from mydocker.images.config import host_platform, platform_fields
from mydocker.images.reference import parse, parse_name
from mydocker.storage import drivers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, BinaryIO

# What stands for a missing name and a missing digest before version 1.43. docker's clients list only an image that has both.
_NAMELESS, _UNKNOWN = "<none>:<none>", "<none>@<none>"
_LOADING = {"begins": "Loading layer", "exists": "Loading layer", "done": "Load complete"}


def list_(call: Call) -> Answer:
    """GET /images/json"""
    texts = (*call.filters(), *(f"reference={name}" for name in call.texts("filter")))
    fits = filters.parse(texts, {**choosing.images(call.paths), "until": _is_older}, choosing.DANGLING)
    every = all_images(call.paths)
    ids, found = {image.id for image in every}, [image for image in every if call.flag("all") or not image.is_cache]
    chosen: dict[str, set[str]] = {}
    for row in filter(fits, imagelist.image_rows(found)):
        chosen.setdefault(row.image.entry["digest"], set()).add(str(row.reference))
    kept = sorted((image for image in found if image.entry["digest"] in chosen), key=lambda image: image.created, reverse=True)
    used = [record["imageId"] for record in containers.every(call.paths)] if call.flag("shared-size") else None
    return Answer([summary(image, call.version, used, ids, chosen[image.entry["digest"]]) for image in kept])


def _is_older(row: imagelist.Row, text: str) -> bool:
    return bool(row.created) and nanoseconds(row.created) < nanoseconds(text)


def summary(
    image: Image, version: tuple[int, int], used: Sequence[str] | None, ids: set[str], names: set[str] | None = None
) -> dict[str, Any]:
    """Return an image as the list shows it.

    used: the ids of the images of all containers, None to count none
    ids: those of all images
    names: the names that are shown, None for all
    """
    repositories = None if names is None else {parse(name).familiar for name in names if name != str(None)}
    nameless, unknown = ([_NAMELESS], [_UNKNOWN]) if version < (1, 43) else ([], [])
    tags = sorted(tag for tag in image.tags if names is None or tag in names)
    digests = [each for each in image.repo_digests if not repositories or each.partition("@")[0] in repositories]
    shown = {
        "Containers": -1 if used is None else used.count(image.id),
        "Created": nanoseconds(image.created) // 10**9 if image.created else 0,
        "Id": f"sha256:{image.id}",
        "Labels": image.config.get("Labels") or None,
        "ParentId": f"sha256:{image.parent}" if image.parent in ids else "",
        "RepoDigests": digests if tags or digests else unknown,
        "RepoTags": tags or nameless,
        "SharedSize": -1,
        "Size": image.size,
    }
    return shown if version >= (1, 44) else {**shown, "VirtualSize": image.size}


def create(call: Call) -> None:
    """POST /images/create"""
    if call.text("fromImage"):
        from mydocker.api.registry import pull

        return pull(call)
    if call.text("fromSrc") != "-":
        raise BadInput(f"invalid fromSrc {call.text('fromSrc')!r}: expected -, for the body, or fromImage")
    name, tag = call.text("repo"), call.text("tag")
    reference = parse_name(f"{name}:{tag}" if tag else name) if name else None
    options = ImportOptions(changes=call.texts("changes"), message=call.text("message"), platform=call.text("platform"))
    image_id = import_image(call.paths, "-", upload(call.connection), reference, options, call.run())
    telling = Telling(call.connection)
    telling.status(f"sha256:{image_id}")
    telling.end()


def inspect(call: Call) -> Answer:
    """GET /images/NAME/json"""
    image = find(call.paths, call.name)
    document = image_view.document(call.paths, image)
    if call.version >= (1, 44):
        del document["VirtualSize"]
    if call.version < (1, 45):
        # Of the container that an image was made of, nothing is kept but what is the image's, too. compose 1 looks there for its volumes.
        document |= {"Container": "", "ContainerConfig": document["Config"]}
    return Answer(document)


def history(call: Call) -> Answer:
    """GET /images/NAME/history"""
    image = find(call.paths, call.name)
    entries: Sequence[Any] = image.document["history"] or [{} for _ in image.layers]
    sizes = iter(image.sizes)
    rows = []
    for entry in entries:
        created = entry.get("created", "")
        rows.append(
            {
                "Id": "<missing>",
                "Created": nanoseconds(created) // 10**9 if created else 0,
                "CreatedBy": entry.get("created_by", ""),
                "Tags": None,
                "Size": 0 if entry.get("empty_layer") else next(sizes, 0),
                "Comment": entry.get("comment", ""),
            }
        )
    rows.reverse()
    rows[:1] = [{**row, "Id": f"sha256:{image.id}", "Tags": sorted(image.tags) or None} for row in rows[:1]]
    return Answer(rows)


def tag(call: Call) -> Answer:
    """POST /images/NAME/tag"""
    name, wanted = call.text("repo"), call.text("tag")
    verbs.tag(call.paths, call.name, f"{name}:{wanted}" if wanted else name, call.run())
    return Answer(NOTHING, 201)


def remove(call: Call) -> Answer:
    """DELETE /images/NAME"""
    every = [drivers.driver(name, call.paths) for name in drivers.NAMES]
    lines = verbs.remove(call.paths, every, call.name, call.flag("force"), call.run())
    return Answer([dict([line.split(": ", 1)]) for line in lines])


def get(call: Call) -> None:
    """GET /images/get and GET /images/NAME/get"""
    names = [call.name] if call.words else [each for text in call.texts("names") for each in text.split(",") if each]
    if not names:
        raise BadInput("invalid names: expected the names of images")
    chosen = archives.selected(call.paths, names)
    call.connection.begin("application/x-tar")
    stream: BinaryIO = call.connection  # type: ignore[assignment]  # only its write() is called
    call.run().apply(archives.WriteArchive(call.paths, chosen, "the client", lambda: stream))
    call.connection.end()
    for image in chosen:
        events.emit(call.paths, "image", "save", f"sha256:{image.id}", {"name": image.names[0]} if image.names else {})


def load(call: Call) -> None:
    """POST /images/load"""
    telling = Telling(call.connection, is_quiet=call.flag("quiet"))
    options = archives.Loading(
        platform=platform_fields(host_platform()),
        max_size=None,
        observer=lambda found: telling.layers(found.manifest.layers, _LOADING),
    )
    try:
        loaded = archives.load(call.paths, drivers.choose(call.paths), "the archive", upload(call.connection), options, call.run())
    except Error as error:
        # docker answers 200 to every archive, and says in the stream what is wrong with it.
        telling.line({"errorDetail": {"message": error.message}, "error": error.message})
        return telling.end()
    for image_id, names in loaded:
        for line in [f"Loaded image: {name}" for name in names] or [f"Loaded image ID: sha256:{image_id}"]:
            telling.line({"stream": f"{line}\n"})
    telling.end()
