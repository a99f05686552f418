"""A folder of images for each class: ImageNet, Ultralytics' classification, CVAT's ImageNet 1.0."""

from pathlib import Path

from builder.datasets.annotation import Annotation, Tag
from builder.datasets.files import is_image
from builder.datasets.index import Entry
from builder.datasets.indexed import Contents, Objects
from builder.datasets.request import Request
from builder.datasets.subsets import ORDER
from builder.datasets.value import Place, label

_NOT_CLASSES = {"images", "img", "img1", "imgs", "jpegimages", "labels", "annotations", "frames"}
"""Folders of a dataset whose annotations are missing."""


def read(request: Request) -> Contents | None:
    """Return the contents of folders of classes; None if they are not there.

    Raises:
        DatasetError: see open_dataset.
    """
    files = request.files
    if request.main:
        return None
    children = files.children("")
    subset = next((name for name in ORDER if name in children), "")
    classes = files.children(subset)
    if not classes or _NOT_CLASSES & {name.lower() for name in classes}:
        return None
    start = f"{subset}/" if subset else ""
    if not all(any(map(is_image, files.below(start + name))) for name in classes):
        return None
    for name in classes:
        label(name, Place(files.root / start / name))
        for file in filter(is_image, files.below(start + name)):
            place = Place(files.root / file)
            request.index.add(Entry(file, 0, file, data=name.encode()), place)
    request.index.finish(request.place, by_name=True)

    def objects(entry: Entry, _: list[bytes], __: Path) -> Objects:
        return (Annotation(entry.data.decode(), Tag()),), ()

    kind = f"Image folders, {subset}" if subset else "Image folders"
    return Contents(kind, tuple(classes), request.index, request.own_images(), objects)
