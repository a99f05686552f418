# ruff: noqa: E501
"""The gallery of mistakes in manifests of trackers, told as in tests/test_mistakes.py."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tests.builder.models import save
from tests.gallery import Mistake as AnyMistake
from tests.gallery import each, each_with_remedy

MANIFEST = """\
name: follow
type: tracker
model: model.onnx
preprocess:
  - normalize
postprocess:
  - siamfc
"""

Shape = Sequence[int | str]

CROPS: dict[str, Shape] = {"template": (1, 3, 127, 127), "search": (1, 3, 255, 255)}
TAKEN = "template [1, 3, 127, 127] float32, search [1, 3, 255, 255] float32"
"""The model's inputs in a message."""
GIVEN = "response [1, 1, 17, 17] float32"
"""Its output."""


def model(
    path: Path, inputs: Mapping[str, Shape] = CROPS, outputs: Mapping[str, Shape] | None = None
) -> None:
    """A tracker of SiamFC's layout, all zeros."""
    shapes = outputs or {"response": (1, 1, 17, 17)}
    given = {name: np.zeros(it, np.float32) for name, it in shapes.items()}  # type: ignore[arg-type]
    save(path, given, inputs, {})


FEATURES: dict[str, Shape] = {"z": (1, 8, 6, 6), "x": (1, 8, 22, 22)}


def pair(
    path: Path,
    size: int | str = "side",
    features: Mapping[str, Shape] | None = None,
    more: Mapping[str, Shape] | None = None,
    swapped: bool = False,
) -> None:
    """An encoder of crops, and a decoder of SiamFC's layout that compares what it gives.

    Args:
        path: of a file in their folder.
        size: of the encoder's crops.
        features: the encoder's outputs.
        more: further inputs of the encoder.
        swapped: whether each has the other's name.
    """
    names = ("decoder", "encoder") if swapped else ("encoder", "decoder")
    shapes = features or {"features": (1, 8, 6, 6)}
    given = {name: np.zeros(it, np.float32) for name, it in shapes.items()}  # type: ignore[arg-type]
    crop = {"crop": (1, 3, size, size), **(more or {})}
    save(path.parent / f"{names[0]}.onnx", given, crop, {})
    response = {"response": np.zeros((1, 1, 17, 17), np.float32)}
    # What correlates takes a template's and a search crop's features; sizes are left open.
    taken = {name: (*it[:2], f"{name}h", f"{name}w") for name, it in FEATURES.items()}
    save(path.parent / f"{names[1]}.onnx", response, taken, {})


Mistake = partial(AnyMistake, model=model, manifest=MANIFEST)

IMAGENET = "{mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}"
MODEL = "model: model.onnx\n"
PAIR = "encoder: encoder.onnx\ndecoder: decoder.onnx\n"
OfPair = partial(AnyMistake, model=pair, manifest=MANIFEST.replace(MODEL, PAIR))

MISTAKES = [
    Mistake(
        "a crop that is resized",
        "  - normalize\n",
        "  - resize: 127\n  - normalize\n",
        """5:5: preprocess[0].resize: a tracker's crops have the model's size already; only their \
values can be changed
  found:   resize
  allowed: channels, normalize, layout
  hint:    leave it out; the size of crops is `template_size` and `search_size` of the step""",
        "crop-moved",
        "leave it out",
        ("  - resize: 127\n", ""),
    ),
    Mistake(
        "a name of an input that is misspelt",
        "- siamfc",
        "- siamfc: {template: templat}",
        f"""7:14: postprocess[0].siamfc.template: the model has no input called 'templat'
  found:   templat
  allowed: {TAKEN}
  hint:    did you mean 'template'?""",
        "input-unknown",
        "did you mean 'template'?",
        ("templat}", "template}"),
    ),
    Mistake(
        "a name of an output that is misspelt",
        "- siamfc",
        "- siamfc: {output: responses}",
        f"""7:14: postprocess[0].siamfc.output: the model has no output called 'responses'
  found:   responses
  allowed: {GIVEN}
  hint:    did you mean 'response'?""",
        "output-unknown",
        "did you mean 'response'?",
        ("responses}", "response}"),
    ),
    Mistake(
        "one input for both crops",
        "- siamfc",
        "- siamfc: {template: template, search: template}",
        """7:34: postprocess[0].siamfc.search: the input template [1, 3, 127, 127] float32 cannot \
take both the template and the search crop
  found:   template
  allowed: search [1, 3, 255, 255] float32
  hint:    leave `search` out: it is the other input""",
        "input-twice",
        "leave `search` out",
        (", search: template", ""),
    ),
    Mistake(
        "template and search in each other's place",
        "- siamfc",
        "- siamfc: {template: search}",
        """7:14: postprocess[0].siamfc.template: the template, 255x255, is larger than what it is \
searched in, 127x127
  found:   search
  allowed: at most 127x127
  hint:    are `template` and `search` in each other's place?""",
        "template-size",
        "are `template` and `search` in each other's place?",
        ("template: search", "search: search"),
    ),
    Mistake(
        "a template of another size than the model's",
        "- siamfc",
        "- siamfc: {template_size: 128}",
        """7:14: postprocess[0].siamfc.template_size: the crop is 128x128, but the input \
'template' takes 127x127
  found:   128
  allowed: the model's size; crops are square
  hint:    leave `template_size` out: it is the model's""",
        "input-size",
        "leave `template_size` out",
        ("- siamfc: {template_size: 128}", "- siamfc"),
    ),
    Mistake(
        "a template that is larger than an open search",
        "- siamfc",
        "- siamfc: {template_size: 256}",
        """7:14: postprocess[0].siamfc.template_size: the template, 256x256, is larger than what \
it is searched in, 255x255
  found:   256
  allowed: at most 255x255
  hint:    are `template` and `search` in each other's place?""",
        "template-size",
        model=partial(model, inputs={"template": (1, 3, "h", "w"), "search": (1, 3, "H", "W")}),
    ),
    Mistake(
        "a model of crops that are not square",
        "name: follow",
        "name: follow",
        """7:5: postprocess[0].siamfc.search_size: the crop is 255x255, but the input 'search' \
takes 255x127
  found:   255
  allowed: the model's size; crops are square""",
        "input-size",
        model=partial(model, inputs={**CROPS, "search": (1, 3, 255, 127)}),
    ),
    Mistake(
        "two inputs that nothing tells apart",
        "name: follow",
        "name: follow",
        """7:5: postprocess[0].siamfc.template: neither names nor sizes tell which input takes the \
template
  found:   a [1, 3, 127, 127] float32, b [1, 3, 127, 127] float32
  hint:    name it: `template: NAME`""",
        "input-ambiguous",
        "name it: `template: NAME`",
        ("- siamfc", "- siamfc: {template: a}"),
        model=partial(model, inputs={"a": (1, 3, 127, 127), "b": (1, 3, 127, 127)}),
    ),
    Mistake(
        "an encoder in the place of the whole tracker",
        "name: follow",
        "name: follow",
        """7:5: postprocess[0].siamfc: the model has 1 inputs; a tracker's takes two, template and \
search
  found:   crop [1, 3, 127, 127] float32
  allowed: two inputs
  hint:    a model that takes one crop is an `encoder:`; `model:` is what compares two""",
        "model-inputs",
        model=partial(model, inputs={"crop": (1, 3, 127, 127)}),
    ),
    Mistake(
        "templates by the dozen",
        "name: follow",
        "name: follow",
        """7:5: postprocess[0].siamfc: the input template [12, 3, 127, 127] float32 takes 12 \
images at once
  found:   template [12, 3, 127, 127] float32
  allowed: a batch of 1, or an open one
  hint:    export the model again with batch size 1""",
        "input-batch",
        model=partial(model, inputs={**CROPS, "template": (12, 3, 127, 127)}),
    ),
    Mistake(
        "an encoder's key without an encoder",
        "- siamfc",
        "- siamfc: {embedding: features}",
        """7:14: postprocess[0].siamfc.embedding: belongs to an encoder, and there is none
  found:   features
  hint:    leave `embedding` out, or name an `encoder` and a `decoder`""",
        "no-encoder",
        "leave `embedding` out",
        ("- siamfc: {embedding: features}", "- siamfc"),
    ),
    Mistake(
        "another head's step",
        "- siamfc",
        "- transt",
        f"""7:5: postprocess[0].transt.logits: 0 outputs could hold logits, [1, cells, 2]; one is \
needed
  found:   {GIVEN}
  allowed: one output with logits, [1, cells, 2]""",
        "output-missing",
    ),
    Mistake(
        "a response of several channels",
        "name: follow",
        "name: follow",
        """7:5: postprocess[0].siamfc.output: the output response [1, 10, 17, 17] float32 does not \
hold one response for each place
  found:   response
  allowed: [1, 1, height, width]""",
        "output-layout",
        model=partial(model, outputs={"response": (1, 10, 17, 17)}),
    ),
    Mistake(
        "cells that are no square",
        "- siamfc",
        "- transt",
        """7:5: postprocess[0].transt.logits: the 1000 cells of the output logits [1, 1000, 2] \
float32 are no square
  found:   1000 cells
  allowed: 32 x 32 = 1024 cells for a search crop of 256
  hint:    is this an export of TransT?""",
        "output-layout",
        model=partial(model, outputs={"logits": (1, 1000, 2), "boxes": (1, 1000, 4)}),
    ),
    Mistake(
        "two responses",
        "name: follow",
        "name: follow",
        """7:5: postprocess[0].siamfc.output: 2 outputs could hold the response, [1, 1, h, w]; one \
with 4 axes is needed
  found:   one [1, 1, 17, 17] float32, other [1, 1, 17, 17] float32
  allowed: one output with 4 axes
  hint:    name it: `output: NAME`""",
        "output-ambiguous",
        "name it: `output: NAME`",
        ("- siamfc", "- siamfc: {output: one}"),
        model=partial(model, outputs={"one": (1, 1, 17, 17), "other": (1, 1, 17, 17)}),
    ),
    Mistake(
        "an encoder alone",
        MODEL,
        "encoder: encoder.onnx\n",
        """3:1: encoder: has no `decoder` beside it
  found:   encoder.onnx
  allowed: `model`, or both `encoder` and `decoder`
  hint:    add `decoder: FILE`; a model that does it all is a `model:`""",
        "encoder-alone",
        "add `decoder: FILE`",
        ("encoder: encoder.onnx\n", PAIR),
        model=pair,
    ),
    OfPair(
        "encoder and decoder in each other's place",
        "name: follow",
        "name: follow",
        """8:5: postprocess[0].siamfc: the encoder takes two inputs, z [1, 8, ?, ?] float32, x [1, \
8, ?, ?] float32, and the decoder one
  found:   decoder: crop [1, 3, ?, ?] float32
  allowed: an encoder that takes a crop, a decoder that takes what it makes of two
  hint:    write the file of `encoder` under `decoder`, and the other way round""",
        "models-swapped",
        "write the file of `encoder` under `decoder`, and the other way round",
        (PAIR, "encoder: decoder.onnx\ndecoder: encoder.onnx\n"),
        model=partial(pair, swapped=True),
    ),
    OfPair(
        "an encoder of one size",
        "name: follow",
        "name: follow",
        """8:5: postprocess[0].siamfc.template_size: the crop is 127x127, but the input 'crop' \
takes 255x255
  found:   127
  allowed: the model's size; crops are square
  hint:    an encoder that takes crops of two sizes has to be exported with open height and \
width""",
        "input-size",
        model=partial(pair, size=255),
    ),
    OfPair(
        "an encoder of two inputs",
        "name: follow",
        "name: follow",
        """8:5: postprocess[0].siamfc: the encoder has 2 inputs; one is needed, which takes a crop
  found:   crop [1, 3, ?, ?] float32, scale [1] float32
  allowed: one input""",
        "model-inputs",
        model=partial(pair, more={"scale": (1,)}),
    ),
    OfPair(
        "an encoder of two outputs",
        "name: follow",
        "name: follow",
        """8:5: postprocess[0].siamfc.embedding: the encoder has 2 outputs that could be meant; \
one is needed
  found:   low [1, 4, 12, 12] float32, high [1, 8, 6, 6] float32
  allowed: one output
  hint:    name it: `embedding: NAME`""",
        "output-ambiguous",
        "name it: `embedding: NAME`",
        ("- siamfc", "- siamfc: {embedding: high}"),
        model=partial(pair, features={"low": (1, 4, 12, 12), "high": (1, 8, 6, 6)}),
    ),
    OfPair(
        "the wrong one of two outputs",
        "- siamfc",
        "- siamfc: {embedding: low}",
        """8:5: postprocess[0].siamfc.template: the encoder gives low [1, 4, 12, 12] float32, but \
the decoder's input z [1, 8, ?, ?] float32 takes another shape
  found:   low [1, 4, 12, 12] float32
  allowed: z [1, 8, ?, ?] float32
  hint:    are both models exports of the same network?""",
        "features-shape",
        model=partial(pair, features={"low": (1, 4, 12, 12), "high": (1, 8, 6, 6)}),
    ),
    OfPair(
        "names of the encoder's tensors that are misspelt",
        "- siamfc",
        "- siamfc: {image: corp}",
        """8:14: postprocess[0].siamfc.image: the encoder has no input called 'corp'
  found:   corp
  allowed: crop [1, 3, ?, ?] float32
  hint:    did you mean 'crop'?""",
        "input-unknown",
        "did you mean 'crop'?",
        ("image: corp", "image: crop"),
    ),
    Mistake(
        "a shape that no tracker follows",
        "type: tracker\n",
        "type: tracker\nsupported_shape_types: [rectangle, poligon]\n",
        """3:36: supported_shape_types[1]: has the wrong value
  found:   poligon
  allowed: 'rectangle', 'polygon' or 'mask'
  hint:    did you mean 'polygon'?""",
        "wrong-value",
        "did you mean 'polygon'?",
        ("poligon", "polygon"),
    ),
]


TRAPS = [
    Mistake(
        "a threshold that no score reaches",
        "- siamfc",
        "- siamfc: {threshold: 1}",
        """7:14: postprocess[0].siamfc.threshold: few models are ever that sure, so objects would \
count as lost in every frame
  found:   1
  allowed: at most 0.95
  hint:    leave the threshold out""",
        "threshold-hides-all",
        "leave the threshold out",
        ("- siamfc: {threshold: 1}", "- siamfc"),
    ),
    Mistake(
        "a threshold that few scores reach",
        "- siamfc",
        "- siamfc: {threshold: 0.99}",
        """7:14: postprocess[0].siamfc.threshold: few models are ever that sure, so objects would \
count as lost in every frame
  found:   0.99
  allowed: at most 0.95
  hint:    leave the threshold out""",
        "threshold-high",
        "leave the threshold out",
        ("- siamfc: {threshold: 0.99}", "- siamfc"),
    ),
    Mistake(
        "masks alone",
        "type: tracker\n",
        "type: tracker\nsupported_shape_types: [mask]\n",
        """3:1: supported_shape_types: CVAT's AI tools list only the trackers that follow rectangles
  found:   mask
  allowed: rectangle, and maybe others
  hint:    write `supported_shape_types: [rectangle, mask]`""",
        "tracker-not-listed",
        "write `supported_shape_types: [rectangle, mask]`",
        ("[mask]", "[rectangle, mask]"),
    ),
    Mistake(
        "masks for a CVAT that has rectangles tracked",
        "type: tracker\n",
        'type: tracker\ncvat: "2.15"\nsupported_shape_types: [rectangle, mask]\n',
        """4:36: supported_shape_types[1]: the oldest CVAT that is to be served, 2.15, may not read \
this and have rectangles tracked alone
  found:   mask
  allowed: rectangle
  hint:    leave it out, unless the newer versions are to offer it""",
        "shape-types-ignored",
        "leave it out",
        (", mask]", "]"),
    ),
    Mistake(
        "a state without room for the template",
        "type: tracker\n",
        "type: tracker\nmax_state_bytes: 4096\n",
        # 1024 for all else, and a third of 127 x 127 = 16129.
        """3:1: max_state_bytes: a template of 127x127 pixels with some texture takes about 6400 \
bytes; such objects would be refused
  found:   4096
  allowed: 8192 or more
  hint:    write `max_state_bytes: 8192`, or leave it out""",
        "state-small",
        "write `max_state_bytes: 8192`",
        ("max_state_bytes: 4096", "max_state_bytes: 8192"),
    ),
    Mistake(
        "values as they are for TransT",
        "  - normalize\npostprocess:\n  - siamfc",
        "  - channels: rgb\npostprocess:\n  - transt",
        f"""4:1: preprocess: models for `transt` take values around 0; without `normalize` they get \
0 to 255
  hint:    add `- normalize: {IMAGENET}`, unless yours was exported with that inside""",
        "values-not-scaled",
        f"add `- normalize: {IMAGENET}`",
        ("preprocess:\n", f"preprocess:\n  - normalize: {IMAGENET}\n"),
        model=partial(model, outputs={"logits": (1, 1024, 2), "boxes": (1, 1024, 4)}),
    ),
    Mistake(
        "values from 0 to 1 for OSTrack",
        "- siamfc",
        "- ostrack",
        f"""5:5: preprocess[0].normalize: models for `ostrack` are trained on values from which \
ImageNet's mean was taken
  found:   mean 0
  allowed: a mean and a std for each channel
  hint:    write `- normalize: {IMAGENET}`, unless yours was exported with that inside""",
        "values-not-centred",
        f"write `- normalize: {IMAGENET}`",
        ("- normalize\n", f"- normalize: {IMAGENET}\n"),
        model=partial(
            model,
            outputs={"score": (1, 1, 16, 16), "size": (1, 2, 16, 16), "offset": (1, 2, 16, 16)},
        ),
    ),
]


@each([*MISTAKES, *TRAPS])
def test_a_wrong_manifest_is_told_where_and_how_to_mend_it(
    mistake: AnyMistake, tmp_path: Path
) -> None:
    mistake.check(tmp_path)


@each_with_remedy([*MISTAKES, *TRAPS])
def test_doing_what_the_hint_says_mends_it(mistake: AnyMistake, tmp_path: Path) -> None:
    mistake.check_remedy(tmp_path)
