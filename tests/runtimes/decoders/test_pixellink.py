import itertools
import math

import cv2
import numpy as np
import pytest
from scipy import ndimage

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.pixellink import Pixellink
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.rotated import corners
from runtimes.signature import Signature, Tensor
from runtimes.view import View
from tests.grids import grid

Shape = tuple[int | None, ...]
Cell = tuple[int, int]

AROUND = [(dx, dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dx, dy) != (0, 0)]
"""Neighbors in reading order."""
VIEW = View((48, 80), (48, 80), Geometry())
"""An image of the input's size; the grid has 12 x 20 cells of 4 pixels."""
GRID = (12, 20)
TEXT = Classes(1, exact=True)
DECODER = Pixellink("p", "l", min_area=1)


def signature(**outputs: Shape) -> Signature:
    return Signature((), tuple(Tensor(name, it, "float32") for name, it in outputs.items()))


def nothing(dtype: str = "float32") -> tuple[Array, Array]:
    """Probabilities [1, h, w, 2] and [1, h, w, 16] of no text and no links."""
    pixels, links = np.zeros((1, *GRID, 2), dtype), np.zeros((1, *GRID, 16), dtype)
    pixels[..., 0::2] = links[..., 0::2] = 1
    return pixels, links


def mark(pixels: Array, cell: Cell, probability: float) -> None:
    pixels[0, *cell] = [1 - probability, probability]


def link(links: Array, one: Cell, other: Cell, probability: float) -> None:
    """Set a link from one cell to another, (row, column), in one direction."""
    number = AROUND.index((other[1] - one[1], other[0] - one[0]))
    links[0, *one, 2 * number : 2 * number + 2] = [1 - probability, probability]


def decode(
    pixels: Array, links: Array, threshold: float = 0.0, view: View = VIEW, **fields: float
) -> Instances:
    decoder = Pixellink("p", "l", **{"activated": True, "min_area": 1, **fields})  # type: ignore[arg-type]
    return decoder({"p": pixels, "l": links}, view, threshold)


def masks(found: Instances, view: View) -> list[Array]:
    """Each mask in an array of the image's size."""
    pictures = []
    for number, box in enumerate(found.clipped(view.image).boxes):
        picture = np.zeros(view.image, bool)
        crop = found.masks.crop(number, box, view.image) if found.masks else None
        if crop is not None:
            height, width = crop.bitmap.shape
            part = picture[crop.top : crop.top + height, crop.left : crop.left + width]
            part[:] = crop.bitmap > 0
        pictures.append(picture)
    return pictures


def union_find(text: Array, linked: Array) -> list[list[Cell]]:
    """Connected text cells, by union-find: (h, w) and (h, w, 8) booleans."""
    parent = {(int(y), int(x)): (int(y), int(x)) for y, x in np.argwhere(text)}

    def root(cell: Cell) -> Cell:
        while parent[cell] != cell:
            cell = parent[cell]
        return cell

    for y, x in list(parent):
        for number, (dx, dy) in enumerate(AROUND):
            other = (y + dy, x + dx)
            if linked[y, x, number] and other in parent:
                parent[root(other)] = root((y, x))
    groups: dict[Cell, list[Cell]] = {}
    for cell in parent:
        groups.setdefault(root(cell), []).append(cell)
    return sorted(sorted(group) for group in groups.values())


def random_maps(seed: int, text: float, links: float) -> tuple[Array, Array]:
    """Logits [1, h, w, 2] and [1, h, w, 16], above 0.8 at about these fractions of the cells."""
    rng = np.random.default_rng(seed)
    found = []
    for count, share in ((1, text), (8, links)):
        yes = rng.uniform(0.81, 0.99, (*GRID, count))
        no = rng.uniform(0.01, 0.79, (*GRID, count))
        chance = np.where(rng.uniform(0, 1, (*GRID, count)) < share, yes, no)
        first = rng.normal(0, 1, chance.shape)
        pair = np.stack([first, first + np.log(chance / (1 - chance))], axis=-1)
        found.append(pair.reshape(1, *GRID, 2 * count).astype(np.float32))
    return found[0], found[1]


@grid(
    ("seed", range(4)),
    ("layout", ["nchw", "nhwc"]),
    (("text", "links"), [(0.3, 0.5), (0.6, 0.2), (0.9, 0.1), (0.9, 0.9)]),
)
def test_it_matches_a_union_find(seed: int, layout: str, text: float, links: float) -> None:
    pixels, between = random_maps(seed, text, links)
    powers = np.exp(pixels[0].astype(np.float64))
    chance = powers[..., 1] / powers.sum(axis=-1)
    pairs = np.exp(between[0].astype(np.float64)).reshape(*GRID, 8, 2)
    groups = union_find(chance > 0.8, pairs[..., 1] / pairs.sum(axis=-1) > 0.8)
    assert len(groups) > (0 if links > 0.8 else 3)
    outputs = {"p": pixels, "l": between}
    if layout == "nchw":
        outputs = {name: np.moveaxis(it, 3, 1).copy() for name, it in outputs.items()}
    found = DECODER(outputs, VIEW, 0.0)
    assert len(found) == len(groups)
    wanted = [np.mean([chance[cell] for cell in group]) for group in groups]
    assert found.scores == pytest.approx(np.array(wanted), abs=1e-6)
    assert found.classes.tolist() == [0] * len(groups)
    for picture, group in zip(masks(found, VIEW), groups, strict=True):
        small = np.zeros(GRID, bool)
        for cell in group:
            small[cell] = True
        assert (picture == np.kron(small, np.ones((4, 4), bool))).all()


@grid(
    ("seed", range(4)),
    ("share", [0.2, 0.5, 0.8]),
    ("cross", [False, True]),
)
def test_with_all_links_it_is_connected_components(seed: int, share: float, cross: bool) -> None:
    pixels, links = nothing()
    pixels[0, ..., 1] = np.random.default_rng(seed).uniform(0, 1, GRID) < share
    for number, (dx, dy) in enumerate(AROUND):
        if not cross or 0 in (dx, dy):
            links[0, ..., 2 * number + 1] = 1
    around = ndimage.generate_binary_structure(2, 1 if cross else 2)
    labels, count = ndimage.label(pixels[0, ..., 1], around)
    found = masks(decode(pixels, links), VIEW)
    wanted = [np.kron(labels == n, np.ones((4, 4))) > 0 for n in range(1, count + 1)]
    assert len(found) == len(wanted)
    assert {it.tobytes() for it in found} == {it.tobytes() for it in wanted}


def test_a_winding_line_is_one_instance() -> None:
    pixels, links = nothing()
    path: list[Cell] = []
    for turn, row in enumerate(range(0, 12, 2)):
        columns = range(20) if turn % 2 == 0 else range(19, -1, -1)
        path += [(row, column) for column in columns]
        path.append((row + 1, path[-1][1]))
    for cell in path:
        mark(pixels, cell, 0.9)
    for one, other in itertools.pairwise(path):
        link(links, other, one, 0.9)
    assert len(decode(pixels, links)) == 1
    link(links, path[50], path[49], 0.1)
    assert len(decode(pixels, links)) == 2


@pytest.mark.parametrize("number", range(8))
def test_either_of_two_pixels_may_hold_the_link(number: int) -> None:
    dx, dy = AROUND[number]
    one, other = (5, 5), (5 + dy, 5 + dx)
    for first, second in ((one, other), (other, one)):
        pixels, links = nothing()
        mark(pixels, one, 0.9)
        mark(pixels, other, 0.95)
        assert decode(pixels, links).scores.tolist() == pytest.approx(
            [0.9, 0.95] if one < other else [0.95, 0.9]
        )
        link(links, first, second, 0.9)
        found = decode(pixels, links)
        assert found.scores.tolist() == pytest.approx([0.925])
        # A link of a pixel that is no text counts for nothing.
        mark(pixels, other, 0.1)
        assert len(decode(pixels, links)) == 1


def test_crossing_diagonals_are_not_connected() -> None:
    pixels, links = nothing()
    for cell in itertools.product((3, 4), (7, 8)):
        mark(pixels, cell, 0.9)
    link(links, (3, 7), (4, 8), 0.9)
    link(links, (4, 7), (3, 8), 0.9)
    assert len(decode(pixels, links)) == 2


def test_links_do_not_go_around_the_edge() -> None:
    pixels, links = nothing()
    pixels[0, ..., 0], pixels[0, ..., 1] = 0, 1
    pixels[0, 1:-1, 1:-1] = [1, 0]
    pixels[0, [0, 0, -1, -1], [0, -1, 0, -1]] = [1, 0]
    links[..., 1::2] = 1
    # Four sides: the corners are missing, but two sides touch across each of them.
    assert len(decode(pixels, links)) == 1
    pixels[0, :, [0, 1, -2, -1]] = [1, 0]
    assert len(decode(pixels, links)) == 2


def test_by_hand() -> None:
    pixels, links = np.zeros((1, 2, *GRID), np.float32), np.zeros((1, 16, *GRID), np.float32)
    pixels[0, 0] = 5
    # Three cells of a row; odds of 9 and 19 to 1 are 0.9 and 0.95.
    for column, odds in ((4, 9), (5, 19), (6, 9)):
        pixels[0, :, 2, column] = [1, 1 + math.log(odds)]
    # To the right is the fifth neighbor: channels 8 and 9.
    links[0, 9, 2, 4:6] = math.log(9)
    found = DECODER({"p": pixels, "l": links}, VIEW, 0.5)
    assert found.scores.tolist() == pytest.approx([(0.9 + 0.95 + 0.9) / 3])
    assert found.boxes[0] == pytest.approx([16, 8, 28, 12])
    assert found.rotated is not None
    assert found.rotated[0] == pytest.approx([22, 10, 12, 4, 0])
    assert masks(found, VIEW)[0].sum() == 48


@pytest.mark.parametrize("rise", [-1, 1])
def test_a_slanted_line_has_an_oriented_box(rise: int) -> None:
    pixels, links = nothing()
    cells = [(6 + rise * step, 4 + step) for step in range(5)]
    for cell in cells:
        mark(pixels, cell, 0.9)
    for one, other in itertools.pairwise(cells):
        link(links, one, other, 0.9)
    found = decode(pixels, links)
    assert found.rotated is not None
    x, y, width, height, angle = found.rotated[0].tolist()
    # Five squares of 4 pixels, corner to corner: a strip along the diagonal.
    assert (x, y) == pytest.approx((26, 26 + rise * 8), abs=1e-3)
    assert sorted([width, height]) == pytest.approx([4 * 2**0.5, 20 * 2**0.5], abs=1e-3)
    assert abs(math.sin(2 * angle)) == pytest.approx(1, abs=1e-4)
    long = angle if width > height else angle + math.pi / 2
    assert math.tan(long) == pytest.approx(rise, abs=1e-3)


@pytest.mark.parametrize(
    "view",
    [
        View((100, 150), (48, 80), Geometry(80 / 150, 48 / 100)),
        View((31, 43), (48, 80), Geometry(80 / 43, 48 / 31)),
        View((8, 10), (48, 80), Geometry(8, 6)),
        # A letterbox with a padding of 10 on both sides, and a crop of the middle.
        View((96, 120), (48, 80), Geometry(0.5, 0.5, 10, 0)),
        View((100, 200), (48, 80), Geometry(1, 1, -60, -26)),
    ],
)
@pytest.mark.parametrize("min_area", [1, 40])
def test_each_pixel_of_the_image_belongs_to_the_cell_that_contains_it(
    view: View, min_area: int
) -> None:
    pixels, links = random_maps(5, 0.5, 0.3)
    # The groups of the grid, in their order; the numbers themselves are tested above.
    groups = masks(DECODER({"p": pixels, "l": links}, VIEW, 0.0), VIEW)
    wanted = [np.zeros(view.image, bool) for _ in groups]
    for y, x in itertools.product(*map(range, view.image)):
        in_x = (x + 0.5) * view.geometry.scale_x + view.geometry.shift_x
        in_y = (y + 0.5) * view.geometry.scale_y + view.geometry.shift_y
        if 0 <= in_x < 80 and 0 <= in_y < 48:
            for picture, group in zip(wanted, groups, strict=True):
                picture[y, x] = group[int(in_y), int(in_x)]
    wanted = [it for it in wanted if it.sum() >= min_area]
    decoder = Pixellink("p", "l", min_area=min_area)
    found = decoder({"p": pixels, "l": links}, view, 0.0)
    pictures = masks(found, view)
    assert len(pictures) == len(wanted)
    for one, other in zip(pictures, wanted, strict=True):
        assert (one == other).all()
    assert found.rotated is not None
    for points, picture in zip(corners(found.rotated), wanted, strict=True):
        # All pixels lie inside, and the rectangle is no larger than the upright one.
        rows, columns = np.nonzero(picture)
        for dx, dy in itertools.product((0, 1), repeat=2):
            for x, y in zip((columns + dx).tolist(), (rows + dy).tolist(), strict=True):
                polygon = points.astype(np.float32)
                assert cv2.pointPolygonTest(polygon, (x, y), measureDist=True) > -0.01
        upright = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        assert cv2.contourArea(points.astype(np.float32)) <= upright + 0.01


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("level", [0.1, 0.3, 0.7, 0.8])
def test_a_probability_at_a_level_is_not_above_it(dtype: str, level: float) -> None:
    pixels, links = nothing(dtype)
    mark(pixels, (3, 3), level)
    assert len(decode(pixels, links, pixel_level=level)) == 0
    assert len(decode(pixels, links, pixel_level=level - 0.01)) == 1
    assert len(decode(pixels, links, level, pixel_level=level - 0.01)) == 0
    assert len(decode(pixels, links, level - 0.01, pixel_level=level - 0.01)) == 1
    mark(pixels, (3, 3), 1)
    mark(pixels, (3, 4), 1)
    link(links, (3, 3), (3, 4), level)
    assert len(decode(pixels, links, link_level=level)) == 2
    assert len(decode(pixels, links, link_level=level - 0.01)) == 1


def test_small_instances_are_dropped() -> None:
    pixels, links = nothing()
    mark(pixels, (3, 3), 0.9)
    assert len(decode(pixels, links, min_area=16)) == 1
    assert len(decode(pixels, links, min_area=17)) == 0
    assert len(Pixellink("p", "l", activated=True)({"p": pixels, "l": links}, VIEW, 0.0)) == 0


def test_half_precision_logits() -> None:
    pixels, links = (it.astype(np.float16) for it in random_maps(6, 0.5, 0.5))
    wide = {"p": pixels.astype(np.float32), "l": links.astype(np.float32)}
    found, wanted = DECODER({"p": pixels, "l": links}, VIEW, 0.0), DECODER(wide, VIEW, 0.0)
    assert len(wanted) > 3
    assert found.scores.tolist() == wanted.scores.tolist()
    assert found.boxes.tolist() == wanted.boxes.tolist()


@pytest.mark.parametrize("activated", [False, True])
def test_nan_is_neither_text_nor_link(activated: bool) -> None:
    pixels, links = nothing()
    for column in (3, 4, 5):
        mark(pixels, (3, column), 1)
    link(links, (3, 3), (3, 4), 1)
    link(links, (3, 4), (3, 5), 1)
    if not activated:
        pixels, links = pixels * 20, links * 20
    decoder = Pixellink("p", "l", activated=activated, min_area=1)
    assert len(decoder({"p": pixels, "l": links}, VIEW, 0.5)) == 1
    holes = links.copy()
    holes[0, 3, 4, 9] = np.nan
    assert len(decoder({"p": pixels, "l": holes}, VIEW, 0.5)) == 2
    pixels[0, 3, 4, 1] = np.nan
    found = decoder({"p": pixels, "l": links}, VIEW, 0.5)
    assert found.boxes.tolist() == [[12, 12, 16, 16], [20, 12, 24, 16]]
    everything = {"p": np.full_like(pixels, np.nan), "l": np.full_like(links, np.nan)}
    assert len(decoder(everything, VIEW, 0.0)) == 0


def test_infinite_logits() -> None:
    pixels, links = np.zeros((1, *GRID, 2), np.float16), np.zeros((1, *GRID, 16), np.float16)
    pixels[0, 3, 3, 1] = np.inf
    pixels[0, 5, 5] = np.inf
    assert DECODER({"p": pixels, "l": links}, VIEW, 0.5).scores.tolist() == [1]


def test_no_detections_give_no_instances() -> None:
    found = decode(*nothing())
    assert (len(found), found.boxes.shape) == (0, (0, 4))
    assert found.rotated is not None
    assert found.rotated.shape == (0, 5)
    # A crop that misses the image altogether sees no text in it.
    pixels, links = nothing()
    pixels[0, 3, 3, 1] = 1
    assert len(decode(pixels, links, view=View((10, 10), (48, 80), Geometry(1, 1, -90, 0)))) == 0


@pytest.mark.parametrize("key", ["pixels", "links"])
def test_logits_are_not_accepted_as_probabilities(key: str) -> None:
    pixels, links = nothing()
    mark(pixels, (3, 3), 1)
    (pixels if key == "pixels" else links)[0, 3, 3, 1] = 4.25
    with pytest.raises(BadModel) as caught:
        decode(pixels, links)
    texts = ["activated: ", f"model's {key}", "to 4.25", "softmax"]
    assert [text for text in texts if text not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("pixels", "links", "texts"),
    [
        ((1, 12, 20, 3), (1, 12, 20, 16), ["[1, 12, 20, 3] and [1, 12, 20, 16]"]),
        ((1, 12, 20, 2), (1, 12, 20, 8), ["[1, 12, 20, 2] and [1, 12, 20, 8]"]),
        ((2, 12, 20, 2), (2, 12, 20, 16), ["[2, 12, 20, 2] and"]),
        ((1, 2, 12, 20), (1, 12, 20, 16), ["[1, 2, 12, 20] and [1, 12, 20, 16]"]),
        ((1, 2, 12, 20), (1, 16, 12, 21), ["[1, 2, 12, 20] and [1, 16, 12, 21]"]),
        ((12, 20, 2), (12, 20, 16), ["[12, 20, 2] and [12, 20, 16]"]),
        ((1, 20, 12, 2), (1, 20, 12, 16), ["48x80", "20x12"]),
    ],
)
def test_outputs_of_another_shape_are_refused(
    pixels: tuple[int, ...], links: tuple[int, ...], texts: list[str]
) -> None:
    with pytest.raises(BadModel) as caught:
        DECODER({"p": np.zeros(pixels), "l": np.zeros(links)}, VIEW, 0.5)
    assert [text for text in texts if text not in str(caught.value)] == []


OMZ: dict[str, Shape] = {
    "model/link_logits_/add": (1, 192, 320, 16),
    "model/segm_logits/add": (1, 192, 320, 2),
}


@pytest.mark.parametrize(
    ("outputs", "names"),
    [
        (OMZ, ("model/segm_logits/add", "model/link_logits_/add")),
        ({"1": (1, 2, 192, 320), "2": (1, 16, 192, 320)}, ("1", "2")),
        ({"2": (None, 16, None, None), "1": (None, 2, None, None)}, ("1", "2")),
        ({"pixel_cls": (None,) * 4, "pixel_link": (None,) * 4}, ("pixel_cls", "pixel_link")),
    ],
)
def test_bind_fills_in_the_names(outputs: dict[str, Shape], names: tuple[str, str]) -> None:
    assert Pixellink().bind(signature(**outputs), TEXT) == Pixellink(*names)


@pytest.mark.parametrize(
    ("decoder", "outputs", "classes", "texts"),
    [
        (Pixellink(), OMZ, Classes(2, exact=True), ["1 classes", "2 labels", "320, 2] float32"]),
        (Pixellink(), {"o": (1, 1, 192, 320)}, TEXT, ["pixels: 0 outputs", "`dbnet`"]),
        (Pixellink(), {"o": (1, 2, 192, 320)}, TEXT, ["links: 0 outputs", "[1, 16, h, w]"]),
        (
            Pixellink(),
            {**OMZ, "model/segm_logits/add": (1, 2, 192, 320)},
            TEXT,
            ["[1, 2, 192, 320] and [1, 192, 320, 16]"],
        ),
        (
            Pixellink(),
            {"a": (1, 2, None, 320), "b": (1, 16, 96, 160)},
            TEXT,
            ["[1, 2, ?, 320] and [1, 16, 96, 160]"],
        ),
        (Pixellink("x"), OMZ, TEXT, ["pixels: the model has no output called 'x'"]),
        (
            Pixellink(links="model/segm_logits/add"),
            OMZ,
            TEXT,
            ["links: the output model/segm_logits/add [1, 192, 320, 2] float32 does not hold"],
        ),
    ],
)
def test_bind_refuses_outputs_that_do_not_fit(
    decoder: Pixellink, outputs: dict[str, Shape], classes: Classes, texts: list[str]
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder.bind(signature(**outputs), classes)
    assert [text for text in texts if text not in str(caught.value)] == []


@pytest.mark.parametrize("width", [1, 2, 3, 5, 6, 7])
@pytest.mark.parametrize("height", [1, 2, 3, 6])
def test_a_grid_of_any_size_may_be_all_text(height: int, width: int) -> None:
    pixels, links = np.ones((1, height, width, 2)), np.ones((1, height, width, 16))
    pixels[..., 0] = links[..., 0::2] = 0
    view = View((4 * height, 4 * width), (4 * height, 4 * width), Geometry())
    found = decode(pixels.astype(np.float32), links.astype(np.float32), 0.5, view)
    assert found.boxes.tolist() == [[0, 0, 4 * width, 4 * height]]


def test_probabilities_slightly_above_1_give_a_score_of_1() -> None:
    pixels, links = nothing()
    mark(pixels, (3, 4), 1.0)
    pixels[0, 3, 4, 1] = 1 + 1e-4
    assert decode(pixels, links, 0.5).scores.tolist() == [1]


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Pixellink() == Pixellink(pixel_level=0.8, link_level=0.8, activated=False, min_area=300)
