"""Every kind of finding: its code, how bad it is, and why anybody should care.

The codes are stable, so that a script can tell one finding from another by them. docs/findings.md
is made from this table: `python -m builder.findings > docs/findings.md`; a test compares.
"""

import sys
from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding.

    Attributes:
        severity: "error" where no function can be built, or none that works; "warning" where one
            can, but most likely does not do what its author thinks.
        title: in a few words.
        why: what would happen if nobody said it.
    """

    severity: Severity
    title: str
    why: str


def _errors(kinds: dict[str, tuple[str, str]]) -> dict[str, Kind]:
    """Kinds of finding that are errors, from titles and reasons."""
    return {code: Kind("error", title, why) for code, (title, why) in kinds.items()}


def _warnings(kinds: dict[str, tuple[str, str]]) -> dict[str, Kind]:
    """Kinds of finding that are warnings, from titles and reasons."""
    return {code: Kind("warning", title, why) for code, (title, why) in kinds.items()}


GROUPS: dict[str, dict[str, Kind]] = {
    "The manifest's form": _errors(
        {
            "manifest": (
                "The manifest cannot be used",
                "Whatever has no code of its own.",
            ),
            "yaml": (
                "Not YAML",
                "Nothing can be read from a file that is not valid YAML, or that uses tags, merge "
                "keys or keys that are not text.",
            ),
            "no-manifest": (
                "A file that is no manifest",
                "It holds no keys and values.",
            ),
            "file-name": (
                "A file name that no line of text can hold",
                "The generated files name the manifest that they come from.",
            ),
            "key-twice": (
                "A key given twice",
                "YAML readers take the last one without a word.",
            ),
            "missing-key": ("A key that is missing", "The function cannot be built without it."),
            "unknown-key": (
                "An unknown key",
                "A misspelt key would be ignored, and its default would apply.",
            ),
            "unknown-step": (
                "An unknown step",
                "There is no such step of preprocessing or postprocessing.",
            ),
            "wrong-value": (
                "A value that cannot be",
                "It is of another type, out of range, or not of the form that is needed.",
            ),
            "step-entry": (
                "An entry that is not one step",
                "Each entry of `preprocess` and `postprocess` is exactly one step.",
            ),
            "step-order": (
                "Steps in the wrong order",
                "Instances have to be decoded before they are refined, and refined before they are "
                "drawn.",
            ),
        }
    ),
    "The function": _errors(
        {
            "name-reserved": (
                "A name that belongs to others",
                "Nuclio, or CVAT's web page, treats a function of this name in its own way.",
            ),
            "function-twice": (
                "A name that two manifests claim",
                "One function would overwrite the other, here and in CVAT.",
            ),
            "variants-off": (
                "No variant left",
                "Nothing would be built.",
            ),
            "ir-variant": (
                "An OpenVINO IR for another runtime",
                "Only OpenVINO runs its own format, and the GPU variant has no OpenVINO.",
            ),
        }
    ),
    "Labels and attributes": _errors(
        {
            "label-twice": (
                "A label given twice",
                "CVAT hides a function whose labels have the same name; older servers then show no "
                "function at all.",
            ),
            "class-number-twice": (
                "A class number given twice",
                "Only one of the labels could ever be drawn.",
            ),
            "label-file": (
                "A label file that cannot be used",
                "The labels are not there, or not in a form that is known.",
            ),
            "labels-not-in-model": (
                "No labels in the model",
                "The model's metadata hold no class names that can be used.",
            ),
            "label-type": (
                "A type of label that the shapes are not",
                "CVAT offers no label of the task for it, so nothing could be mapped.",
            ),
            "label-clash": (
                "Labels that a suffix makes alike or too long",
                "CVAT takes no two labels of one name, and none of more than 64 characters.",
            ),
            "labels-too-large": (
                "Too many labels for Nuclio",
                "Nuclio passes the labels on a command line of limited length.",
            ),
            "unknown-label": (
                "A label that there is not",
                "Nothing would ever be looked at.",
            ),
            "keypoints-differ": (
                "Labels with different keypoints",
                "A model gives the same keypoints for all classes.",
            ),
            "keypoint": (
                "Keypoints that do not fit together",
                "A skeleton needs its keypoints, each once, and edges between them.",
            ),
            "attribute-values": (
                "An attribute that CVAT cannot have",
                "CVAT's servers drop the attribute, or fail the whole request.",
            ),
            "attribute-twice": (
                "An attribute given twice",
                "CVAT hides a function whose attributes have the same name.",
            ),
        }
    )
    | _warnings(
        {
            "labels-not-seen": (
                "Labels in a model that is not looked at",
                "`labels: metadata` cannot be checked without the model.",
            ),
        }
    ),
    "The model": _errors(
        {
            "model": ("The model cannot be used", "Whatever has no code of its own."),
            "model-not-found": ("A model that is not there", "There is no such file."),
            "model-and-encoder": (
                "A model beside an encoder and a decoder",
                "A function has one model that does it all, or two that share the work.",
            ),
            "encoder-alone": (
                "An encoder or a decoder without the other",
                "What one of them gives is only half of the answer.",
            ),
            "models-swapped": (
                "Encoder and decoder in each other's place",
                "The image would go into the model that takes something else.",
            ),
            "model-format": (
                "A model of another format",
                "Functions run ONNX, and OpenVINO IR in the CPU variant.",
            ),
            "model-unreadable": (
                "A file that is no model",
                "It is damaged, cut off, or something else under a model's name.",
            ),
            "model-metadata": (
                "Metadata that cannot be used",
                "The file beside a model that says what its classes are is damaged, or hostile.",
            ),
            "weights": (
                "Weights that are not where they must be",
                "A model with its weights in another file needs that file beside it, under a name "
                "that means nothing else to a function.",
            ),
            "download": (
                "A model that cannot be fetched",
                "The address or the package does not serve it.",
            ),
            "digest": (
                "Another file than the one that was meant",
                "What is served is not what the manifest's author tried out.",
            ),
            "model-inputs": (
                "Inputs that no image fits",
                "The model takes something else than the image, or the crops, that a function of "
                "this type has for it.",
            ),
            "input-unknown": (
                "An input that the model does not have",
                "There is nothing to give it to.",
            ),
            "input-twice": (
                "One input for two things",
                "One of the two would never reach the model.",
            ),
            "input-ambiguous": (
                "Two inputs that the step could mean",
                "The template would be looked at as the frame, and the frame as the template.",
            ),
            "input-layout": (
                "Axes that the input does not have",
                "The model would take height, width and channels for each other.",
            ),
            "input-batch": (
                "A batch of images",
                "CVAT sends one image at a time, and nothing gathers them.",
            ),
            "prompt-inputs": (
                "No input for what is clicked",
                "The model would not learn what the annotator points at.",
            ),
            "prompts-fixed": (
                "A fixed number of points",
                "Annotators click as often as they need to.",
            ),
            "features-unpaired": (
                "An input that nothing is given to",
                "The decoder needs more than the encoder and the annotator give.",
            ),
            "features-shape": (
                "Features of another shape",
                "Encoder and decoder are of different networks.",
            ),
            "input-size": (
                "Another size than the model's",
                "The model would refuse every image.",
            ),
            "input-open": (
                "A size that nobody says",
                "The model takes any size, so the manifest must say at which it was trained.",
            ),
            "input-values": (
                "Values that the input does not take",
                "The model's input has another type, or other channels, than the steps give.",
            ),
            "template-size": (
                "A template larger than what it is searched in",
                "The object cannot be found in a part of the frame that is smaller than itself.",
            ),
            "crop-moved": (
                "Steps that move a tracker's crop",
                "The tracker knows where its crops lie; a step that moves pixels would shift every "
                "box.",
            ),
            "no-encoder": (
                "A key that needs an encoder",
                "It names a tensor of a model that there is not.",
            ),
            "no-resize": (
                "Nothing brings the image to the model's size",
                "The model would refuse every image.",
            ),
            "model-mismatch": (
                "A step that is not for this model",
                "The model's outputs are not what the step reads.",
            ),
            "output-unknown": (
                "An output that the model does not have",
                "There is nothing to decode.",
            ),
            "output-missing": (
                "No output that the step could read",
                "The model gives something else than the step is for.",
            ),
            "output-ambiguous": (
                "Several outputs that the step could read",
                "Nothing is guessed: another choice would be other objects.",
            ),
            "output-layout": (
                "A decoder of another layout",
                "The numbers would be read in the wrong order, and nothing or nonsense be found.",
            ),
            "no-vector": (
                "An output that is no vector",
                "Nothing could be compared: ReID needs one vector for each crop.",
            ),
            "model-task": (
                "A model of another task",
                "Layouts of different tasks can look alike, and would be decoded into nonsense.",
            ),
            "strides": (
                "Strides or anchors that do not fit together",
                "Each stride has a grid of its own; with other numbers boxes lie elsewhere.",
            ),
            "keypoint-count": (
                "Another number of keypoints than the model's",
                "Every keypoint after the missing one would be another.",
            ),
            "class-count": (
                "Another number of classes than labels",
                "Every class after the missing one would carry the wrong name.",
            ),
        }
    ),
    "Traps": _errors(
        {
            "threshold-hides-all": (
                "A threshold that hides everything",
                "A score must exceed the threshold, and none exceeds 1.",
            ),
            "shape-needs-more": (
                "A shape that needs more than the model gives",
                "The function would fail at every image: there are no masks, keypoints or oriented "
                "boxes to draw.",
            ),
            "refinement-needs-more": (
                "A refinement that needs more than the model gives",
                "The function would fail at every image: there are no masks to clean.",
            ),
            "attribute-dropped": (
                "An attribute that CVAT would drop",
                "CVAT compares each value with what the label declares, and drops what is not "
                "among it without a word.",
            ),
            "memory-too-small": (
                "Less memory than the weights take",
                "Docker kills the workers while they load their models.",
            ),
            "cores": (
                "Processor time in the wrong unit",
                "Docker refuses the function, or it never gets to answer.",
            ),
            "base-image": (
                "A base image that Nuclio cannot build on",
                "The build fails after minutes, with a message about msgpack, python or a wheel.",
            ),
            "pip-pinned": (
                "Another version of a package that functions have",
                "pip finds no solution, and the image is not built.",
            ),
            "pip-clash": (
                "A package that breaks one that functions have",
                "Two packages that bring the same module overwrite each other.",
            ),
            "port-twice": (
                "A port that two functions claim",
                "Docker starts only one of them.",
            ),
        }
    )
    | _warnings(
        {
            "threshold-joins-all": (
                "A distance that all boxes come up to",
                "Boxes of different objects are joined into one track.",
            ),
            "max-distance-zero": (
                "Objects that may not move",
                "Between two frames everything moves a little, and nothing is joined.",
            ),
            "points-needed": (
                "A function that needs a click, and is asked without one",
                "The annotator sees an error after the first click beside the object.",
            ),
            "negative-points-needed": (
                "Clicks beside the object that have to be made",
                "CVAT asks the function nothing before, and the annotator sees nothing happen.",
            ),
            "box-not-offered": (
                "A box that the CVAT in use does not offer",
                "It reads no such key, and lets people click alone.",
            ),
            "workers-apart": (
                "Workers that do not share what they know of an image",
                "The encoder, which takes seconds, runs once in each of them.",
            ),
            "timeout-short": (
                "Less time than the encoder takes",
                "Nuclio stops every first click on an image, and restarts the worker.",
            ),
            "tracker-not-listed": (
                "A tracker without rectangles",
                "CVAT's AI tools do not list it.",
            ),
            "shape-types-ignored": (
                "Shapes that the CVAT in use does not have tracked",
                "It reads no such key, and sends rectangles.",
            ),
            "state-small": (
                "A limit that templates do not fit in",
                "Objects with some texture are refused when they are drawn.",
            ),
            "values-not-centred": (
                "Values without ImageNet's mean taken off",
                "The model finds less, or nothing.",
            ),
            "normalize-range": (
                "A mean of other values than the image's",
                "What reaches the model has hardly anything left of the image.",
            ),
            "sam-input": (
                "Another input than SAM's",
                "Masks are less exact, above all at the image's edges.",
            ),
            "threshold-high": (
                "A threshold that hides most",
                "Few models give such scores.",
            ),
            "threshold-low": (
                "A threshold that hides nothing",
                "A raw head has thousands of candidates, nearly all of them of no meaning.",
            ),
            "letterbox-for-stretched": (
                "A padded image for a model of stretched ones",
                "The model finds less, in boxes that are a little off.",
            ),
            "resize-for-letterboxed": (
                "A stretched image for a model of padded ones",
                "The model finds less, above all in images that are far from square.",
            ),
            "values-not-scaled": (
                "Values 255 times too large",
                "The model finds nothing, or nonsense.",
            ),
            "yolox-input": (
                "Another input than YOLOX's",
                "The model finds less, or nothing.",
            ),
            "channel-order": (
                "Red and blue in each other's place",
                "The model finds less, above all where colour matters.",
            ),
            "step-twice": (
                "A step that is there twice",
                "Values would be divided twice, shapes be drawn twice.",
            ),
            "keypoints-not-drawn": (
                "Keypoints that no shape draws",
                "CVAT would not see them: only `skeleton` and `points` draw any.",
            ),
            "nms-missing": (
                "No `nms` after a raw head",
                "Annotators get ten boxes for each object.",
            ),
            "nms-needless": (
                "`nms` after finished detections",
                "Objects that overlap would be lost.",
            ),
            "top-k-first": (
                "`top_k` before `nms`",
                "One object can use the whole list up.",
            ),
            "mask-rle": (
                "Run lengths from a detector",
                "CVAT's servers fail at the reply.",
            ),
            "polygon-points": (
                "Polygons with a point for every pixel",
                "Nobody can edit them.",
            ),
            "label-background": (
                "A background as a label",
                "The whole image would be annotated with it.",
            ),
            "label-order": (
                "Labels in another order than the model's",
                "Objects would carry each other's names.",
            ),
            "skeleton-without-edges": (
                "A skeleton without edges",
                "CVAT shows loose points, and nobody sees which belong together.",
            ),
            "memory-tight": (
                "Little memory for so many workers",
                "Each worker is a process with its own copy of the models.",
            ),
            "image-over-body": (
                "Images that are too large to be sent",
                "Nuclio refuses requests of more than 32 MiB, base64 included.",
            ),
            "timeout-over-cvat": (
                "A time limit beyond CVAT's own",
                "The annotator sees an error while the function goes on.",
            ),
            "port-taken": (
                "A port that others have",
                "Docker does not start the function.",
            ),
            "env-reserved": (
                "A variable that Nuclio and Python need",
                "The function may not start.",
            ),
            "env-secret": (
                "A secret in a file that is committed",
                "Everybody who can read the repository can read it.",
            ),
            "declared-shape": (
                "An output of another shape than its file declares",
                "Functions are built by what the graph gives; other tools may trust the file.",
            ),
            "title-twice": (
                "A title that two functions have",
                "Nobody can tell them apart in CVAT's menu.",
            ),
        }
    ),
    "Building and running": _errors(
        {
            "command-line": ("A wrong command line", "The arguments make no sense."),
            "output": (
                "A directory that cannot be written",
                "Something would be lost, or the disk does not take it.",
            ),
            "function": (
                "A function that does not work",
                "It does not start, or CVAT could not use its replies.",
            ),
        }
    )
    | _warnings(
        {
            "guessed": (
                "Something that a manifest had to guess",
                "`init` writes what the model tells, and says where that is not enough.",
            ),
            "not-tried-out": (
                "A variant that was not tried out",
                "Its runtime is not installed here.",
            ),
        }
    ),
}
"""Heading of docs/findings.md -> code -> kind."""

KINDS: dict[str, Kind] = {code: kind for group in GROUPS.values() for code, kind in group.items()}
"""Code -> kind."""

_HEAD = """\
# Findings

This page is generated from the code's own table: `python -m builder.findings`.

`cvatbuild check` gives each finding a code. Codes are stable: scripts can rely on them. An error
means that no function, or none that works, can be built; `check` then ends with status 1. A warning
means that one can, but that it most likely does something else than was meant; with `--strict` it
counts as an error.
"""


def page() -> str:
    """docs/findings.md, in Markdown."""
    parts = [_HEAD]
    for title, kinds in GROUPS.items():
        parts.append(f"## {title}\n\n| code | severity | what | why |\n|---|---|---|---|")
        parts += [
            f"| `{code}` | {kind.severity} | {kind.title} | {kind.why} |"
            for code, kind in sorted(kinds.items())
        ]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
