from dataclasses import replace

import numpy as np
import pytest

from builder.families.catalog.classifier import CLASSIFIER
from builder.families.catalog.embedding import EMBEDDING, length_of
from builder.model.graph import Node
from runtimes.signature import Tensor
from tests.builder.families.made import Shape, decoders, evidence, matches


@pytest.mark.parametrize(
    ("shape", "dtype", "length"),
    [
        ((1, 10), "float32", 10),
        ((None, 10), "float16", 10),
        ((1, 10, 1, 1), "float32", 10),
        ((1, 10, 7, 7), "float32", None),
        ((2, 10), "float32", None),
        ((1, 10), "int64", None),
        ((1, 10, 1), "float32", None),
    ],
)
def test_a_list_for_the_image_has_one_axis(shape: Shape, dtype: str, length: int | None) -> None:
    assert length_of(Tensor("y", shape, dtype)) == length


NORM = [Node("ReduceL2", ("x",), ("n",)), Node("Div", ("x", "n"), ("y",))]


@pytest.mark.parametrize(
    "nodes",
    [
        NORM,
        [Node("LpNormalization", ("x",), ("y",))],
    ],
    ids=lambda nodes: nodes[-1].op,
)
def test_the_last_operation_of_an_embedding_is_no_classifiers(nodes: list[Node]) -> None:
    found = evidence({"y": (1, 10)}, nodes=nodes)
    assert decoders(EMBEDDING, found) == [("embedding", "STRUCTURE")]
    assert decoders(CLASSIFIER, found) == []


@pytest.mark.parametrize("op", ["BatchNormalization", "GlobalAveragePool", "ReduceMean"])
def test_a_pooling_is_evidence_if_the_length_is_usual(op: str) -> None:
    nodes = [Node(op, ("x",), ("y",))]
    found = evidence({"y": (1, 512)}, nodes=nodes)
    assert decoders(EMBEDDING, found) == [("embedding", "EVIDENCE")]
    assert decoders(CLASSIFIER, found) == []
    # SqueezeNet's classes are the average of a map each.
    assert decoders(EMBEDDING, evidence({"y": (1, 1000)}, nodes=nodes)) == []


def test_a_name_or_a_length_of_one_is_evidence_too() -> None:
    assert decoders(EMBEDDING, evidence({"features": (1, 10)})) == [("embedding", "EVIDENCE")]
    unit = {"y": np.full((1, 4), 0.5, np.float32)}
    assert decoders(EMBEDDING, evidence({"y": (1, 4)}, blank=unit)) == [("embedding", "EVIDENCE")]


def test_a_usual_length_can_be_a_number_of_classes_too() -> None:
    found = evidence({"y": (1, 512)}, nodes=[Node("Gemm", ("x", "w"), ("y",))])
    assert decoders(EMBEDDING, found) == [("embedding", "SHAPE")]
    assert decoders(CLASSIFIER, found) == [("classify", "SHAPE")]
    assert decoders(EMBEDDING, evidence({"y": (1, 1000)})) == []


@pytest.mark.parametrize("metadata", [{"task": "classify"}, {"names": "{0: 'a', 1: 'b'}"}])
def test_a_model_that_names_classes_is_no_embedding(metadata: dict[str, str]) -> None:
    assert decoders(EMBEDDING, evidence({"features": (1, 512)}, metadata=metadata)) == []


@pytest.mark.parametrize(("size", "mean"), [((112, 112), 0.5), ((256, 128), 0.485)])
def test_faces_have_a_normalization_of_their_own(size: tuple[int, int], mean: float) -> None:
    (match,) = matches(EMBEDDING, evidence({"features": (1, 512)}, {"x": (1, 3, *size)}))
    assert match.preprocess[1].fields["mean"][0] == mean


def test_vectors_of_models_from_tensorflow_take_0_to_1() -> None:
    (match,) = matches(EMBEDDING, evidence({"features": (1, 512)}, {"x": (1, 256, 128, 3)}))
    normalize = match.preprocess[1]
    assert normalize.guessed
    assert "mean" not in normalize.fields


@pytest.mark.parametrize(
    ("op", "found"),
    [
        ("Softmax", [("classify", "STRUCTURE")]),
        ("Sigmoid", [("classify", "EVIDENCE")]),
        ("Gemm", [("classify", "SHAPE")]),
        ("Add", [("classify", "SHAPE"), ("classify", "SHAPE")]),
    ],
)
def test_the_activation_of_a_classifier_is_the_graphs(
    op: str, found: list[tuple[str, str]]
) -> None:
    model = evidence({"y": (1, 10)}, nodes=[Node(op, ("x", "w"), ("y",))])
    assert decoders(CLASSIFIER, model) == found


def test_as_many_labels_as_numbers_make_a_classifier_likely() -> None:
    nodes = [Node("Gemm", ("x", "w"), ("y",))]
    for labels, wanted in ((512, "EVIDENCE"), (511, "SHAPE")):
        found = replace(evidence({"y": (1, 512)}, nodes=nodes), labels=labels)
        assert decoders(CLASSIFIER, found) == [("classify", wanted)]
    assert decoders(EMBEDDING, replace(found, labels=512)) == []


@pytest.mark.parametrize(
    ("values", "activation"),
    [([0.25, 0.75], {}), ([2.0, -3.0], {"activation": "softmax"})],
    ids=["probabilities", "logits"],
)
def test_a_run_shows_whether_scores_are_logits(
    values: list[float], activation: dict[str, str]
) -> None:
    found = evidence({"y": (1, 2)}, blank={"y": np.array([values], np.float32)})
    (match,) = matches(CLASSIFIER, found)
    assert dict(match.postprocess[0].fields) == activation


def test_classes_that_are_not_exclusive_are_all_kept() -> None:
    nodes = [Node("Sigmoid", ("x",), ("y",))]
    (match,) = matches(CLASSIFIER, evidence({"y": (1, 10)}, nodes=nodes))
    assert [it.name for it in match.postprocess] == ["classify", "tag"]
