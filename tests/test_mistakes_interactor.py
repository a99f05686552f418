# ruff: noqa: E501
"""The gallery of mistakes in manifests of interactors, told as in tests/test_mistakes.py."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import onnx

from tests.builder.models import save
from tests.gallery import Mistake as AnyMistake
from tests.gallery import each, each_with_remedy

MANIFEST = """\
name: clicks
type: interactor
encoder: encoder.onnx
decoder: decoder.onnx
preprocess:
  - letterbox: {align: top_left}
  - normalize: {scale: 1, mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375]}
postprocess:
  - sam
min_pos_points: 0
start_with_box: optional
"""

Shape = Sequence[int | str]

INPUTS: dict[str, Shape] = {
    "image_embeddings": (1, 4, 8, 8),
    "point_coords": (1, "n", 2),
    "point_labels": (1, "n"),
    "mask_input": (1, 1, 16, 16),
    "has_mask_input": (1,),
    "orig_im_size": (2,),
}
OUTPUTS: dict[str, Shape] = {"iou_predictions": (1, 1), "low_res_masks": (1, 1, 16, 16)}

TAKEN = (
    "image_embeddings [1, 4, 8, 8] float32, point_coords [1, ?, 2] float32, "
    "point_labels [1, ?] float32, mask_input [1, 1, 16, 16] float32, has_mask_input [1] float32, "
    "orig_im_size [2] float32"
)
"""The decoder's inputs in a message."""
GIVEN = "iou_predictions [1, 1] float32, low_res_masks [1, 1, 16, 16] float32"
"""Its outputs."""


def models(
    path: Path,
    inputs: Mapping[str, Shape | None] | None = None,
    outputs: Mapping[str, Shape | None] | None = None,
    encoder: Mapping[str, Shape] | None = None,
    swapped: bool = False,
    weights: int = 0,
) -> None:
    """An encoder and a decoder of SAM's layout, all zeros, beside `path`.

    Args:
        path: of a file in their folder.
        inputs, outputs: changes to the decoder's; None takes one out.
        encoder: changes to the encoder's inputs.
        swapped: whether each has the other's name.
        weights: bytes of zeros that the encoder keeps in a file of its own.
    """

    def zeros(shapes: Mapping[str, Shape | None]) -> dict[str, np.ndarray]:
        return {name: np.zeros(it, np.float32) for name, it in shapes.items() if it is not None}  # type: ignore[arg-type]

    names = ("decoder", "encoder") if swapped else ("encoder", "decoder")
    taken = {"image": (1, 3, 64, 64), **(encoder or {})}
    save(path.parent / f"{names[0]}.onnx", zeros({"image_embeddings": (1, 4, 8, 8)}), taken, {})
    asked = {name: it for name, it in {**INPUTS, **(inputs or {})}.items() if it is not None}
    save(path.parent / f"{names[1]}.onnx", zeros({**OUTPUTS, **(outputs or {})}), asked, {})
    if weights:
        _add_weights(path.parent / "encoder.onnx", weights)


def _add_weights(path: Path, count: int) -> None:
    """Add a tensor of `count` bytes to a model, in a file that takes no room on the disk."""
    file = path.with_suffix(".data")
    with file.open("wb") as stream:
        stream.truncate(count)
    model = onnx.load(path)
    tensor = onnx.TensorProto(
        name="weights",
        data_type=onnx.TensorProto.FLOAT,
        dims=[count // 4],
        data_location=onnx.TensorProto.EXTERNAL,
    )
    tensor.external_data.add(key="location", value=file.name)
    model.graph.initializer.append(tensor)
    path.write_bytes(model.SerializeToString())


Mistake = partial(AnyMistake, model=models, manifest=MANIFEST)

NORMALIZE = (
    "  - normalize: {scale: 1, mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375]}\n"
)
BOTH = "encoder: encoder.onnx\ndecoder: decoder.onnx\n"

MISTAKES = [
    Mistake(
        "no model at all",
        BOTH,
        "",
        """1:1: model: is missing
  allowed: `model`, or both `encoder` and `decoder`""",
        "missing-key",
    ),
    Mistake(
        "an encoder alone",
        "decoder: decoder.onnx\n",
        "",
        """3:1: encoder: has no `decoder` beside it
  found:   encoder.onnx
  allowed: `model`, or both `encoder` and `decoder`
  hint:    add `decoder: FILE`; a model that does it all is a `model:`""",
        "encoder-alone",
        "add `decoder: FILE`",
        ("encoder: encoder.onnx\n", BOTH),
    ),
    Mistake(
        "a decoder alone",
        "encoder: encoder.onnx\n",
        "",
        """3:1: decoder: has no `encoder` beside it
  found:   decoder.onnx
  allowed: `model`, or both `encoder` and `decoder`
  hint:    add `encoder: FILE`; a model that does it all is a `model:`""",
        "encoder-alone",
        "add `encoder: FILE`",
        ("decoder: decoder.onnx\n", BOTH),
    ),
    Mistake(
        "a model beside encoder and decoder",
        "type: interactor\n",
        "type: interactor\nmodel: encoder.onnx\n",
        """3:1: model: cannot be beside `encoder` and `decoder`
  found:   encoder.onnx
  allowed: `model`, or both `encoder` and `decoder`
  hint:    leave `encoder` and `decoder` out, or `model`""",
        "model-and-encoder",
        "or `model`",
        ("model: encoder.onnx\n", ""),
    ),
    Mistake(
        "encoder and decoder in each other's place",
        "name: clicks",
        "name: clicks",
        """9:5: postprocess[0].sam: the encoder takes the points, as point_coords [1, ?, 2] \
float32, and the decoder does not
  found:   decoder: image [1, 3, 64, 64] float32
  allowed: an encoder that takes the image, a decoder that takes the points
  hint:    write the file of `encoder` under `decoder`, and the other way round""",
        "models-swapped",
        "write the file of `encoder` under `decoder`, and the other way round",
        (BOTH, "encoder: decoder.onnx\ndecoder: encoder.onnx\n"),
        model=partial(models, swapped=True),
    ),
    Mistake(
        "a name of an input that is misspelt",
        "- sam",
        "- sam: {points: point_cords}",
        f"""9:11: postprocess[0].sam.points: the model has no input called 'point_cords'
  found:   point_cords
  allowed: {TAKEN}
  hint:    did you mean 'point_coords'?""",
        "input-unknown",
        "did you mean 'point_coords'?",
        ("point_cords", "point_coords"),
    ),
    Mistake(
        "a name of an output that is misspelt",
        "- sam",
        "- sam: {scores: iou_prediction}",
        f"""9:11: postprocess[0].sam.scores: the model has no output called 'iou_prediction'
  found:   iou_prediction
  allowed: {GIVEN}
  hint:    did you mean 'iou_predictions'?""",
        "output-unknown",
        "did you mean 'iou_predictions'?",
        ("iou_prediction}", "iou_predictions}"),
    ),
    Mistake(
        "an output of the encoder that it does not have",
        "- sam",
        "- sam: {features: {image_embeddings: embeddings}}",
        """9:11: postprocess[0].sam.features: the encoder has no output called 'embeddings'
  found:   embeddings
  allowed: image_embeddings [1, 4, 8, 8] float32
  hint:    did you mean 'image_embeddings'?""",
        "output-unknown",
        "did you mean 'image_embeddings'?",
        (": embeddings}", ": image_embeddings}"),
    ),
    Mistake(
        "zeros for an input that there is not",
        "- sam",
        "- sam: {zeros: {mask: [1, 1, 16, 16], has_mask_input: [1]}}",
        f"""9:11: postprocess[0].sam.zeros: the model has no input called 'mask'
  found:   mask
  allowed: {TAKEN}""",
        "input-unknown",
    ),
    Mistake(
        "points under a name of their own",
        "name: clicks",
        "name: clicks",
        f"""9:5: postprocess[0].sam.points: `sam` needs an input for the points, and none of the \
model's has a usual name
  found:   {TAKEN.replace("point_coords [1, ?, 2] float32, ", "")}, dots [1, ?, 2] float32
  allowed: point_coords, batched_point_coords, input_points
  hint:    name it: `points: NAME`; or is this model meant for something else?""",
        "prompt-inputs",
        "name it: `points: NAME`",
        ("- sam", "- sam: {points: dots}"),
        model=partial(models, inputs={"point_coords": None, "dots": (1, "n", 2)}),
    ),
    Mistake(
        "something else in the points' place",
        "- sam",
        "- sam: {points: mask_input}",
        """9:11: postprocess[0].sam.points: the input mask_input [1, 1, 16, 16] float32 takes no \
points
  found:   mask_input
  allowed: [..., n, 2]: x and y of any number of points""",
        "prompt-inputs",
    ),
    Mistake(
        "points and labels in one input",
        "- sam",
        "- sam: {points: point_labels}",
        """9:5: postprocess[0].sam.labels: the input point_labels [1, ?] float32 cannot take both \
the points and their labels
  found:   point_labels
  allowed: two inputs""",
        "input-twice",
    ),
    Mistake(
        "a decoder of two points",
        "name: clicks",
        "name: clicks",
        """9:5: postprocess[0].sam.points: the input point_coords [1, 2, 2] float32 takes exactly \
2 points
  found:   point_coords
  allowed: any number of points
  hint:    export the model again with an open axis for the points""",
        "prompts-fixed",
        model=partial(models, inputs={"point_coords": (1, 2, 2), "point_labels": (1, 2)}),
    ),
    Mistake(
        "a decoder of another network's features",
        "name: clicks",
        "name: clicks",
        f"""9:5: postprocess[0].sam.features: `sam` does not know what to give to the input \
high_res_feats_0 [1, 2, 16, 16] float32
  found:   {TAKEN}, high_res_feats_0 [1, 2, 16, 16] float32
  allowed: points, labels, a size, an earlier mask, and what an encoder gives: image_embeddings \
[1, 4, 8, 8] float32
  hint:    write `features: {{INPUT: OUTPUT OF THE ENCODER}}` or `zeros: {{INPUT: SHAPE}}`""",
        "features-unpaired",
        model=partial(models, inputs={"high_res_feats_0": (1, 2, 16, 16)}),
    ),
    Mistake(
        "a decoder of larger features",
        "name: clicks",
        "name: clicks",
        """9:5: postprocess[0].sam.features: the encoder gives image_embeddings [1, 4, 8, 8] \
float32, but the decoder's input image_embeddings [1, 16, 8, 8] float32 takes another shape
  found:   image_embeddings [1, 4, 8, 8] float32
  allowed: image_embeddings [1, 16, 8, 8] float32
  hint:    are both models exports of the same network?""",
        "features-shape",
        model=partial(models, inputs={"image_embeddings": (1, 16, 8, 8)}),
    ),
    Mistake(
        "masks under a name of their own",
        "name: clicks",
        "name: clicks",
        """9:5: postprocess[0].sam.output: `sam` needs an output with masks, and none of the \
model's has a usual name
  found:   iou_predictions [1, 1] float32, found [1, 1, 16, 16] float32
  allowed: low_res_masks, masks, output_masks, pred_masks
  hint:    name it: `output: NAME`; or is this model meant for something else?""",
        "output-missing",
        "name it: `output: NAME`",
        ("- sam", "- sam: {output: found}"),
        model=partial(models, outputs={"low_res_masks": None, "found": (1, 1, 16, 16)}),
    ),
    Mistake(
        "scores in the masks' place",
        "- sam",
        "- sam: {output: iou_predictions}",
        f"""9:11: postprocess[0].sam.output: the output iou_predictions [1, 1] float32 does not \
hold masks
  found:   iou_predictions
  allowed: an output with 3 to 5 axes: {GIVEN}""",
        "output-layout",
    ),
    Mistake(
        "an encoder that takes more than the image",
        "name: clicks",
        "name: clicks",
        """5:1: preprocess: the model has 2 inputs; one is needed, which takes the image
  found:   image [1, 3, 64, 64] float32, depth [1, 1, 64, 64] float32
  allowed: one input
  hint:    is this model meant for this type of function?""",
        "model-inputs",
        model=partial(models, encoder={"depth": (1, 1, 64, 64)}),
    ),
    Mistake(
        "an encoder of four images at once",
        "name: clicks",
        "name: clicks",
        """5:1: preprocess: the input image [4, 3, 64, 64] float32 takes 4 images at once
  found:   image [4, 3, 64, 64] float32
  allowed: a batch of 1, or an open one
  hint:    export the model again with batch size 1""",
        "input-batch",
        model=partial(models, encoder={"image": (4, 3, 64, 64)}),
    ),
    Mistake(
        "channels where there are none",
        "preprocess:\n",
        "preprocess:\n  - layout: nhwc\n",
        """6:5: preprocess[0].layout: the input image [1, 3, 64, 64] float32 has 64 \
channels in layout nhwc
  found:   nhwc
  allowed: 1 channel (grey) or 3 (colour)
  hint:    leave the layout out: the input's shape tells it""",
        "input-layout",
        "leave the layout out",
        ("  - layout: nhwc\n", ""),
    ),
    Mistake(
        "refinements alone",
        "- sam",
        "- fill_holes",
        """8:1: postprocess: 0 segmenters are listed; exactly one is needed, as the first step""",
        "step-order",
    ),
    Mistake(
        "a detector's step",
        "- sam",
        "- yolo",
        """9:5: postprocess[0].yolo: unknown step 'yolo'
  allowed: fill_holes, group, image_and_points, largest_component, min_size, nms, sam, sam2, \
smooth, top_k
  hint:    `yolo` is a step of `postprocess` in functions of type detector""",
        "unknown-step",
    ),
]


LAST = "start_with_box: optional\n"

TRAPS = [
    Mistake(
        "no click and no box",
        LAST,
        "",
        """10:1: min_pos_points: without a box the function needs a click on the object; CVAT would \
ask it about one beside the object too, and show an error
  found:   0
  allowed: 1 or more
  hint:    write `min_pos_points: 1`, or let people draw a box: `start_with_box: optional`""",
        "points-needed",
        "write `min_pos_points: 1`",
        ("min_pos_points: 0", "min_pos_points: 1"),
    ),
    Mistake(
        "a click beside the object that has to be",
        LAST,
        LAST + "min_neg_points: 1\n",
        """12:1: min_neg_points: CVAT would show nothing before the annotator has clicked beside \
the object, and for most objects that is not needed
  found:   1
  allowed: 0, or -1 to forbid such clicks
  hint:    write `min_neg_points: 0`: clicks beside the object can still be made""",
        "negative-points-needed",
        "write `min_neg_points: 0`",
        ("min_neg_points: 1", "min_neg_points: 0"),
    ),
    Mistake(
        "an optional box for a CVAT that has none",
        LAST,
        LAST + 'cvat: "2.15"\n',
        """11:1: start_with_box: CVAT 2.15 knows no optional box, and offers none
  found:   optional
  allowed: always or never
  hint:    write `start_with_box: never` or `always`, which all versions know""",
        "box-not-offered",
        "`always`, which all versions know",
        ("start_with_box: optional", "start_with_box: always"),
    ),
    Mistake(
        "a score that no mask has",
        LAST,
        LAST + "threshold: 1\n",
        """12:1: threshold: few models are ever that sure of a mask, so most clicks would show \
nothing
  found:   1
  allowed: at most 0.95
  hint:    leave the threshold out""",
        "threshold-hides-all",
        "leave the threshold out",
        ("threshold: 1\n", ""),
    ),
    Mistake(
        "a score that few masks have",
        LAST,
        LAST + "threshold: 0.97\n",
        """12:1: threshold: few models are ever that sure of a mask, so most clicks would show \
nothing
  found:   0.97
  allowed: at most 0.95
  hint:    leave the threshold out""",
        "threshold-high",
        "leave the threshold out",
        ("threshold: 0.97\n", ""),
    ),
    Mistake(
        "many workers, each with a memory of its own",
        LAST,
        LAST + "variants: {gpu: {workers: 4}}\n",
        """12:18: variants.gpu.workers: each worker remembers only the images that it has looked at \
itself, so many clicks would wait for the encoder again
  found:   4
  allowed: 1
  hint:    leave it out, unless as many people annotate at once""",
        "workers-apart",
        "leave it out",
        ("workers: 4", ""),
    ),
    Mistake(
        "no time for the encoder",
        LAST,
        LAST + "variants: {cpu: {event_timeout: 2s}}\n",
        """12:18: variants.cpu.event_timeout: an encoder with 160 MiB of weights takes about 3 s \
for an image on two cores, and Nuclio stops a request before
  found:   2s
  allowed: more than that; CVAT itself waits 2m
  hint:    write `event_timeout: 2m`, take a smaller encoder, or build the GPU variant alone""",
        "timeout-short",
        "write `event_timeout: 2m`",
        ("event_timeout: 2s", "event_timeout: 2m"),
        model=partial(models, weights=160 * 2**20),
    ),
    Mistake(
        "no memory for what is remembered",
        LAST,
        LAST + "resources: {memory: 300Mi}\n",
        """12:13: resources.memory: 1 worker with 1 MiB of weights each take about 407 MiB, 256 MiB \
of it for what is remembered
  found:   300Mi
  allowed: 512Mi or more
  hint:    write `memory: 512Mi`""",
        "memory-tight",
        "write `memory: 512Mi`",
        ("300Mi", "512Mi"),
    ),
    Mistake(
        "the image in the middle",
        "{align: top_left}",
        "{align: center}",
        """6:17: preprocess[0].letterbox.align: SAM is trained with the image in the top left corner
  found:   center
  allowed: top_left
  hint:    write `align: top_left` in the letterbox""",
        "sam-input",
        "write `align: top_left` in the letterbox",
        ("align: center", "align: top_left"),
    ),
    Mistake(
        "a stretched image for SAM",
        "- letterbox: {align: top_left}",
        "- resize",
        """6:5: preprocess[0].resize: models that `sam` decodes are trained on padded images, not \
on stretched ones
  found:   resize
  allowed: letterbox
  hint:    write `- letterbox` in its place, unless yours was trained on stretched images""",
        "resize-for-letterboxed",
    ),
    Mistake(
        "a padded image for SAM 2",
        "- sam\n",
        "- sam2\n",
        """6:5: preprocess[0].letterbox: models that `sam2` decodes are trained on stretched images, \
not on padded ones
  found:   letterbox
  allowed: resize
  hint:    write `- resize` in its place, unless yours was trained with padding""",
        "letterbox-for-stretched",
        "write `- resize` in its place",
        ("- letterbox: {align: top_left}", "- resize"),
    ),
    Mistake(
        "blue first",
        "preprocess:\n",
        "preprocess:\n  - channels: bgr\n",
        """6:5: preprocess[0].channels: SAM is trained on RGB
  found:   bgr
  allowed: rgb
  hint:    leave the step out""",
        "channel-order",
        "leave the step out",
        ("  - channels: bgr\n", ""),
    ),
    Mistake(
        "values as they are",
        NORMALIZE,
        "",
        """5:1: preprocess: models for `sam` take values around 0; without `normalize` they get 0 to \
255
  hint:    add `- normalize: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}`, unless \
yours was exported with that inside""",
        "values-not-scaled",
        "add `- normalize: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}`",
        (
            "preprocess:\n",
            "preprocess:\n  - normalize: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, "
            "0.225]}\n",
        ),
    ),
    Mistake(
        "values from 0 to 1",
        NORMALIZE,
        "  - normalize: 255\n",
        """7:5: preprocess[1].normalize: models for `sam` are trained on values from which \
ImageNet's mean was taken
  found:   mean 0
  allowed: a mean and a std for each channel
  hint:    write `- normalize: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}`, unless \
yours was exported with that inside""",
        "values-not-centred",
        "write `- normalize: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}`",
        ("normalize: 255", "normalize: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}"),
    ),
    Mistake(
        "a mean of 0 to 255 from values of 0 to 1",
        "scale: 1, ",
        "",
        """7:17: preprocess[1].normalize.mean: after `scale: 255` values go from 0 to 1, but the \
mean is of larger ones
  found:   [123.675, 116.28, 103.53]
  allowed: at most 1
  hint:    write `scale: 1`, if mean and std are of values from 0 to 255""",
        "normalize-range",
        "write `scale: 1`",
        ("{mean", "{scale: 1, mean"),
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
