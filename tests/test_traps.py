# ruff: noqa: E501
"""The gallery goes on: manifests that are well-formed, and still not what their authors mean."""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from builder.cli.terminal import Progress
from builder.diagnostics.findings import KINDS
from builder.lint.check import check
from tests import test_mistakes_interactor, test_mistakes_reid, test_mistakes_tracker
from tests.builder.models import CANDIDATES, end2end_model, save, yolo_model
from tests.gallery import MANIFEST, Mistake, each, each_with_remedy
from tests.test_mistakes import MANIFESTS

ULTRALYTICS = {"names": "{0: 'cat', 1: 'dog', 2: 'bird'}", "task": "detect", "stride": "32"}


def segment_model(path: Path) -> None:
    """YOLO segmentation with three classes and two prototypes, all zeros."""
    outputs = {
        "output0": np.zeros((1, 4 + 3 + 2, CANDIDATES), np.float32),
        "output1": np.zeros((1, 2, 16, 16), np.float32),
    }
    save(path, outputs, {"images": (1, 3, 64, 64)}, {"task": "segment"})


def pose_model(path: Path) -> None:
    """YOLO pose with three classes and two keypoints, all zeros."""
    outputs = {"output0": np.zeros((1, 4 + 3 + 2 * 3, CANDIDATES), np.float32)}
    save(path, outputs, {"images": (1, 3, 64, 64)}, {"task": "pose", "kpt_shape": "[2, 3]"})


def rtdetr_model(path: Path) -> None:
    """RT-DETR as transformers exports it, with three classes, all zeros."""
    outputs = {
        "logits": np.zeros((1, 30, 3), np.float32),
        "pred_boxes": np.zeros((1, 30, 4), np.float32),
    }
    save(path, outputs, {"images": (1, 3, 64, 64)}, {})


def yolox_model(path: Path) -> None:
    """YOLOX with three classes at 64x64: 8 x 8, 4 x 4 and 2 x 2 candidates, all zeros."""
    outputs = {"output": np.zeros((1, 84, 5 + 3), np.float32)}
    save(path, outputs, {"images": (1, 3, 64, 64)}, {})


def of_variant(settings: str) -> str:
    """A line that gives the CPU variant some settings."""
    return f"variants: {{cpu: {{{settings}}}}}"


def changed(*edits: tuple[str, str]) -> str:
    """The whole manifest with several changes."""
    text = MANIFEST
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return text


THRESHOLD = "threshold: 0.25"

TRAPS = [
    Mistake(
        "a threshold that no score exceeds",
        THRESHOLD,
        "threshold: 1",
        """12:1: threshold: a score must exceed the threshold, and none exceeds 1
  found:   1
  allowed: less than 1
  hint:    write `threshold: 0.5`""",
        "threshold-hides-all",
        "write `threshold: 0.5`",
        ("threshold: 1", "threshold: 0.5"),
    ),
    Mistake(
        "a threshold that few scores exceed",
        THRESHOLD,
        "threshold: 0.99",
        """12:1: threshold: few models are ever that sure, so most objects would be missed
  found:   0.99
  allowed: at most 0.95
  hint:    write `threshold: 0.5`""",
        "threshold-high",
        "write `threshold: 0.5`",
        ("threshold: 0.99", "threshold: 0.5"),
    ),
    Mistake(
        "a threshold that everything exceeds",
        THRESHOLD,
        "threshold: 0.001",
        """12:1: threshold: nearly every candidate of the model would be drawn
  found:   0.001
  allowed: 0.01 or more
  hint:    write `threshold: 0.25`; CVAT's user can still ask for less""",
        "threshold-low",
        "write `threshold: 0.25`",
        ("threshold: 0.001", "threshold: 0.25"),
    ),
    Mistake(
        "a keypoint's threshold that no score reaches",
        "  - yolo\n  - nms: 0.45\n  - rectangle",
        "  - yolo_pose\n  - nms: 0.45\n  - points: 1.0",
        """11:5: postprocess[2].points.threshold: no score is as high as 1, so nothing would ever \
be drawn
  found:   1
  allowed: less than 1
  hint:    write `points: {threshold: 0.5}`""",
        "threshold-hides-all",
        "write `points: {threshold: 0.5}`",
        ("points: 1.0", "points: {threshold: 0.5}"),
        pose_model,
    ),
    Mistake(
        "a stretched image for YOLO",
        "- letterbox",
        "- resize",
        """6:5: preprocess[0].resize: models that `yolo` decodes are trained on padded images, not \
on stretched ones
  found:   resize
  allowed: letterbox
  hint:    write `- letterbox` in its place, unless yours was trained on stretched images""",
        "resize-for-letterboxed",
        "write `- letterbox` in its place",
        ("- resize", "- letterbox"),
    ),
    Mistake(
        "a padded image for RT-DETR",
        "  - yolo\n  - nms: 0.45\n",
        "  - rtdetr\n",
        """6:5: preprocess[0].letterbox: models that `rtdetr` decodes are trained on stretched \
images, not on padded ones
  found:   letterbox
  allowed: resize
  hint:    write `- resize` in its place, unless yours was trained with padding""",
        "letterbox-for-stretched",
        "write `- resize` in its place",
        ("- letterbox", "- resize"),
        rtdetr_model,
    ),
    Mistake(
        "values of 0 to 255 for YOLO",
        "  - normalize: 255\n",
        "",
        """5:1: preprocess: models that `yolo` decodes take values from 0 to 1; without `normalize` \
they get 0 to 255
  hint:    add `- normalize: 255`, unless yours was exported with the division inside""",
        "values-not-scaled",
        "add `- normalize: 255`",
        ("  - letterbox\n", "  - letterbox\n  - normalize: 255\n"),
    ),
    Mistake(
        "blue first for an export of Ultralytics",
        "- letterbox",
        "- letterbox\n  - channels: bgr",
        """7:5: preprocess[1].channels: the model is an export of Ultralytics, which trains on RGB
  found:   bgr
  allowed: rgb
  hint:    leave the step out""",
        "channel-order",
        "leave the step out",
        ("  - channels: bgr\n", ""),
        partial(yolo_model, metadata=ULTRALYTICS),
    ),
    Mistake(
        "YOLOX's image in the middle",
        "  - normalize: 255\npostprocess:\n  - yolo\n",
        "  - channels: bgr\npostprocess:\n  - yolox\n",
        """6:5: preprocess[0].letterbox.align: YOLOX is trained with the image in the top left \
corner
  found:   center
  allowed: top_left
  hint:    write `- letterbox: {align: top_left}`""",
        "yolox-input",
        "write `- letterbox: {align: top_left}`",
        ("- letterbox", "- letterbox: {align: top_left}"),
        yolox_model,
    ),
    Mistake(
        "no suppression after a raw head",
        "  - nms: 0.45\n",
        "",
        """9:5: postprocess[0].yolo: `yolo` gives several boxes for each object, and no step leaves \
only the best
  hint:    add `- nms: 0.45` after `- yolo`""",
        "nms-missing",
        "add `- nms: 0.45` after `- yolo`",
        ("  - yolo\n", "  - yolo\n  - nms: 0.45\n"),
    ),
    Mistake(
        "a second suppression",
        "- yolo\n",
        "- yolo_end2end\n",
        """10:5: postprocess[1].nms: what `yolo_end2end` decodes is suppressed already; a second \
time can only lose objects
  hint:    leave the step out""",
        "nms-needless",
        "leave the step out",
        ("  - nms: 0.45\n", ""),
        end2end_model,
    ),
    Mistake(
        "the best before the different ones",
        "  - nms: 0.45\n",
        "  - top_k: 10\n  - nms: 0.45\n",
        """10:5: postprocess[1].top_k: cuts the list while one object may still fill all of it with \
overlapping boxes
  hint:    write `top_k` after `nms`""",
        "top-k-first",
        "write `top_k` after `nms`",
        ("  - top_k: 10\n  - nms: 0.45\n", "  - nms: 0.45\n  - top_k: 10\n"),
    ),
    Mistake(
        "masks of a model that gives boxes",
        "- rectangle",
        "- mask",
        """11:5: postprocess[2].mask: `mask` needs masks, which the decoder does not give
  found:   boxes alone
  allowed: masks
  hint:    write `- rectangle` in its place, or decode a model that gives masks""",
        "shape-needs-more",
        "write `- rectangle` in its place",
        ("- mask", "- rectangle"),
    ),
    Mistake(
        "masks that are to be cleaned where there are none",
        "- rectangle",
        "- fill_holes: 50\n  - rectangle",
        """11:5: postprocess[2].fill_holes: `fill_holes` needs masks, which the decoder does not give
  found:   boxes alone
  allowed: masks
  hint:    leave the step out""",
        "refinement-needs-more",
        "leave the step out",
        ("  - fill_holes: 50\n", ""),
    ),
    Mistake(
        "a sublabel too many",
        MANIFEST,
        changed(
            (
                "[cat, dog, bird]",
                "[{name: cat, id: 0, sublabels: [nose, tail, paw], edges: [[nose, tail]]}]",
            ),
            ("- yolo\n", "- yolo_pose\n"),
            ("- rectangle", "- skeleton"),
        ),
        """11:5: postprocess[2].skeleton: the model gives 2 keypoints, the labels name 3
  found:   nose, tail, paw
  allowed: 2 sublabels
  hint:    list every keypoint in the model's order, or give the sublabels that you want an `id`: \
the model's number of the keypoint, from 0""",
        "keypoint-count",
        "list every keypoint in the model's order",
        (", paw]", "]"),
        pose_model,
    ),
    Mistake(
        "polygons of a model that gives keypoints",
        "  - yolo\n  - nms: 0.45\n  - rectangle",
        "  - yolo_pose\n  - nms: 0.45\n  - polygon",
        """11:5: postprocess[2].polygon: `polygon` needs masks or oriented boxes, which the decoder \
does not give
  found:   keypoints
  allowed: masks or oriented boxes
  hint:    write `- points` in its place, or decode a model that gives masks or oriented boxes""",
        "shape-needs-more",
        "write `- points` in its place",
        ("- polygon", "- points"),
        pose_model,
    ),
    Mistake(
        "run lengths that servers refuse",
        "  - yolo\n  - nms: 0.45\n  - rectangle",
        "  - yolo_segment\n  - nms: 0.45\n  - mask: rle",
        """11:5: postprocess[2].mask.encoding: CVAT's servers up to 2.73 refuse run lengths from a \
detector
  found:   rle
  allowed: pixels
  hint:    leave the encoding out, unless the reply is for a program that uses CVAT's SDK""",
        "mask-rle",
        "leave the encoding out",
        ("mask: rle", "mask"),
        segment_model,
    ),
    Mistake(
        "a point for every pixel",
        "  - yolo\n  - nms: 0.45\n  - rectangle",
        "  - yolo_segment\n  - nms: 0.45\n  - polygon: 0",
        """11:5: postprocess[2].polygon.epsilon: each pixel of the outline would become a point \
that annotators have to drag
  found:   0
  allowed: more than 0
  hint:    leave the epsilon out""",
        "polygon-points",
        "leave the epsilon out",
        ("polygon: 0", "polygon"),
        segment_model,
    ),
    Mistake(
        "a background among the labels",
        "[cat, dog, bird]",
        "[background, dog, bird]",
        """4:10: labels[0]: 'background' would be annotated like any other label
  found:   background
  hint:    leave it out, and give each of the others its class number: `{name: dog, id: 1}`""",
        "label-background",
        "leave it out, and give each of the others its class number: `{name: dog, id: 1}`",
        ("[background, dog, bird]", "[{name: dog, id: 1}, {name: bird, id: 2}]"),
    ),
    Mistake(
        "labels in another order than the model's",
        "[cat, dog, bird]",
        "[dog, cat, bird]",
        """4:10: labels[0]: class 0 is 'dog' here and 'cat' in the model's metadata
  found:   dog
  allowed: cat
  hint:    write `labels: metadata`, unless the metadata are wrong""",
        "label-order",
        "write `labels: metadata`",
        ("labels: [dog, cat, bird]", "labels: metadata"),
    ),
    Mistake(
        "a class count off by one",
        "[cat, dog, bird]",
        "[background, cat, dog, bird]",
        """9:5: postprocess[0].yolo: the model has 3 classes, the manifest 4 labels
  found:   output0 [1, 7, 40] float32: 7 channels = 4 for the box + 3
  allowed: 3 labels
  hint:    leave the label of the background out, if one is: the model has none; or list every \
class in the model's order, or give the labels that you want an `id`: the model's class number, \
from 0""",
        "class-count",
        "leave the label of the background out",
        ("background, ", ""),
    ),
    Mistake(
        "a skeleton without bones",
        MANIFEST,
        changed(
            ("[cat, dog, bird]", "[{name: cat, id: 0, sublabels: [nose, tail]}]"),
            ("- yolo\n", "- yolo_pose\n"),
            ("- rectangle", "- skeleton"),
        ),
        """4:10: labels[0]: the skeleton 'cat' has no edges; CVAT would show loose points
  hint:    add pairs of keypoints: `edges: [[nose, tail]]`""",
        "skeleton-without-edges",
        "add pairs of keypoints: `edges: [[nose, tail]]`",
        ("[nose, tail]}", "[nose, tail], edges: [[nose, tail]]}"),
        pose_model,
    ),
    Mistake(
        "an edge to nowhere",
        "[cat, dog, bird]",
        "[{name: cat, id: 0, sublabels: [nose, tail], edges: [[nose, tali]]}]",
        """4:10: labels[0]: has an edge to 'tali', which is no sublabel; did you mean 'tail'?""",
        "keypoint",
    ),
    Mistake(
        "a keypoint given twice",
        "[cat, dog, bird]",
        "[{name: cat, id: 0, sublabels: [nose, nose]}]",
        "4:10: labels[0]: has the sublabel 'nose' twice",
        "keypoint",
    ),
    Mistake(
        "a skeleton of nothing",
        "[cat, dog, bird]",
        "[{name: cat, id: 0, type: skeleton}]",
        "4:10: labels[0]: a skeleton needs `sublabels`: its keypoints, in the model's order",
        "keypoint",
    ),
    Mistake(
        "an attribute given twice",
        "[cat, dog, bird]",
        "[{name: cat, id: 0, attributes: [{name: a, input_type: text}, {name: a, input_type: "
        "text}]}]",
        "4:10: labels[0]: has the attribute 'a' twice; CVAT drops such a function",
        "attribute-twice",
    ),
    Mistake(
        "a choice of nothing",
        "[cat, dog, bird]",
        "[{name: cat, id: 0, attributes: [{name: a, input_type: select}]}]",
        "4:42: labels[0].attributes[0]: a select attribute needs `values`: the choices",
        "attribute-values",
    ),
    Mistake(
        "an attribute that CVAT would drop",
        MANIFEST,
        changed(
            (
                "[cat, dog, bird]",
                "[{name: cat, id: 0, attributes: [{name: score, input_type: number, values: "
                "[0, 10, 1]}]}]",
            ),
            ("  - rectangle", "  - score_attribute\n  - rectangle"),
        ),
        """11:5: postprocess[2].score_attribute: CVAT would drop what this says of 'cat': '100' is \
not from 0 to 10 in steps of 1
  hint:    leave 'score' out of the label, or declare it as the step gives it""",
        "attribute-dropped",
        "leave 'score' out of the label",
        (", attributes: [{name: score, input_type: number, values: [0, 10, 1]}]", ""),
    ),
    Mistake(
        "two kinds of shape for one skeleton",
        MANIFEST,
        changed(
            (
                "[cat, dog, bird]",
                "[{name: cat, id: 0, sublabels: [nose, tail], edges: [[nose, tail]]}]",
            ),
            ("  - yolo\n  - nms: 0.45\n", "  - yolo_pose\n  - nms: 0.45\n  - skeleton\n"),
        ),
        """8:1: postprocess: a label can be a skeleton or something else, not both
  found:   rectangle, skeleton
  hint:    give the other shape a label of its own: `rectangle: {suffix: -box}`""",
        "label-type",
        "give the other shape a label of its own: `rectangle: {suffix: -box}`",
        ("- rectangle", "- rectangle: {suffix: -box}"),
        pose_model,
    ),
    Mistake(
        "memory in megabytes without a unit",
        THRESHOLD,
        'resources: {memory: "512"}',
        """12:13: resources.memory: is 512 bytes, but 2 workers with 1 MiB of weights each take \
about 301 MiB
  found:   512
  allowed: 384Mi
  hint:    write `memory: 384Mi`""",
        "memory-too-small",
        "write `memory: 384Mi`",
        ('"512"', "384Mi"),
    ),
    Mistake(
        "little memory for the workers",
        THRESHOLD,
        of_variant("memory: 200Mi"),
        """12:18: variants.cpu.memory: 2 workers with 1 MiB of weights each take about 301 MiB
  found:   200Mi
  allowed: 384Mi or more
  hint:    write `memory: 384Mi`, or fewer `workers`""",
        "memory-tight",
        "write `memory: 384Mi`",
        ("200Mi", "384Mi"),
    ),
    Mistake(
        "processor time in units of memory",
        THRESHOLD,
        "resources: {cpu: 2Gi}",
        """12:13: resources.cpu: means 2.14748e+09 cores of a processor
  found:   2Gi
  allowed: 0.05 to 1024 cores, such as `2` or `1500m`
  hint:    write `cpu: "2"`""",
        "cores",
        'write `cpu: "2"`',
        ("2Gi", '"2"'),
    ),
    Mistake(
        "a model for images that cannot be sent",
        "name: boxes",
        "name: boxes",
        """3:1: model: an image of the model's own size, 4096x4096, can take 64 MiB as a PNG in \
base64; Nuclio takes requests of 32 MiB
  found:   4096x4096
  hint:    export the model for smaller images, or annotate images that are stored as JPEG""",
        "image-over-body",
        model=partial(yolo_model, size=4096),
    ),
    Mistake(
        "a time limit beyond CVAT's",
        THRESHOLD,
        of_variant("event_timeout: 5m"),
        """12:18: variants.cpu.event_timeout: CVAT gives a request up after 120 s; the function \
would work on it all the same, and keep the next one waiting
  found:   5m
  allowed: at most 2m
  hint:    write `event_timeout: 2m`, or set CVAT_NUCLIO_DEFAULT_TIMEOUT on CVAT's server""",
        "timeout-over-cvat",
        "write `event_timeout: 2m`",
        ("5m", "2m"),
    ),
    Mistake(
        "another Python",
        THRESHOLD,
        of_variant("base_image: 'python:3.12-slim'"),
        """12:18: variants.cpu.base_image: has Python 3.12, but Nuclio's wheels and the pinned \
packages are for 3.11
  found:   python:3.12-slim
  allowed: an image with Python 3.11
  hint:    leave it out, or take `python:3.11-slim` and add Debian packages by `apt`""",
        "base-image",
        "take `python:3.11-slim`",
        ("3.12-slim", "3.11-slim"),
    ),
    Mistake(
        "Alpine",
        THRESHOLD,
        of_variant("base_image: 'python:3.11-alpine'"),
        """12:18: variants.cpu.base_image: Alpine has another C library than the wheels of the \
inference runtimes and of Nuclio
  found:   python:3.11-alpine
  allowed: an image of Debian or Ubuntu
  hint:    leave it out, or take `python:3.11-slim` and add Debian packages by `apt`""",
        "base-image",
        "take `python:3.11-slim`",
        ("3.11-alpine", "3.11-slim"),
    ),
    Mistake(
        "a base image without Python",
        THRESHOLD,
        "variants: {gpu: {base_image: 'nvidia/cuda:12.4.1-runtime-ubuntu22.04'}}",
        """12:18: variants.gpu.base_image: has no Python, which Nuclio calls as `python` while it \
builds the image
  found:   nvidia/cuda:12.4.1-runtime-ubuntu22.04
  allowed: an image with Python 3.11
  hint:    leave it out, or take `python:3.11-slim` and add Debian packages by `apt`; GPU functions \
bring CUDA as wheels""",
        "base-image",
        "leave it out",
        ("base_image: 'nvidia/cuda:12.4.1-runtime-ubuntu22.04'", ""),
    ),
    Mistake(
        "another version of what every function has",
        THRESHOLD,
        of_variant("pip: ['numpy==1.26.4']"),
        """12:24: variants.cpu.pip[0]: functions have numpy==2.4.6, and pip installs no two \
versions of a package
  found:   numpy==1.26.4
  allowed: numpy==2.4.6
  hint:    leave it out""",
        "pip-pinned",
        "leave it out",
        ("pip: ['numpy==1.26.4']", ""),
    ),
    Mistake(
        "the OpenCV that needs a screen",
        THRESHOLD,
        of_variant("pip: ['opencv-python==4.10.0.84']"),
        """12:24: variants.cpu.pip[0]: opencv-python cannot be beside what a function has: \
opencv-python-headless is installed already; this one needs libGL, which slim images do not have, \
and overwrites the other
  found:   opencv-python==4.10.0.84
  hint:    leave it out""",
        "pip-clash",
        "leave it out",
        ("pip: ['opencv-python==4.10.0.84']", ""),
    ),
    Mistake(
        "Nuclio's own variable",
        THRESHOLD,
        of_variant("env: {PYTHONPATH: /opt/other}"),
        """12:24: variants.cpu.env.PYTHONPATH: Nuclio and Python find the function's own code and \
libraries by PYTHONPATH
  found:   PYTHONPATH
  hint:    leave it out""",
        "env-reserved",
        "leave it out",
        ("env: {PYTHONPATH: /opt/other}", ""),
    ),
    Mistake(
        "a password in the repository",
        THRESHOLD,
        of_variant("env: {DB_PASSWORD: hunter2}"),
        """12:24: variants.cpu.env.DB_PASSWORD: is written to function.yaml, which is made to be \
committed and reviewed
  found:   DB_PASSWORD
  hint:    leave it out, and deploy with `nuctl deploy ... --env DB_PASSWORD=...`""",
        "env-secret",
        "leave it out",
        ("env: {DB_PASSWORD: hunter2}", ""),
    ),
    Mistake(
        "a variable that is a number",
        THRESHOLD,
        of_variant("env: {LEVEL: 3}"),
        """12:24: variants.cpu.env.LEVEL: has the wrong value
  found:   3
  allowed: text
  hint:    put it in quotes: "3\"""",
        "wrong-value",
        'put it in quotes: "3"',
        ("LEVEL: 3", 'LEVEL: "3"'),
    ),
    Mistake(
        "CVAT's own port",
        THRESHOLD,
        of_variant("port: 8080"),
        """12:18: variants.cpu.port: where CVAT runs, this is the port of CVAT
  found:   8080
  hint:    leave the port out: CVAT asks Nuclio for it""",
        "port-taken",
        "leave the port out",
        ("port: 8080", ""),
    ),
    Mistake(
        "a version that YAML takes for a number",
        THRESHOLD,
        "cvat: 2.60",
        """12:1: cvat: has the wrong value
  found:   2.60
  allowed: text
  hint:    put it in quotes: "2.60\"""",
        "wrong-value",
        'put it in quotes: "2.60"',
        ("2.60", '"2.60"'),
    ),
    Mistake(
        "labels that the model does not carry",
        "[cat, dog, bird]",
        "metadata",
        """4:1: labels: the model carries no class names
  found:   metadata keys of the model: task
  allowed: an entry `names`, as Ultralytics writes it, or `labels`, as OpenVINO does
  hint:    list the labels in the manifest instead of `labels: metadata`""",
        "labels-not-in-model",
        "list the labels in the manifest instead of `labels: metadata`",
        ("labels: metadata", "labels: [cat, dog, bird]"),
        partial(yolo_model, metadata={"task": "detect"}),
    ),
    Mistake(
        "a suffix that makes two labels alike",
        MANIFEST,
        changed(
            ("[cat, dog, bird]", "[cat, cat-box, bird]"),
            ("  - rectangle", "  - rectangle\n  - ellipse: {suffix: -box}"),
        ),
        """8:1: postprocess: the label 'cat-box' is there twice
  hint:    choose another suffix""",
        "label-clash",
        "choose another suffix",
        ("suffix: -box", "suffix: -oval"),
    ),
]


@each(TRAPS)
def test_a_trap_is_told_where_and_how_to_get_out(mistake: Mistake, tmp_path: Path) -> None:
    mistake.check(tmp_path)


@each_with_remedy(TRAPS)
def test_doing_what_the_hint_says_is_the_way_out(mistake: Mistake, tmp_path: Path) -> None:
    mistake.check_remedy(tmp_path)


def test_the_galleries_are_large_and_many_remedies_are_tried() -> None:
    others = (test_mistakes_interactor, test_mistakes_tracker, test_mistakes_reid)
    mistakes = [*MANIFESTS, *TRAPS]
    for gallery in others:
        mistakes += [*gallery.MISTAKES, *gallery.TRAPS]
    assert len(mistakes) >= 150
    assert len([it for it in mistakes if it.remedy]) >= 100
    assert {it.code for it in mistakes} <= set(KINDS)


def _check(*files: Path) -> list[tuple[str, str, str]]:
    """Code, path and file of what is found about several manifests."""
    checked, unseen = (
        check(files, ("cpu", "gpu"), Progress(sys.stderr), look) for look in (True, False)
    )
    assert unseen.problems == checked.problems
    return [(it.code, it.path, it.file.name if it.file else "") for it in checked.problems]


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("", "", ("function-twice", "name", "two.yaml")),
        ("title: Boxes\n", "title: Boxes\n", None),
        ("port: 9000", "port: 9000", None),
    ],
)
def test_what_two_manifests_claim_is_told_at_the_second(
    tmp_path: Path, one: str, other: str, found: tuple[str, str, str] | None
) -> None:
    yolo_model(tmp_path / "model.onnx")

    def write(file: str, name: str, more: str) -> Path:
        extra = of_variant(more) if "port" in more else more
        (tmp_path / file).write_text(MANIFEST.replace("boxes", name) + extra)
        return tmp_path / file

    first, second = write("one.yaml", "boxes", one), write("two.yaml", "boxes", other)
    assert found is None or found in _check(first, second)
    second = write("two.yaml", "others", other)
    expected = {
        "title: Boxes\n": [("title-twice", "title", "two.yaml")],
        "port: 9000": [("port-twice", "variants.cpu.port", "two.yaml")],
    }
    assert _check(first, second) == expected.get(one, [])
