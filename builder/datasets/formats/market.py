"""Images of persons for re-identification: Market-1501, also as CVAT exports it.

Format: https://docs.cvat.ai/docs/dataset_management/formats/format-market1501/
"""

import re
from pathlib import Path

from builder.datasets.annotation import Annotation, Tag
from builder.datasets.files import is_image
from builder.datasets.index import Entry
from builder.datasets.indexed import Contents, Objects
from builder.datasets.request import Request
from builder.datasets.subsets import chosen
from builder.datasets.value import Place

_QUERY, _GALLERY = "query", "bounding_box_"
_NAME = re.compile(r"(-?\d+)_c(\d+)")
_LABEL = "person"


def read(request: Request) -> Contents | None:
    """Return the contents of a Market-1501 dataset; None if it is not there.

    The attributes of an image are `identity` and `camera`, as they are in its name, and `query`,
    which is `true` or `false`. The gallery is `bounding_box_test`, or the only other such folder.

    Raises:
        DatasetError: see open_dataset.
    """
    files = request.files
    folders = [] if request.main else files.children("")
    parts = [
        (name.removeprefix(_GALLERY), name)
        for name in folders
        if name.startswith(_GALLERY) and name != f"{_GALLERY}train"
    ]
    if not parts or _QUERY not in folders:
        return None
    gallery = chosen(parts, request.place)
    assert gallery is not None
    for folder in (_QUERY, gallery[1]):
        for name in filter(is_image, files.below(folder)):
            place = Place(files.root / name)
            if _NAME.match(name.rpartition("/")[2]) is None:
                raise place.error(
                    "has no identity and camera in its name", allowed="0002_c1s1_000451_03.jpg"
                )
            request.index.add(Entry(name, 0, name), place)
    request.index.finish(request.place, by_name=True)
    if not len(request.index):
        raise request.place.error("has no images")

    def objects(entry: Entry, _: list[bytes], __: Path) -> Objects:
        found = _NAME.match(entry.name.rpartition("/")[2])
        assert found is not None
        is_query = entry.name.startswith(f"{_QUERY}/")
        attributes = {
            "identity": found[1],
            "camera": found[2],
            "query": "true" if is_query else "false",
        }
        return (Annotation(_LABEL, Tag(), attributes=attributes),), ()

    images = request.own_images()
    return Contents(f"Market-1501, {gallery[0]}", (_LABEL,), request.index, images, objects)
