"""YOLO's label files: Ultralytics' datasets, and CVAT's exports Ultralytics YOLO and YOLO 1.1.

Formats: https://docs.ultralytics.com/datasets/ and
https://docs.cvat.ai/docs/dataset_management/formats/format-yolo/
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from builder.datasets.files import Files, Folder, is_image, read_lines, safe
from builder.datasets.files import place as place_in
from builder.datasets.formats.yolo_rows import Rows
from builder.datasets.image_size import image_size
from builder.datasets.index import Entry
from builder.datasets.indexed import Contents, Objects
from builder.datasets.request import Request
from builder.datasets.subsets import ORDER
from builder.datasets.value import Place, Value, label
from builder.diagnostics.errors import DatasetError, ManifestError
from builder.manifest.located_yaml import LocatedYaml

_SAMPLE = 200
"""Number of label files that decide whether rows of four points are oriented boxes."""


@dataclass(frozen=True, slots=True)
class _Config:
    """A dataset's description.

    Attributes:
        name: the file.
        labels: class ID -> name.
        subset: name of the subset that is read.
        entries: its folders of images and lists of images.
        keypoints: see Rows.
    """

    name: str
    labels: dict[int, str]
    subset: str
    entries: tuple[str, ...]
    keypoints: tuple[int, int] | None = None


def read(request: Request) -> Contents | None:
    """Return the contents of a YOLO dataset; None if it is not there.

    Raises:
        DatasetError: see open_dataset.
    """
    config = _config(request)
    if config is None:
        return None
    files = request.files
    place = place_in(files, config.name)
    images = request.image_files([""])
    for name, where in _image_names(request, config, place):
        found = images.find(name, where)
        if found is not None:
            label = next((it for it in _label_names(name) if it in files), "")
            request.index.add(Entry(name, *found, data=label.encode()), where)
    images.check(place)
    request.index.finish(place, by_name=True)
    if not len(request.index):
        raise place.error(f"subset {config.subset} has no images", ", ".join(config.entries))
    rows = Rows(config.labels, config.keypoints, _is_oriented(request, config))

    def objects(entry: Entry, _: list[bytes], file: Path) -> Objects:
        if not entry.data:
            return (), ()
        size = image_size(file)
        lines = read_lines(files, entry.data.decode())
        return tuple(rows.annotation(text, where, size) for where, text in lines), ()

    labels = tuple(config.labels[number] for number in sorted(config.labels))
    return Contents(f"YOLO, {config.subset}", labels, request.index, images, objects)


def _config(request: Request) -> _Config | None:
    """Return the description in the file that the user named, or in one in the folder."""
    files = request.files
    if request.main:
        names = [request.main]
    else:
        names = [
            name for name in ("data.yaml", "data.yml", "dataset.yaml", "obj.data") if name in files
        ]
    for name in names:
        if name.endswith((".yaml", ".yml")):
            return _ultralytics(request, name)
        if name.endswith(".data"):
            return _darknet(request, name)
    return None


def _ultralytics(request: Request, name: str) -> _Config | None:
    """Return the description in a YAML file of Ultralytics."""
    place = place_in(request.files, name)
    try:
        located = LocatedYaml.read(request.files.path(name), text_keys=False)
    except ManifestError as error:
        raise DatasetError(*error.problems) from error
    data = Value(located.data, place)
    if "names" not in data:
        return None
    parts = [(key, data[key]) for key in ORDER if key in data]
    if not parts:
        raise place.error("names no images", allowed=", ".join(f"`{key}`" for key in ORDER))
    subset, value = parts[0]
    entries = list(value.entries()) if isinstance(value.data, list) else [value]
    texts = tuple(entry.text() for entry in entries)
    prefix = data["path"].text() if "path" in data else ""
    shape = None
    if "kpt_shape" in data:
        count, each = (int(number) for number in data["kpt_shape"].numbers(2))
        if count < 1 or each not in (2, 3):
            raise data["kpt_shape"].error("is not a shape of keypoints", "[count, 2] or [count, 3]")
        shape = count, each
    located_entries = tuple(_located(request, prefix, text, value.place) for text in texts)
    return _Config(name, _names(data["names"]), subset, located_entries, shape)


def _names(names: Value) -> dict[int, str]:
    if isinstance(names.data, dict):
        return {
            Value(key, names.place).whole(): label(Value(text, names.place).text(), names.place)
            for key, text in names.data.items()
        }
    return {
        number: label(entry.text(), entry.place) for number, entry in enumerate(names.entries())
    }


def _located(request: Request, prefix: str, text: str, place: Place) -> str:
    """Return the path of a folder or list of images in the dataset.

    The path in the YAML is relative to its key `path`, which is often that of another machine.
    As Ultralytics does, `../` at its start is left out where nothing else exists.
    """
    full = str(PurePosixPath(prefix) / text)
    root = request.files.root.as_posix().rstrip("/") + "/"
    inside = full.removeprefix(root)
    candidates = [inside, text, text.removeprefix("../"), PurePosixPath(text).name]
    clean = [safe(it) for it in candidates if not it.startswith("/")]
    for candidate in filter(None, clean):
        if candidate in request.files or _image_root(request, candidate):
            return candidate
    for candidate in filter(None, clean):  # an export without images: all of `--images DIR`
        labels = (it.rpartition("/")[0] for it in _label_names(f"{candidate}/any.jpg"))
        if request.images and any(it and request.files.has_folder(it) for it in labels):
            return candidate
    raise place.error(
        "not found in the dataset",
        full,
        f"a folder or a list of images in {request.files.root}",
        "correct `path`, or name the folder with the images: --images DIR",
    )


def _image_root(request: Request, entry: str) -> Files | None:
    """Return the files in which a folder of images exists."""
    roots = [request.files] if request.images is None else [Folder(request.images), request.files]
    return next((root for root in roots if root.has_folder(entry)), None)


def _darknet(request: Request, name: str) -> _Config:
    """Return the description in an `obj.data` of Darknet, as CVAT's YOLO 1.1 has it."""
    files = request.files
    pairs = dict(
        [part.strip() for part in line.partition("=")[::2]] for _, line in read_lines(files, name)
    )
    place = place_in(files, name)
    listed = _existing(files, pairs.get("names", "obj.names"), place)
    labels = dict(enumerate(label(text, where) for where, text in read_lines(files, listed)))
    parts = [(key, pairs[key]) for key in ORDER if key in pairs]
    if not parts:
        raise place.error("names no images", allowed=", ".join(f"`{key}`" for key in ORDER))
    subset, entry = parts[0]
    return _Config(name, labels, subset, (_existing(files, entry, place),))


def _existing(files: Files, text: str, place: Place) -> str:
    """Return the path of a file that is named relative to the dataset or to the folder around."""
    for candidate in (safe(text), PurePosixPath(text).name):
        if candidate and candidate in files:
            return candidate
    raise place.error("file not found", text, f"a file in {files.root}")


def _image_names(request: Request, config: _Config, place: Place) -> Iterator[tuple[str, Place]]:
    """Yield the paths of the images in the dataset, with their locations."""
    for entry in config.entries:
        root = _image_root(request, entry)
        if entry in request.files:
            for where, text in read_lines(request.files, entry):
                yield safe(text) or text, where
        elif root is not None:
            yield from ((name, place) for name in filter(is_image, root.below(entry)))
        else:
            yield from ((f"{entry}/{name}", place) for name in request.frames())


def _label_names(name: str) -> Iterator[str]:
    """Yield where the label file of an image may be: in `labels` beside `images`, or beside it."""
    parts = PurePosixPath(name).with_suffix(".txt").parts
    places = [position for position, part in enumerate(parts[:-1]) if part == "images"]
    for last in places[-1:]:
        beside = (*parts[:last], "labels", *parts[last + 1 :])
        yield from ("/".join(beside[start:]) for start in range(last + 1))
    yield from ("/".join(parts[start:]) for start in range(len(parts)))


def _is_oriented(request: Request, config: _Config) -> bool:
    """Return whether each row of the first label files has four points."""
    if config.keypoints is not None:
        return False
    found = False
    for position in range(min(_SAMPLE, len(request.index))):
        entry, _ = request.index[position]
        if entry.data:
            for _, text in read_lines(request.files, entry.data.decode()):
                if len(text.split()) not in (9, 10):
                    return False
                found = True
    return found
