"""The schema of manifests: one class for each function type."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from builder.diagnostics.errors import Refused
from builder.diagnostics.path import Path_
from builder.diagnostics.rule import Rule
from builder.diagnostics.text import has_controls
from builder.manifest import patterns
from builder.manifest.function_type import FunctionType
from builder.manifest.labels import Label, Name
from builder.manifest.model_source import ModelSource
from builder.manifest.pydantic_errors import MISSING_KEY
from builder.manifest.steps import entry_model
from builder.manifest.validation import Strict
from builder.manifest.variant_schema import Variants, reserved_names
from builder.manifest.variants import Platform, Resources
from runtimes.state import MAX_BYTES

RESERVED_NAME = Rule(
    "reserved-name",
    "Reserved function name",
    "Nuclio or CVAT's web page treats a function of this name specially.",
)
MODEL_BESIDE_ENCODER = Rule(
    "model-beside-encoder",
    "`model` beside `encoder` or `decoder`",
    "A function has either one model, or an encoder and a decoder.",
)
MISSING_ENCODER_OR_DECODER = Rule(
    "missing-encoder-or-decoder",
    "Encoder or decoder is missing",
    "An encoder and a decoder only work together.",
)
REDUCED_DECODE = Rule(
    "reduced-decode",
    "Images cannot be decoded at a reduced size",
    "Crops, embeddings and masks would be made from fewer pixels than the image has.",
)


RESERVED_NAMES = {
    **reserved_names(),
    "pth-facebookresearch-sam-vit-h": "CVAT's web page treats a function of this name as its own "
    "SAM and expects another reply",
}
"""Reserved function name -> the reason."""

FunctionName = Annotated[str, Field(pattern=patterns.NAME, max_length=56)]
"""A name that is valid for containers, images and Kubernetes services, with room for a prefix."""


def _one_line(text: str) -> str:
    """Refuse line breaks and control characters."""
    if has_controls(text):
        raise ValueError("control characters and line breaks are not allowed")
    return text


def _no_controls(text: str) -> str:
    """Refuse control characters other than line breaks and tabs."""
    _one_line(text.replace("\n", "").replace("\t", ""))
    return text


SingleLine = Annotated[str, Field(max_length=512), AfterValidator(_one_line)]
"""Text without line breaks."""


class Manifest(Strict):
    """Keys of all function types."""

    name: FunctionName
    """ID of the function in CVAT and name of its directory: lower-case letters, digits, hyphens."""
    title: Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_one_line)] | None = (
        None
    )
    """Title in CVAT's menu. Default: the name."""
    description: Annotated[str, Field(max_length=4096), AfterValidator(_no_controls)] = ""
    """Description on CVAT's models page."""
    type: FunctionType
    """Type of the function: `detector`, `interactor`, `tracker` or `reid`."""
    cvat: Annotated[str, Field(pattern=patterns.VERSION)] = "2.60"
    """Oldest CVAT version that the function must serve, in quotes: "2.60"."""
    platform: Platform = "amd64"
    """Architecture of the machine that builds and runs the function: `amd64` (x86-64), or `arm64`
    for ARM servers, such as those with NVIDIA's Grace. The GPU variant then uses CUDA 13."""
    guessed: bool = False
    """Whether the model family is a guess that nothing in the model file confirms. `init` writes
    `guessed: true` then. `build` and `check` refuse it; remove the key after comparing the
    function's shapes with the expected ones, or pass `--accept-guess`."""
    variants: Variants = Variants()
    """Settings of the CPU and the GPU variant."""
    resources: Resources = Resources()
    """Resource limits of both variants' containers. A variant's own limits override them."""
    decode: Literal["auto", "reduced"] = "auto"
    """How JPEG files are decoded. `reduced`, for detectors without second models: at 1/2, 1/4 or
    1/8 of their size where the result is not smaller than the model's input. Large images take less
    time; see docs/precision.md for the effect on the results. The GPU variant's key `decode` sets
    where they are decoded."""
    fold_preprocessing: bool = True
    """Whether the build adds `normalize`, `layout` and the conversion of types to the graphs of the
    model files, so that the function hands the resized pixels to the model. The results are the
    same; see docs/precision.md. With `false`, the model files stay as they are."""
    preprocess: tuple[entry_model("preprocess"), ...]  # type: ignore[valid-type]
    """Steps that turn the image into the model's input, in order. They get 8 bits per channel. A
    gray image of 16 bits that uses fewer is stretched from its minimum and maximum to 0 and 255, as
    CVAT does for annotators (`IChunkWriter._compress_image` in
    cvat/apps/engine/media_extractors.py; the equalization that follows there is left out). A color
    image of 16 bits that uses fewer is stretched by its maximum; CVAT shows it dark. Other images
    of 16 bits keep the upper 8. Floating-point values are used as 0 to 255, or as 0 to 1 if none is
    larger, and stretched if they exceed 0 to 255. A tracker uses the stretch of the first frame for
    the whole track."""

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        """Refuse reserved names."""
        if name in RESERVED_NAMES:
            raise Refused(f"the name is reserved: {RESERVED_NAMES[name]}", RESERVED_NAME)
        return name

    @model_validator(mode="after")
    def _check_decode(self) -> "Manifest":
        """Refuse the reduced size for functions that need all pixels of an image."""
        user = self.needs_whole_image()
        if self.decode == "reduced" and user:
            what = f"`decode: reduced` cannot be used: {user} needs all pixels of the image"
            raise Refused(what, REDUCED_DECODE, "decode", "auto", "remove `decode`")
        return self

    def needs_whole_image(self) -> str:
        """Return what needs all pixels of the image, or an empty text."""
        return f"the type `{self.type}`"

    def sources(self) -> dict[Path_, ModelSource]:
        """Return the source of each model file, by the path of its key."""
        raise NotImplementedError


class SecondModel(Strict):
    """A second model, which processes a crop of each instance that the first model finds."""

    model: ModelSource
    """Model file; see a detector's `model`."""
    only: tuple[Name, ...] = ()
    """Labels whose instances the model processes. Default: all."""
    expand: Annotated[float, Field(ge=1, le=4)] = 1.0
    """Size of the crop relative to the instance's box: 1.25 adds an eighth on each side."""
    aspect: Annotated[float, Field(gt=0, le=16)] | None = None
    """Width of the crop divided by its height, such as 0.75. The box is extended to this aspect
    ratio, as in the training of pose models. Default: the aspect ratio of the box."""
    crop: Literal["box", "oriented"] = "box"
    """Part of the image that the model processes: the axis-aligned `box` of an instance, or its
    `oriented` box, turned upright, for attributes of models with oriented boxes. An oriented box at
    least 1.5 times as high as wide is turned by 90 degrees counterclockwise, as vertical text."""
    preprocess: tuple[entry_model("preprocess"), ...]  # type: ignore[valid-type]
    """Steps that turn the crop into the model's input, in order."""
    postprocess: Annotated[
        tuple[entry_model("detector"), ...],  # type: ignore[valid-type]
        Field(min_length=1),
    ]
    """A keypoint decoder (`heatmap`, `simcc`), attributes, or both."""


class DetectorManifest(Manifest):
    """A detector, which finds objects in an image without prompts."""

    type: Literal["detector"]
    """Type of the function."""
    model: ModelSource
    """Path of the model file, relative to the manifest: ONNX, or OpenVINO IR for the CPU variant
    only. To download the file: `{url, sha256}`, or `{wheel, file, sha256}` for a file in a PyPI
    package."""
    labels: (
        Annotated[str, Field(min_length=1)]
        | Annotated[tuple[Name | Label, ...], Field(min_length=1)]
    )
    """List of names or labels, in the order of the model's classes; path of a label file (.txt,
    .names, .yaml, .json, .pbtxt); or `metadata`, to read the labels from the model."""
    postprocess: Annotated[
        tuple[entry_model("detector"), ...],  # type: ignore[valid-type]
        Field(min_length=1),
    ]
    """Steps that turn the model's outputs into shapes, in order: a decoder, refinements, shapes."""
    then: tuple[SecondModel, ...] = ()
    """Second models, which find keypoints or attributes of the first model's instances."""
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Default confidence threshold. CVAT's request may override it."""
    on_bad_image: Literal["error", "empty"] = "error"
    """Reply to an image file that cannot be decoded, such as a truncated one. `error`: HTTP 400,
    which ends the whole job in CVAT. `empty`: no shapes, so that the job goes on. Such a frame
    looks like one without objects; only a warning in the function's log names and counts it."""

    def needs_whole_image(self) -> str:
        """See Manifest.needs_whole_image."""
        return "a second model in `then`" if self.then else ""

    def sources(self) -> dict[Path_, ModelSource]:
        """Return the source of each model file; the first model comes first."""
        seconds: dict[Path_, ModelSource] = {
            ("then", index, "model"): it.model for index, it in enumerate(self.then)
        }
        return {("model",): self.model, **seconds}


class _OneOrTwoModels(Manifest):
    """Keys of function types that run one model, or an encoder and a decoder."""

    model: ModelSource | None = None
    """Model file, if the function has a single model; see a detector's `model`."""
    encoder: ModelSource | None = None
    """Model file of the encoder, which takes the image."""
    decoder: ModelSource | None = None
    """Model file of the decoder, which takes the encoder's outputs."""

    @model_validator(mode="after")
    def _check_models(self) -> "_OneOrTwoModels":
        """Check that either `model`, or both `encoder` and `decoder`, are given."""
        given = [key for key in ("model", "encoder", "decoder") if getattr(self, key) is not None]
        allowed = "`model`, or both `encoder` and `decoder`"
        if not given:
            raise Refused("is missing", MISSING_KEY, "model", allowed)
        if "model" in given and len(given) > 1:
            others = " and ".join(f"`{key}`" for key in given[1:])
            what, hint = f"cannot be combined with {others}", f"remove `model` or {others}"
            raise Refused(what, MODEL_BESIDE_ENCODER, "model", allowed, hint)
        if len(given) == 1 and given != ["model"]:
            (one,) = given
            other = "decoder" if one == "encoder" else "encoder"
            hint = f"add `{other}: FILE`, or write `model: FILE` for a single model"
            what = f"needs `{other}` as well"
            raise Refused(what, MISSING_ENCODER_OR_DECODER, one, allowed, hint)
        return self

    def sources(self) -> dict[Path_, ModelSource]:
        """Return the source of each model file; the encoder or the only model comes first."""
        given = {("model",): self.model, ("encoder",): self.encoder, ("decoder",): self.decoder}
        return {path: source for path, source in given.items() if source is not None}


class InteractorManifest(_OneOrTwoModels):
    """An interactor, which segments an object from points and a bounding box."""

    type: Literal["interactor"]
    """Type of the function."""
    postprocess: Annotated[
        tuple[entry_model("interactor"), ...],  # type: ignore[valid-type]
        Field(min_length=1),
    ]
    """Steps that turn prompts into masks, in order: a segmenter, refinements."""
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Default minimum of the score that the model estimates for a mask. A request may override
    it."""
    min_pos_points: Annotated[int, Field(ge=0, le=100)] = 1
    """Minimum number of positive points before CVAT calls the function. A request with fewer and
    without a box, which CVAT sends after a negative first click, gets a reply without shapes."""
    min_neg_points: Annotated[int, Field(ge=-1, le=100)] = 0
    """Minimum number of negative points; -1 disables negative points."""
    start_with_box: Literal["never", "optional", "always"] = "never"
    """Whether the annotator draws a bounding box first."""
    help: SingleLine = ""
    """Instructions that CVAT shows to the annotator."""
    animated_gif: Annotated[str, Field(pattern=patterns.URL)] | None = None
    """URL of an animation that shows how to use the function."""


class TrackerManifest(_OneOrTwoModels):
    """A tracker, which follows shapes from frame to frame."""

    type: Literal["tracker"]
    """Type of the function."""
    supported_shape_types: Annotated[
        tuple[Literal["rectangle", "polygon", "mask"], ...], Field(min_length=1)
    ] = ("rectangle",)
    """Shape types that CVAT may track. Polygons and masks are moved and scaled with their bounding
    box; their outline does not change."""
    postprocess: Annotated[
        tuple[entry_model("tracker"), ...],  # type: ignore[valid-type]
        Field(min_length=1, max_length=1),
    ]
    """One tracking step. An object is lost when its score falls below the step's `threshold`."""
    max_state_bytes: Annotated[int, Field(ge=4096, le=1 << 20)] = MAX_BYTES
    """Maximum size of an object's state in bytes. CVAT sends the state with every frame. Larger
    templates are compressed with losses; shapes with too many points are rejected."""


class ReidManifest(Manifest):
    """A ReID function, which joins bounding boxes of two frames into tracks."""

    type: Literal["reid"]
    """Type of the function."""
    model: ModelSource
    """Model file that turns a crop into a vector; see a detector's `model`."""
    postprocess: Annotated[
        tuple[entry_model("reid"), ...],  # type: ignore[valid-type]
        Field(min_length=1, max_length=1),
    ]
    """One step that turns the model's output into a vector."""
    threshold: Annotated[float, Field(ge=0)] = 0.5
    """Default maximum distance between the vectors of one object. CVAT's request may override
    it."""
    max_distance: Annotated[float, Field(ge=0)] = 50.0
    """Default maximum movement of an object's center between the two frames, in pixels. CVAT's
    request may override it."""

    def sources(self) -> dict[Path_, ModelSource]:
        """Return the source of each model file; the first model comes first."""
        return {("model",): self.model}


MANIFESTS: dict[str, type[Manifest]] = {
    "detector": DetectorManifest,
    "interactor": InteractorManifest,
    "tracker": TrackerManifest,
    "reid": ReidManifest,
}
"""Function type -> the class of its manifests."""
