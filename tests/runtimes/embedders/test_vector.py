import math

import numpy as np
import pytest

from runtimes.embedders.vector import Embedding
from runtimes.errors import BadModel
from runtimes.signature import Signature, Tensor

ONE = np.array([[3.0, 4.0], [0.0, 2.0]])
OTHER = np.array([[6.0, 8.0], [-3.0, -4.0], [4.0, -3.0]])


def signature(*shape: int | None, name: str = "embedding") -> Signature:
    return Signature((), (Tensor(name, shape, "float32"),))


def test_the_cosine_distance_depends_only_on_the_angle() -> None:
    found = Embedding().distances(ONE, OTHER)
    # (3, 4) and (6, 8) point the same way, (-3, -4) the other way, (4, -3) at a right angle.
    assert found[0].tolist() == pytest.approx([0, 2, 1], abs=1e-12)
    # The cosine of the angle between (0, 1) and (0.6, 0.8) is 0.8.
    assert found[1].tolist() == pytest.approx([0.2, 1.8, 1.6])


def test_vectors_are_scaled_to_length_1_for_the_euclidean_distance_by_default() -> None:
    found = Embedding("euclidean").distances(ONE, OTHER)
    assert found[0].tolist() == pytest.approx([0, 2, math.sqrt(2)], abs=1e-12)
    raw = Embedding("euclidean", normalize=False).distances(ONE, OTHER)
    assert raw[0].tolist() == pytest.approx([5, 10, math.sqrt(50)])


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_distances_match_a_loop_over_all_pairs(distance: str) -> None:
    random = np.random.default_rng(4)
    one, other = random.normal(size=(5, 7)), random.normal(size=(3, 7))
    found = Embedding(distance).distances(one, other)  # type: ignore[arg-type]
    for row, first in enumerate(one):
        for column, second in enumerate(other):
            lengths = math.sqrt(sum(first**2)), math.sqrt(sum(second**2))
            cosine = sum(first * second) / lengths[0] / lengths[1]
            # For vectors of length 1 the squared distance is 2 - 2 cos.
            wanted = 1 - cosine if distance == "cosine" else math.sqrt(2 - 2 * cosine)
            assert found[row, column] == pytest.approx(wanted)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_a_zero_vector_has_a_large_distance_to_all_vectors(distance: str) -> None:
    found = Embedding(distance).distances(np.zeros((1, 2)), OTHER)  # type: ignore[arg-type]
    assert np.allclose(found, 1)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_no_vectors_give_no_distances(distance: str) -> None:
    nothing = np.zeros((0, 2))
    step = Embedding(distance)  # type: ignore[arg-type]
    assert step.distances(nothing, OTHER).shape == (0, 3)
    assert step.distances(ONE, nothing).shape == (2, 0)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1, 1), (2, 3, 1)])
def test_axes_of_1_are_dropped(shape: tuple[int, ...]) -> None:
    values = np.arange(6, dtype=np.float16).reshape(shape)
    step = Embedding().bind(signature(None, *shape[1:]))
    found = step({"embedding": values})
    assert found.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found.dtype == np.float64


def test_the_output_is_bound_by_name() -> None:
    outputs = (Tensor("map", (1, 3, 8, 8), "float32"), Tensor("feature", (1, 512), "float32"))
    assert Embedding(output="feature").bind(Signature((), outputs)).output == "feature"
    with pytest.raises(BadModel, match="2 outputs could hold a vector"):
        Embedding().bind(Signature((), outputs))


def test_a_map_is_refused() -> None:
    with pytest.raises(BadModel, match="is a map"):
        Embedding().bind(signature(1, 64, 8, 8))
    with pytest.raises(BadModel, match="not one vector for each crop"):
        Embedding(output="embedding")({"embedding": np.zeros((1, 64, 8, 8))})


def test_vectors_that_are_not_finite_are_refused() -> None:
    with pytest.raises(BadModel, match="not finite"):
        Embedding(output="embedding")({"embedding": np.array([[math.nan, 1]])})
