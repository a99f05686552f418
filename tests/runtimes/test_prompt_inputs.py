import pytest

from runtimes.errors import BadModel, Fault
from runtimes.prompt_inputs import check_given, check_order, check_prompts, paired, zeros_shape
from runtimes.signature import Signature, Tensor

Shape = tuple[int | None, ...]


def tensor(name: str, *shape: int | None) -> Tensor:
    return Tensor(name, shape, "float32")


def signature(inputs: list[Tensor], outputs: list[Tensor]) -> Signature:
    return Signature(tuple(inputs), tuple(outputs))


POINTS, LABELS = tensor("points", 1, None, 2), tensor("labels", 1, None)
DECODER = signature([tensor("features", 1, 8), POINTS, LABELS], [tensor("masks", 1, 1, 4, 4)])
ENCODER = signature([tensor("image", 1, 3, 8, 8)], [tensor("features", 1, 8)])


def test_an_encoder_without_points_is_accepted() -> None:
    check_order(["points"], DECODER, ENCODER)


def test_a_decoder_in_the_encoders_place_is_refused() -> None:
    with pytest.raises(BadModel) as caught:
        check_order(["points"], ENCODER, DECODER)
    assert caught.value.fault is Fault.MODELS_SWAPPED


@pytest.mark.parametrize(
    ("points", "labels"),
    [(POINTS, LABELS), (tensor("points", None, None, None), LABELS), (tensor("points"), LABELS)],
)
def test_inputs_for_any_number_of_points_are_accepted(points: Tensor, labels: Tensor) -> None:
    check_prompts(points, labels)


@pytest.mark.parametrize(
    ("points", "labels", "where", "fault"),
    [
        (POINTS, POINTS, "labels", Fault.DUPLICATE_INPUT),
        (tensor("points", 1, None, 3), LABELS, "points", Fault.PROMPT_INPUTS),
        (tensor("points", 2), LABELS, "points", Fault.PROMPT_INPUTS),
        (tensor("points", 1, 5, 2), LABELS, "points", Fault.FIXED_PROMPTS),
        (POINTS, tensor("labels", 1, 5), "labels", Fault.FIXED_PROMPTS),
    ],
)
def test_other_inputs_are_refused(points: Tensor, labels: Tensor, where: str, fault: Fault) -> None:
    with pytest.raises(BadModel) as caught:
        check_prompts(points, labels)
    assert (caught.value.where, caught.value.fault) == (where, fault)


def test_features_of_a_fitting_shape_are_accepted() -> None:
    check_given({"features": "features"}, {"features": tensor("features", 1, None)}, ENCODER)


@pytest.mark.parametrize(
    ("source", "taken", "fault"),
    [
        ("embeddings", tensor("features", 1, 8), Fault.OUTPUT_UNKNOWN),
        ("features", tensor("features", 1, 9), Fault.FEATURES_SHAPE),
    ],
)
def test_features_that_do_not_fit_are_refused(source: str, taken: Tensor, fault: Fault) -> None:
    with pytest.raises(BadModel) as caught:
        check_given({"features": source}, {"features": taken}, ENCODER)
    assert (caught.value.where, caught.value.fault) == ("features", fault)


@pytest.mark.parametrize(
    ("shape", "zeros"),
    [
        ((1, 1, 256, 256), (1, 1, 256, 256)),
        ((None, 1, None, None), (1, 1, 256, 256)),
        ((None, 1, 64, None), (1, 1, 64, 256)),
        ((1,), (1,)),
        ((None,), (1,)),
    ],
)
def test_dynamic_axes_of_a_previous_mask_get_its_usual_size(
    shape: Shape, zeros: tuple[int, ...]
) -> None:
    assert zeros_shape(tensor("mask_input", *shape)) == zeros


@pytest.mark.parametrize(
    ("inputs", "outputs", "pairs"),
    [
        (["a", "b"], ["b", "a", "c"], {"a": "a", "b": "b"}),
        (["a", "b"], ["a", "c"], {"a": "a", "b": "c"}),
        (["a"], ["b"], {"a": "b"}),
        (["a", "b"], ["c", "d"], {}),
        (["a"], ["b", "c"], {}),
    ],
)
def test_features_are_matched_by_name_then_the_only_remaining_ones(
    inputs: list[str], outputs: list[str], pairs: dict[str, str]
) -> None:
    encoder = signature([], [tensor(name) for name in outputs])
    assert paired([tensor(name) for name in inputs], encoder) == pairs


def test_without_an_encoder_the_first_input_takes_the_image() -> None:
    assert paired([tensor("image"), tensor("odd")], None) == {"image": "image"}
    assert paired([], None) == {}
