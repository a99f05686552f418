"""A gallery of mistakes, each with the message that it must give: what, where, and how to mend it.

Every message was written by hand, as the person who makes the mistake should read it.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from builder.diagnostics.errors import CvatbuildError
from builder.plan.plan import plan
from builder.run.local import BuiltFunction
from tests.builder.models import (
    end2end_model,
    external_model,
    objectness_model,
    open_size_model,
    openvino_model,
    redirected_model,
    save,
    two_input_model,
    yolo_model,
)
from tests.gallery import MANIFEST, Mistake, each, each_with_remedy


def any_model(path: Path, **outputs: tuple[int, ...]) -> None:
    """A model of images of 64x64 with any outputs, all zeros, and no metadata."""
    zeros = {name: np.zeros(shape, np.float32) for name, shape in outputs.items()}
    save(path, zeros, {"images": (1, 3, 64, 64)}, {})


MANIFESTS = [
    Mistake(
        "an unknown key",
        "preprocess:",
        "preproces:",
        "1:1: preprocess: is missing",
        "missing-key",
    ),
    Mistake(
        "an unknown key of a step",
        "nms: 0.45",
        "nms: {iuo: 0.45}",
        """10:11: postprocess[1].nms.iuo: unknown key 'iuo'
  allowed: candidates, iou, max, per_class
  hint:    did you mean 'iou'?""",
        "unknown-key",
        "did you mean 'iou'?",
        ("iuo", "iou"),
    ),
    Mistake(
        "an unknown step",
        "- letterbox",
        "- leterbox",
        """6:5: preprocess[0].leterbox: unknown step 'leterbox'
  allowed: center_crop, channels, layout, letterbox, normalize, resize, resize_multiple
  hint:    did you mean 'letterbox'?""",
        "unknown-step",
        "did you mean 'letterbox'?",
        ("leterbox", "letterbox"),
    ),
    Mistake(
        "a key given twice",
        "type: detector",
        "type: detector\nname: other",
        """3:1: name: is given twice, first in line 1
  hint:    remove one""",
        "key-twice",
        "remove one",
        ("name: other\n", ""),
    ),
    Mistake(
        "a number in quotes",
        "nms: 0.45",
        'nms: "0.45"',
        """10:5: postprocess[1].nms.iou: has the wrong value
  found:   "0.45"
  allowed: a number""",
        "wrong-value",
    ),
    Mistake(
        "a number out of range",
        "nms: 0.45",
        "nms: 45",
        """10:5: postprocess[1].nms.iou: has the wrong value
  found:   45
  allowed: at most 1""",
        "wrong-value",
    ),
    Mistake(
        "a threshold in percent",
        "threshold: 0.25",
        "threshold: 25",
        """12:1: threshold: has the wrong value
  found:   25
  allowed: at most 1""",
        "wrong-value",
    ),
    Mistake(
        "a threshold that is no number",
        "threshold: 0.25",
        "threshold: .nan",
        """12:1: threshold: has the wrong value
  found:   .nan
  allowed: a finite number""",
        "wrong-value",
    ),
    Mistake(
        "a fraction of a pixel",
        "- letterbox",
        "- letterbox: 64.5",
        """6:5: preprocess[0].letterbox.size: has the wrong value
  found:   64.5
  allowed: a whole number or a list""",
        "wrong-value",
    ),
    Mistake(
        "a word that is not among the choices",
        "- letterbox",
        "- letterbox: {align: centre}",
        """6:17: preprocess[0].letterbox.align: has the wrong value
  found:   centre
  allowed: 'center' or 'top_left'
  hint:    did you mean 'center'?""",
        "wrong-value",
        "did you mean 'center'?",
        ("centre", "center"),
    ),
    Mistake(
        "an unknown type of function",
        "type: detector",
        "type: detecter",
        """2:1: type: has the wrong value
  found:   detecter
  allowed: 'detector' or 'interactor' or 'tracker' or 'reid'
  hint:    did you mean 'detector'?""",
        "wrong-value",
        "did you mean 'detector'?",
        ("detecter", "detector"),
    ),
    Mistake(
        "a name that Nuclio cannot use",
        "name: boxes",
        "name: My_Boxes",
        """1:1: name: has the wrong value
  found:   My_Boxes
  allowed: lower-case letters, digits and hyphens, beginning with a letter: `my-model-2`""",
        "wrong-value",
    ),
    Mistake(
        "a name that belongs to CVAT's own SAM",
        "name: boxes",
        "name: pth-facebookresearch-sam-vit-h",
        """1:1: name: the name cannot be used: CVAT's web page treats a function of this name as \
its own SAM and expects another reply
  found:   pth-facebookresearch-sam-vit-h""",
        "name-reserved",
    ),
    Mistake(
        "a label that YAML takes for a truth value",
        "[cat, dog, bird]",
        "[cat, no, bird]",
        """4:15: labels[1]: has the wrong value
  found:   no
  allowed: text or keys and values
  hint:    put it in quotes: "no\"""",
        "wrong-value",
        'put it in quotes: "no"',
        (" no,", ' "no",'),
    ),
    Mistake(
        "a label given twice",
        "[cat, dog, bird]",
        "[cat, dog, cat]",
        """4:20: labels[2]: the label 'cat' is there twice
  hint:    give it another name, or leave it out: CVAT would hide the function""",
        "label-twice",
    ),
    Mistake(
        "too few labels",
        "[cat, dog, bird]",
        "[cat, dog]",
        """9:5: postprocess[0].yolo: the model has 3 classes, the manifest 2 labels
  found:   output0 [1, 7, 40] float32: 7 channels = 4 for the box + 3
  allowed: 3 labels
  hint:    list every class in the model's order, or give the labels that you want an `id`: the \
model's class number, from 0""",
        "class-count",
        "list every class in the model's order",
        ("[cat, dog]", "[cat, dog, bird]"),
    ),
    Mistake(
        "a class number that the model does not have",
        "[cat, dog, bird]",
        "[{name: cat, id: 3}]",
        """9:5: postprocess[0].yolo: the model has 3 classes, the manifest a label with id 3
  found:   output0 [1, 7, 40] float32: 7 channels = 4 for the box + 3
  allowed: ids 0 to 2
  hint:    list every class in the model's order, or give the labels that you want an `id`: the \
model's class number, from 0""",
        "class-count",
        "the model's class number, from 0",
        ("id: 3", "id: 0"),
    ),
    Mistake(
        "two labels with one class number",
        "[cat, dog, bird]",
        "[{name: cat, id: 1}, {name: dog, id: 1}]",
        """4:30: labels[1]: the id 1 is given to two labels
  hint:    give each label the model's own class number""",
        "class-number-twice",
        "give each label the model's own class number",
        ("id: 1}]", "id: 2}]"),
    ),
    Mistake(
        "a type of label that the shapes are not",
        "[cat, dog, bird]",
        "[{name: cat, type: mask}, dog, bird]",
        """4:22: labels[0].type: CVAT would not take the shapes that the postprocessing draws for \
'cat'
  found:   mask
  allowed: rectangle or any
  hint:    leave the type out""",
        "label-type",
        "leave the type out",
        (", type: mask", ""),
    ),
    Mistake(
        "a number attribute with a fraction",
        "[cat, dog, bird]",
        "[{name: cat, attributes: [{name: age, input_type: number, values: [0, 1, 0.1]}]}]",
        """4:35: labels[0].attributes[0]: a number needs three whole `values`: minimum, maximum, \
step""",
        "attribute-values",
    ),
    Mistake(
        "a label file that is not there",
        "[cat, dog, bird]",
        "classes.txt",
        """4:1: labels: there is no file {folder}/classes.txt
  found:   classes.txt
  allowed: a list of labels, the path of a file with them, or `metadata`""",
        "label-file",
    ),
    Mistake(
        "a PyTorch checkpoint",
        "model.onnx",
        "best.pt",
        """3:1: model: best.pt is not of a format that functions can run
  found:   .pt
  allowed: .onnx, or .xml (OpenVINO IR, for the CPU variant alone)
  hint:    export it to ONNX first; for Ultralytics: `yolo export model=best.pt format=onnx`""",
        "model-format",
    ),
    Mistake(
        "a model that is not there",
        "model: model.onnx",
        "model: modle.onnx",
        """3:1: model: there is no file {folder}/modle.onnx
  found:   modle.onnx
  allowed: in that folder: model.onnx
  hint:    the path is relative to the manifest's folder""",
        "model-not-found",
    ),
    Mistake(
        "another size than the model's",
        "- letterbox",
        "- letterbox: 640",
        """6:5: preprocess[0].letterbox.size: letterbox makes the image 640x640, but the model's \
input 'images' takes 64x64 (height x width)
  found:   640x640
  allowed: 64x64
  hint:    leave the size out: it is read from the model""",
        "input-size",
        "leave the size out",
        ("letterbox: 640", "letterbox"),
    ),
    Mistake(
        "no resizing for a model of one size",
        "  - letterbox\n",
        "",
        """5:1: preprocess: nothing brings the image to the 64x64 that the model's input 'images' \
takes
  allowed: letterbox, resize or center_crop
  hint:    add `- letterbox` (YOLO kinds) or `- resize` (SSD and DETR kinds)""",
        "no-resize",
        "add `- letterbox`",
        ("preprocess:\n", "preprocess:\n  - letterbox\n"),
    ),
    Mistake(
        "grey for a model of colour",
        "- normalize: 255",
        "- channels: gray",
        """7:5: preprocess[1].channels.order: channels: gray gives 1, but the model's input \
'images' takes 3
  found:   gray
  allowed: rgb or bgr""",
        "input-values",
    ),
    Mistake(
        "an output that the model does not have",
        "- yolo\n",
        "- yolo: output1\n",
        """9:5: postprocess[0].yolo.output: the model has no output called 'output1'
  found:   output1
  allowed: output0 [1, 7, 40] float32
  hint:    did you mean 'output0'?""",
        "output-unknown",
        "did you mean 'output0'?",
        ("yolo: output1", "yolo: output0"),
    ),
    Mistake(
        "the decoder of another layout",
        "- yolo\n",
        "- yolo_objectness\n",
        """9:5: postprocess[0].yolo_objectness.output: the output output0 [1, 7, 40] float32 has \
candidates in columns; `yolo_objectness` decodes candidates in rows
  allowed: [1, candidates, 5 + classes]
  hint:    `yolo` is for [1, 4 + classes, candidates] (v8, 9, 11, 12)""",
        "output-layout",
        "`yolo` is for [1, 4 + classes, candidates]",
        ("yolo_objectness", "yolo"),
    ),
    Mistake(
        "nothing for the decoder",
        "name: boxes",
        "name: boxes",
        """9:5: postprocess[0].yolo.output: 0 outputs could hold [1, 4 + classes + ..., \
candidates]; one with 3 axes is needed
  found:   scores [1, 3] float32
  allowed: one output with 3 axes
  hint:    is this step meant for this model?""",
        "output-missing",
        model=partial(any_model, scores=(1, 3)),
    ),
    Mistake(
        "two heads for one decoder",
        "name: boxes",
        "name: boxes",
        """9:5: postprocess[0].yolo.output: 2 outputs could hold [1, 4 + classes + ..., \
candidates]; one with 3 axes is needed
  found:   one [1, 7, 40] float32, other [1, 7, 40] float32
  allowed: one output with 3 axes
  hint:    name it: `output: NAME`""",
        "output-ambiguous",
        "name it: `output: NAME`",
        ("- yolo\n", "- yolo: {output: one}\n"),
        model=partial(any_model, one=(1, 7, 40), other=(1, 7, 40)),
    ),
    Mistake(
        "keypoints that nobody has counted",
        "  - yolo\n  - nms: 0.45\n  - rectangle",
        "  - yolo_pose\n  - nms: 0.45\n  - points",
        """9:5: postprocess[0].yolo_pose.kpt_shape: how many keypoints there are is not known: the \
model's metadata do not say
  allowed: [number of keypoints, values of each: 2 or 3]
  hint:    write `kpt_shape: [17, 3]`, with the model's own numbers""",
        "keypoint-count",
        "write `kpt_shape: [17, 3]`, with the model's own numbers",
        ("- yolo_pose", "- yolo_pose: {kpt_shape: [2, 3]}"),
        model=partial(any_model, output0=(1, 13, 40)),
    ),
    Mistake(
        "keypoints of another model",
        "  - yolo\n  - nms: 0.45\n  - rectangle",
        "  - yolo_pose: {kpt_shape: [17, 3]}\n  - nms: 0.45\n  - points",
        """9:5: postprocess[0].yolo_pose.output: the 13 channels of the output output0 [1, 13, 40] \
float32 leave none for classes: 4 for the box + 51 for keypoints
  found:   13 channels
  allowed: 56 channels or more
  hint:    is this step meant for this model?""",
        "output-layout",
        model=partial(any_model, output0=(1, 13, 40)),
    ),
    Mistake(
        "strides with different numbers of anchors",
        "- yolo\n",
        "- yolo_anchors: {anchors: [[[10, 14]], [[81, 82], [135, 169]]]}\n",
        """9:20: postprocess[0].yolo_anchors.anchors: each stride needs as many anchors as the \
others, and one at least
  found:   [1, 2] anchors
  allowed: such as [[[10, 14], [23, 27], [37, 58]], [[81, 82], [135, 169], [344, 319]]]""",
        "strides",
    ),
    Mistake(
        "an attribute out of one of two outputs",
        "  - rectangle\n",
        "  - choice_attribute: {attribute: colour, values: [red, blue]}\n  - rectangle\n",
        """11:5: postprocess[2].choice_attribute.output: the output is not named, and the model \
has several
  allowed: output0 [1, 7, 40] float32, colours [40, 2] float32
  hint:    name it: `output: NAME`""",
        "output-ambiguous",
        "name it: `output: NAME`",
        ("attribute: colour,", "attribute: colour, output: colours,"),
        model=partial(any_model, output0=(1, 7, 40), colours=(40, 2)),
    ),
    Mistake(
        "no shape at the end",
        "  - rectangle\n",
        "",
        """8:1: postprocess: no shape is listed; the last step says what CVAT is to draw""",
        "step-order",
    ),
    Mistake(
        "no decoder at the beginning",
        "  - yolo\n",
        "",
        """8:1: postprocess: 0 decoders are listed; exactly one is needed, as the first step""",
        "step-order",
    ),
    Mistake(
        "two steps in one entry",
        "  - yolo\n  - nms: 0.45\n",
        "  - yolo:\n    nms: 0.45\n",
        """9:5: postprocess[0]: names 2 steps; each entry of the list is one
  found:   yolo, nms
  allowed: a step's name, `name: value`, or `name: {field: value}`
  hint:    begin each step with its own `- `""",
        "step-entry",
        "begin each step with its own `- `",
        ("- yolo:\n    nms", "- yolo:\n  - nms"),
    ),
    Mistake(
        "a command hidden in a package's name",
        "threshold: 0.25",
        "variants: {cpu: {pip: ['numpy==1; rm -rf /']}}",
        """12:24: variants.cpu.pip[0]: has the wrong value
  found:   numpy==1; rm -rf /
  allowed: a Python package with its exact version: `name==1.2.3`""",
        "wrong-value",
    ),
    Mistake(
        "a quote in an environment variable",
        "threshold: 0.25",
        'variants: {gpu: {env: {A: "it\'s"}}}',
        """12:24: variants.gpu.env.A: has the wrong value
  found:   it's
  allowed: one line without a single quote, since Nuclio puts it between single quotes""",
        "wrong-value",
    ),
    Mistake(
        "both variants switched off",
        "threshold: 0.25",
        "variants: {cpu: false, gpu: false}",
        "12:1: variants: both variants are switched off; nothing would be built",
        "variants-off",
    ),
    Mistake(
        "a bracket that is not closed",
        "[cat, dog, bird]",
        "[cat, dog, bird",
        "5:11: is not valid YAML: expected ',' or ']', but got ':'",
        "yaml",
    ),
]


@each(MANIFESTS)
def test_a_wrong_manifest_is_told_where_and_how_to_mend_it(
    mistake: Mistake, tmp_path: Path
) -> None:
    mistake.check(tmp_path)


@each_with_remedy(MANIFESTS)
def test_doing_what_the_hint_says_mends_it(mistake: Mistake, tmp_path: Path) -> None:
    mistake.check_remedy(tmp_path)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    yolo_model(tmp_path / "model.onnx")
    file = tmp_path / "boxes.yaml"
    file.write_text(MANIFEST.replace("letterbox", "letterbox: 640").replace(", bird]", "]"))
    with pytest.raises(CvatbuildError) as caught:
        plan(file)
    assert [problem.path for problem in caught.value.problems] == [
        "preprocess[0].letterbox.size",
        "postprocess[0].yolo",
    ]


# name, how the model file is made, decoder, what must be said
MODELS = [
    (
        "text in place of a model",
        lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"),
        "yolo",
        "is not an ONNX file that can be read",
        "is the download complete? Git LFS leaves a small text file in its place",
    ),
    (
        "an empty file",
        lambda path: path.write_bytes(b""),
        "yolo",
        "model.onnx is not an ONNX file that can be read: it is empty",
        "is the download complete?",
    ),
    (
        "weights in a file that is absent",
        lambda path: [external_model(path, "w.data"), (path.parent / "w.data").unlink()],
        "yolo",
        "model.onnx keeps its weights in w.data, which is not beside it",
        "copy w.data into",
    ),
    (
        "weights in a file of somebody else's",
        lambda path: redirected_model(path, "../../etc/passwd"),
        "yolo",
        "model.onnx keeps weights outside of its own folder",
        "",
    ),
    (
        "two inputs",
        two_input_model,
        "yolo",
        "the model has 2 inputs; one is needed, which takes the image",
        "is this model meant for this type of function?",
    ),
    (
        "an open size",
        open_size_model,
        "yolo",
        "letterbox needs a size: the model's input 'images' leaves it open",
        "write `letterbox: 640`, with the size that the model was trained at",
    ),
    (
        "finished rows for a raw decoder",
        end2end_model,
        "yolo",
        "the output output0 [1, 300, 6] float32 has candidates in rows; `yolo` decodes candidates "
        "in columns",
        "`yolo_objectness` is for [1, candidates, 5 + classes] (v5, v6, v7), `yolo_end2end` for "
        "[1, 300, 6] (v10, 26, exports with nms=True)",
    ),
    (
        "a raw head for the decoder of finished rows",
        yolo_model,
        "yolo_end2end",
        "the output output0 [1, 7, 40] float32 is a raw head, not finished detections",
        "decode it with `yolo`, followed by `nms`",
    ),
    (
        "objectness for a model without it",
        objectness_model,
        "yolo",
        "the output output0 [1, 40, 8] float32 has candidates in rows; `yolo` decodes candidates "
        "in columns",
        "`yolo_objectness` is for [1, candidates, 5 + classes] (v5, v6, v7), `yolo_end2end` for "
        "[1, 300, 6] (v10, 26, exports with nms=True)",
    ),
    (
        "a model of another task",
        lambda path: yolo_model(path, metadata={"task": "obb"}),
        "yolo",
        "the model's metadata say `task: obb`; this step decodes `detect`",
        "`yolo_obb` (or its end2end form) is for such models",
    ),
]


@pytest.mark.parametrize(
    ("make", "decoder", "what", "hint"),
    [pytest.param(*case[1:], id=case[0]) for case in MODELS],
)
def test_a_wrong_model_is_told_with_the_numbers(
    make: object, decoder: str, what: str, hint: str, tmp_path: Path
) -> None:
    assert callable(make)
    make(tmp_path / "model.onnx")
    file = tmp_path / "boxes.yaml"
    file.write_text(MANIFEST.replace("- yolo\n", f"- {decoder}\n"))
    with pytest.raises(CvatbuildError) as caught:
        plan(file)
    (problem,) = caught.value.problems
    assert what in problem.what
    assert problem.file == file
    assert problem.line
    assert problem.hint.startswith(hint) if hint else not problem.hint


def test_an_openvino_ir_is_refused_for_the_gpu_variant(tmp_path: Path) -> None:
    openvino_model(tmp_path)
    file = tmp_path / "boxes.yaml"
    file.write_text(MANIFEST.replace("model.onnx", "model.xml"))
    with pytest.raises(CvatbuildError) as caught:
        plan(file)
    assert str(caught.value.problems[0]) == (
        f"{file}:3:1: model: is an OpenVINO IR, which the GPU variant cannot run\n"
        "  found:   model.xml\n"
        "  allowed: an ONNX file\n"
        "  hint:    write `variants: {gpu: false}` to build the CPU variant alone"
    )


REQUESTS: list[tuple[str, object, str, str]] = [
    ("no image", {}, "application/json", "image: must be the base64 text of an image file; "
     "found: nothing"),
    ("an image that is null", {"image": None}, "application/json",
     "image: must be the base64 text of an image file; found: nothing"),
    ("an image that is a number", {"image": 5}, "application/json",
     "image: must be the base64 text of an image file; found: int"),
    ("text that is not base64", {"image": "photo.jpg"}, "application/json",
     "image: is not base64 ("),
    ("base64 of something else", {"image": "aGVsbG8="}, "application/json",
     "image: is not an image with 8 or 16 bits per channel; found: 5 bytes that begin with "
     "68 65 6c 6c 6f; allowed: JPEG, PNG, WebP, BMP, TIFF or GIF"),
    ("a threshold in quotes", {"image": "aGVsbG8=", "threshold": "0.5"}, "application/json",
     "threshold: must be a number from 0 to 1; found: '0.5'"),
    ("a threshold in percent", {"image": "aGVsbG8=", "threshold": 50}, "application/json",
     "threshold: must be a number from 0 to 1; found: 50"),
    ("a truth value for a threshold", {"image": "aGVsbG8=", "threshold": True},
     "application/json", "threshold: must be a number from 0 to 1; found: True"),
    ("a list", [1, 2], "application/json",
     'the body must be a JSON object; found: list; allowed: {"image": "<base64>"}'),
    ("broken JSON", b'{"image": ', "application/json", "the body is not JSON ("),
    ("an image file as the body", b"\x89PNG\r\n", "image/png", "the body is not JSON ("),
]  # fmt: skip


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> BuiltFunction:
    from builder.targets.build import build

    folder = tmp_path_factory.mktemp("requests")
    yolo_model(folder / "model.onnx")
    (folder / "boxes.yaml").write_text(MANIFEST)
    built = build(plan(folder / "boxes.yaml"), folder / "build", force=False, smoke=False)
    return BuiltFunction(built.folder, "cpu")


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [pytest.param(*case[1:], id=case[0]) for case in REQUESTS],
)
def test_a_bad_request_gets_400_and_a_reason(
    function: BuiltFunction, body: object, content_type: str, message: str
) -> None:
    reply = function.send(body, content_type)
    assert reply.status == 400
    assert list(reply.body) == ["error"]
    assert reply.body["error"].startswith(message)
