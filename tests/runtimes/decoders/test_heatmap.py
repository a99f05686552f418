import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.heatmap import Heatmap, Simcc
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.signature import Signature, Tensor
from runtimes.view import View
from tests.grids import grid

VIEW = View((256, 192), (256, 192), Geometry())
ONE = Classes(1, exact=True)


def signature(**shapes: tuple[int | None, ...]) -> Signature:
    outputs = [Tensor(name, shape, "float32") for name, shape in shapes.items()]
    return Signature((), tuple(outputs))


def looped(maps: Array, size: tuple[int, int]) -> list[list[float]]:
    """x, y, score of each map's maximum, by a loop over the cells."""
    points = []
    for cells in maps.tolist():
        height, width = len(cells), len(cells[0])
        best, row, column = -1.0, 0, 0
        for y in range(height):
            for x in range(width):
                if cells[y][x] > best:
                    best, row, column = cells[y][x], y, x
        dx = dy = 0.0
        if 0 < column < width - 1:
            before, after = cells[row][column - 1], cells[row][column + 1]
            dx = 0.25 if after > before else -0.25 if after < before else 0.0
        if 0 < row < height - 1:
            before, after = cells[row - 1][column], cells[row + 1][column]
            dy = 0.25 if after > before else -0.25 if after < before else 0.0
        points.append([(column + dx) * size[1] / width, (row + dy) * size[0] / height, best])
    return points


@grid(
    ("seed", range(8)),
    ("shape", [(17, 64, 48), (5, 3, 2), (1, 1, 1), (4, 7, 9)]),
)
def test_heatmap_matches_a_loop(seed: int, shape: tuple[int, ...]) -> None:
    maps = np.random.default_rng(seed).random(shape).astype(np.float32)
    found = Heatmap("o")({"o": maps[None]}, VIEW, 0.0)
    assert found.keypoints is not None
    np.testing.assert_allclose(found.keypoints[0], looped(maps, (256, 192)), rtol=1e-6)


def test_heatmap_by_hand() -> None:
    maps = np.zeros((1, 2, 64, 48), np.float32)
    maps[0, 0, 10, 20] = 0.75
    maps[0, 0, 10, 21] = 0.5  # higher to the right
    maps[0, 0, 9, 20] = 0.25  # and above
    maps[0, 1, 63, 0] = 0.5  # in a corner: no shift
    found = Heatmap("o")({"o": maps}, VIEW, 0.5)
    assert found.keypoints is not None
    assert found.keypoints.tolist() == [[[81, 39, 0.75], [0, 252, 0.5]]]
    assert found.boxes.tolist() == [[0, 39, 81, 252]]
    assert (found.scores.tolist(), found.classes.tolist()) == ([0.625], [0])


def test_the_box_excludes_invisible_keypoints() -> None:
    maps = np.zeros((1, 3, 8, 8), np.float32)
    maps[0, 0, 2, 2] = maps[0, 1, 4, 6] = 1
    maps[0, 2, 0, 0] = 0.25
    view = View((8, 8), (8, 8), Geometry())
    assert Heatmap("o", 0.5)({"o": maps}, view, 0).boxes.tolist() == [[2, 2, 6, 4]]
    assert Heatmap("o", 0.25)({"o": maps}, view, 0).boxes.tolist() == [[2, 2, 6, 4]]
    assert Heatmap("o", 0.1)({"o": maps}, view, 0).boxes.tolist() == [[0, 0, 6, 4]]
    assert Heatmap("o", 1.0)({"o": maps}, view, 0).boxes.tolist() == [[0, 0, 6, 4]]


def test_a_single_keypoint_has_a_box() -> None:
    maps = np.zeros((1, 1, 8, 8), np.float32)
    maps[0, 0, 3, 5] = 1
    found = Heatmap("o")({"o": maps}, View((8, 8), (8, 8), Geometry()), 0.5)
    assert found.boxes.tolist() == [[5, 3, 6, 4]]


def test_the_geometry_inverts_a_letterbox() -> None:
    # 100x400 shown at half size in the middle of 64x256, at (28, 7).
    geometry = Geometry(0.5, 0.5, 28, 7)
    maps = np.zeros((1, 1, 16, 64), np.float32)
    maps[0, 0, 5, 10] = 1
    found = Heatmap("o")({"o": maps}, View((100, 400), (64, 256), geometry), 0.5)
    points = found.to_image(geometry).keypoints
    assert points is not None
    assert points.tolist() == [[[24, 26, 1]]]  # (40 - 28) * 2, (20 - 7) * 2


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_score_at_the_threshold_is_not_above_it(dtype: str) -> None:
    maps = np.full((1, 4, 8, 6), 0.375, dtype)
    assert len(Heatmap("o")({"o": maps}, VIEW, 0.375)) == 0
    assert len(Heatmap("o")({"o": maps}, VIEW, 0.37)) == 1
    assert len(Heatmap("o")({"o": maps}, VIEW, 0.38)) == 0
    single = np.full((1, 3, 8, 6), 0.3, np.float32)
    assert len(Heatmap("o")({"o": single}, VIEW, 0.3)) == 0


def test_scores_are_clipped_to_0_and_1() -> None:
    maps = np.full((1, 2, 8, 6), -0.5, np.float32)
    maps[0, 0, 4, 4] = 1.5
    found = Heatmap("o")({"o": maps}, VIEW, 0.25)
    assert found.scores.tolist() == [0.5]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_maps_that_are_not_finite_are_no_error(bad: float) -> None:
    maps = np.full((1, 2, 8, 6), bad, np.float32)
    assert len(Heatmap("o")({"o": maps[:, :, :1, :1]}, VIEW, 0.9)) == (0 if np.isnan(bad) else 1)


@pytest.mark.parametrize("shape", [(2, 17, 64, 48), (17, 64, 48), (1, 0, 64, 48)])
def test_heatmaps_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadModel) as caught:
        Heatmap("o")({"o": np.zeros(shape, np.float32)}, VIEW, 0.5)
    assert f"got {list(shape)}" in caught.value.what


def test_heatmap_binds_by_role_and_by_name() -> None:
    assert Heatmap().bind(signature(a=(1, 17, 64, 48), b=(1, 17)), ONE) == Heatmap("a")
    both = signature(a=(1, 17, 64, 48), b=(1, 17, 32, 24))
    assert Heatmap("b").bind(both, ONE) == Heatmap("b")
    with pytest.raises(BadModel, match="2 outputs could hold"):
        Heatmap().bind(both, ONE)
    with pytest.raises(BadModel, match=r"a \[4, 17, 64, 48\]"):
        Heatmap().bind(signature(a=(4, 17, 64, 48)), ONE)
    with pytest.raises(BadModel, match="the model has 1 classes, the manifest 2 labels"):
        Heatmap().bind(signature(a=(1, 17, 64, 48)), Classes(2, exact=True))


def bins(places: list[int], scores: list[float], count: int) -> Array:
    rows = np.zeros((1, len(places), count), np.float32)
    rows[0, range(len(places)), places] = scores
    return rows


def test_simcc_by_hand() -> None:
    outputs = {"x": bins([101, 383], [0.75, 1.0], 384), "y": bins([40, 0], [0.5, 0.75], 512)}
    found = Simcc("x", "y")(outputs, VIEW, 0.5)
    assert found.keypoints is not None
    assert found.keypoints.tolist() == [[[50.5, 20, 0.5], [191.5, 0, 0.75]]]
    assert found.boxes.tolist() == [[50.5, 0, 191.5, 20]]
    assert (found.scores.tolist(), found.classes.tolist()) == ([0.625], [0])
    assert len(Simcc("x", "y")(outputs, VIEW, 0.625)) == 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_simcc_matches_a_loop(seed: int, dtype: str) -> None:
    rng = np.random.default_rng(seed)
    view = View((32, 24), (32, 24), Geometry())
    x, y = (rng.random((1, 6, side * 3)).astype(dtype) for side in (24, 32))
    found = Simcc("x", "y", split=3.0)({"x": x, "y": y}, view, 0.0)
    assert found.keypoints is not None
    for k, point in enumerate(found.keypoints[0].tolist()):
        along, down = x[0, k].tolist(), y[0, k].tolist()
        best = [max(along), max(down)]
        assert point == pytest.approx(
            [along.index(best[0]) / 3, down.index(best[1]) / 3, min(best)], abs=1e-9
        )


@pytest.mark.parametrize(
    ("shapes", "step"),
    [
        ({"simcc_x": (1, 17, 384), "simcc_y": (1, 17, 512)}, Simcc("simcc_x", "simcc_y")),
        ({"simcc_y": (1, 17, 512), "simcc_x": (1, 17, 384)}, Simcc("simcc_x", "simcc_y")),
        ({"a": (1, 17, 384), "b": (None, None, None)}, Simcc("a", "b")),
        ({"a": (1, 17, 384), "b": (1, 17, 512), "c": (1, 17)}, Simcc("a", "b")),
    ],
)
def test_simcc_binds_by_role(shapes: dict[str, tuple[int | None, ...]], step: Simcc) -> None:
    assert Simcc().bind(signature(**shapes), ONE) == step


def test_simcc_binds_by_name() -> None:
    shapes = signature(a=(1, 17, 384), b=(1, 17, 512), c=(1, 17, 3))
    assert Simcc("b", "a").bind(shapes, ONE) == Simcc("b", "a")
    assert Simcc(x="b").bind(signature(a=(1, 17, 384), b=(1, 17, 512)), ONE) == Simcc("b", "a")
    with pytest.raises(BadModel, match="3 outputs have 3 axes"):
        Simcc().bind(shapes, ONE)
    with pytest.raises(BadModel, match="no output called 'z'"):
        Simcc("z").bind(shapes, ONE)


@pytest.mark.parametrize(
    "step", [Simcc("a", "a"), Simcc("a", "c"), Simcc("a", "d")], ids=["same", "keypoints", "axes"]
)
def test_simcc_refuses_outputs_that_are_not_a_pair(step: Simcc) -> None:
    shapes = signature(a=(1, 17, 384), b=(1, 17, 512), c=(1, 16, 512), d=(1, 17))
    with pytest.raises(BadModel, match=r"a \[1, 17, 384\]"):
        step.bind(shapes, ONE)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ((1, 17, 512), (1, 17, 384), r"decodes \[1, keypoints, 384\] along x, got \[1, 17, 512\]"),
        ((1, 17, 384), (1, 17, 384), r"decodes \[1, keypoints, 512\] along y, got \[1, 17, 384\]"),
        ((17, 384), (17, 512), r"got \[17, 384\]"),
        ((1, 17, 384), (1, 16, 512), "17 keypoints along x and 16 along y"),
        ((1, 0, 384), (1, 0, 512), "no keypoints"),
    ],
)
def test_simcc_of_another_shape_is_refused(
    x: tuple[int, ...], y: tuple[int, ...], message: str
) -> None:
    with pytest.raises(BadModel, match=message):
        Simcc("x", "y")({"x": np.zeros(x), "y": np.zeros(y)}, VIEW, 0.5)


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Heatmap() == Heatmap(visible=0.3)
    assert Simcc() == Simcc(split=2.0, visible=0.3)
