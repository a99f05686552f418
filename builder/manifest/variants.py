"""What a manifest says of the CPU and the GPU variant: how they are built and run."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from builder.diagnostics.errors import Refused
from builder.manifest import patterns
from builder.manifest.model_source import PipPackage
from builder.manifest.validation import Strict

VariantName = Literal["cpu", "gpu"]
VARIANTS: tuple[VariantName, ...] = ("cpu", "gpu")

Quantity = Annotated[str, Field(pattern=patterns.QUANTITY)]
Duration = Annotated[str, Field(pattern=patterns.DURATION, min_length=2)]
AptPackage = Annotated[str, Field(pattern=patterns.APT_PACKAGE)]
ImageName = Annotated[str, Field(pattern=patterns.IMAGE, max_length=255)]
EnvName = Annotated[str, Field(pattern=patterns.ENV_NAME)]
EnvValue = Annotated[str, Field(pattern=patterns.ENV_VALUE)]


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
    model. Default: 2 for the CPU variant, 1 for the GPU variant and for interactors, whose workers
    would not share what they know of an image."""
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

    @model_validator(mode="after")
    def _one_at_least(self) -> "Variants":
        """A function without any variant is none."""
        if not self.cpu and not self.gpu:
            raise Refused("both variants are switched off; nothing would be built", "variants-off")
        return self


def workers_of(kind: str, variant: CpuVariant | GpuVariant) -> int:
    """How many workers a variant has, each with its own copy of the model.

    Args:
        kind: of the function.
        variant: its settings.
    """
    # Workers are processes: each would have to look at an image before it can answer clicks on it.
    alone = isinstance(variant, GpuVariant) or kind == "interactor"
    return variant.workers or (1 if alone else 2)
