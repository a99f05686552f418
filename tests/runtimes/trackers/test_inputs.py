import pytest

from runtimes.errors import BadModel
from runtimes.signature import Signature, Tensor
from runtimes.trackers.inputs import bind_inputs
from runtimes.trackers.siamfc import Siamfc

Shape = tuple[int | None, ...]
USUAL = (127, 255)


def model(*inputs: tuple[str, Shape]) -> Signature:
    return Signature(tuple(Tensor(name, shape, "float32") for name, shape in inputs), ())


def image(size: int | None) -> Shape:
    return (1, 3, size, size)


def encoder(size: int | None, *outputs: str) -> Signature:
    made = tuple(Tensor(name, (1, 48, None, None), "float32") for name in outputs)
    return Signature((Tensor("input", image(size), "float32"),), made)


@pytest.mark.parametrize(
    "inputs",
    [
        [("template", image(127)), ("search", image(255))],
        [("search", image(255)), ("template", image(127))],
        [("x", image(255)), ("z", image(127))],
        [("input2", image(255)), ("input1", image(127))],
        [("search_crop", image(255)), ("first", image(127))],
        [("b", image(255)), ("a", image(127))],
    ],
    ids=lambda inputs: inputs[0][0],
)
def test_inputs_are_recognized_by_name_or_size(inputs: list[tuple[str, Shape]]) -> None:
    found = bind_inputs(Siamfc(), model(*inputs), None, USUAL)
    by_size = {shape[2]: name for name, shape in inputs}
    assert (found["template"], found["search"]) == (by_size[127], by_size[255])
    assert (found["template_size"], found["search_size"]) == (127, 255)


def test_the_manifest_takes_precedence() -> None:
    step = Siamfc(template="x", template_size=64)
    found = bind_inputs(step, model(("x", image(None)), ("z", image(None))), None, USUAL)
    assert found == {"template": "x", "search": "z", "template_size": 64, "search_size": 255}


def test_an_encoder_is_bound_and_its_crops_have_the_usual_sizes() -> None:
    head = model(("input1", (1, 48, 8, 8)), ("input2", (1, 48, 16, 16)))
    assert bind_inputs(Siamfc(), head, encoder(None, "features"), USUAL) == {
        "image": "input",
        "embedding": "features",
        "template": "input1",
        "search": "input2",
        "template_size": 127,
        "search_size": 255,
    }


HEAD = model(("input1", (1, 48, 8, 8)), ("input2", (1, 48, 16, 16)))
PAIR = model(("template", image(127)), ("search", image(255)))


@pytest.mark.parametrize(
    ("step", "signature", "embeds", "where", "what"),
    [
        (Siamfc(), model(("images", image(640))), None, "", "needs two, template and search"),
        (Siamfc(template="left"), PAIR, None, "template", "no input called 'left'"),
        (Siamfc(template="search", search="search"), PAIR, None, "search", "cannot take both"),
        (Siamfc(), model(("a", image(9)), ("b", image(9))), None, "template", "be recognized"),
        (Siamfc(template_size=128), PAIR, None, "template_size", "128x128, but the input"),
        (Siamfc(), model(("template", (1, 3, 9, 8)), ("search", image(9))), None, "template_size",
         "is 9x8"),
        (Siamfc(), HEAD, encoder(255, "features"), "template_size", "127x127, but the input"),
        (Siamfc(), HEAD, encoder(None, "one", "two"), "embedding", "2 outputs, and none is named"),
        (Siamfc(image="crop"), HEAD, encoder(None, "one"), "image", "no input called 'crop'"),
        (Siamfc(embedding="one"), PAIR, None, "embedding", "requires an encoder"),
        (Siamfc(), model(("template", (1, 8)), ("search", (1, 8))), None, "", "cannot hold an"),
    ],
)  # fmt: skip
def test_ambiguous_or_wrong_inputs_are_refused(
    step: Siamfc, signature: Signature, embeds: Signature | None, where: str, what: str
) -> None:
    with pytest.raises(BadModel) as caught:
        bind_inputs(step, signature, embeds, USUAL)
    assert what in caught.value.what
    assert caught.value.where == where
