"""The base class of backends: inference runtimes on one kind of device."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from builder.backends.pins import ONNX_VERSIONS, OnnxVersions
from builder.backends.precision import PRECISION_SETTINGS, REDUCED, Limits, Precision
from builder.diagnostics.errors import Refused
from builder.manifest.quantity import amount
from builder.manifest.variants import Platform, VariantName, VariantSettings
from runtimes.arrays import Array
from runtimes.backends.session import Backend as Adapter
from runtimes.backends.varying_input import VaryingInput

FORMATS = {"onnx": "ONNX file", "ir": "OpenVINO IR"}
"""Format of a model file, as in builder.model.file.Model.format -> its name in messages."""


class BackendSettings(VariantSettings):
    """The keys of a variant that every backend reads."""

    threads: Annotated[int, Field(ge=0, le=1024)] = 0
    """Number of CPU threads of one worker. 0: the CPU limit divided by the number of workers,
    rounded down, but at least 1; without a limit, the cores that the container may use are divided
    at start."""
    calibration: Annotated[str, Field(min_length=1)] | None = None
    """Folder with images like those that the function will get, relative to the manifest. Four of
    five calibrate `precision: int8`, which requires them; the difference from float32 is measured
    on the others. `precision: fp16` is measured on all of them; by default, on drawn pictures."""
    max_difference: Limits = Limits()
    """Largest differences from float32 that a build accepts, for `precision: fp16` and `int8`. They
    hold for 19 of 20 objects."""

    @model_validator(mode="after")
    def _check_calibration(self) -> "BackendSettings":
        """Check that there is a calibration if and only if it is used."""
        if self.reduced == "int8" and self.calibration is None:
            what = "is missing: `precision: int8` needs images"
            hint = "add `calibration: FOLDER`, with 100 to 300 images"
            raise Refused(what, PRECISION_SETTINGS, "calibration", hint=hint)
        if self.reduced is None:
            unused = {"calibration": self.calibration is not None}
            unused["max_difference"] = self.max_difference != Limits()
            for key in (key for key, given in unused.items() if given):
                suitable = "fp16" if self.NAME == "gpu" else "int8"
                raise Refused(
                    f"is not used without `precision: {suitable}`",
                    PRECISION_SETTINGS,
                    key,
                    hint=f"remove the key, or add `precision: {suitable}`",
                )
        return self

    @property
    def reduced(self) -> Precision | None:
        """The precision of the variant's own model files; None if it has none."""
        precision: Precision = getattr(self, "precision", "float32")
        return precision if precision in REDUCED else None

    @property
    def suffix(self) -> str:
        """The end of the names of the variant's own model files; empty if it has none."""
        return f"-{self.NAME}" if self.reduced else ""

    def thread_count(self, limit: str | None, workers: int) -> int:
        """Return the number of CPU threads of one worker; 0 to divide the host's cores at start.

        Args:
            limit: the CPU limit of the container as a Kubernetes quantity.
            workers: the number of workers of the function.
        """
        if self.threads or limit is None:
            return self.threads
        return max(1, int(amount(limit) / workers))


class Backend(ABC):
    """An inference runtime on one kind of device.

    A module of builder.backends declares one subclass; builder.backends.registry finds it there.
    The module is imported at each start of the tool, so it imports the runtime only where needed.
    """

    name: ClassVar[str]
    """The value of the manifest's key `runtime` that selects the backend."""
    variant: ClassVar[VariantName]
    """The variant that can use the backend."""
    rank: ClassVar[int] = 0
    """Position among the variant's backends. The one with the lowest rank is the default."""
    advice: ClassVar[str] = ""
    """A sentence for the reference page that says when to select the backend."""
    runtime: ClassVar[str]
    """Name of the inference runtime for messages."""
    title: ClassVar[str]
    """Name of the runtime and, where it is not obvious, the device."""
    module: ClassVar[str]
    """The Python module of the runtime. The backend works on a machine where it is installed."""
    package: ClassVar[str]
    """The package to install for `module`."""
    device: ClassVar[str]
    """The device that functions use, as `devices` names it. Backends that share a `module` have
    different devices."""
    formats: ClassVar[frozenset[str]] = frozenset({"onnx"})
    """The model file formats that the runtime loads: keys of FORMATS."""
    settings: ClassVar[type[BackendSettings]] = BackendSettings
    """The keys that the backend adds to the variant's settings."""
    environment: ClassVar[Mapping[str, str]] = {}
    """Environment variables that the image needs."""
    fallback: ClassVar[dict[str, object]] = {}
    """Fields to replace in the adapter so that a function starts without the device; empty if the
    adapter has no fallback."""
    low_memory: ClassVar[dict[str, object]] = {}
    """Fields to replace in the adapter for trials of large models; empty if none saves
    memory."""

    @abstractmethod
    def packages(self, settings: VariantSettings, platform: Platform = "amd64") -> tuple[str, ...]:
        """Return the runtime's packages with exact versions, from builder.backends.pins."""

    def host(self, settings: VariantSettings, platform: Platform = "amd64") -> str:
        """Return sentences about the machines that can run the variant; empty without a limit."""
        return ""

    @abstractmethod
    def adapter(self, settings: VariantSettings, threads: int = 0, workers: int = 1) -> Adapter:
        """Return the dataclass of `runtimes` that runs models in a function.

        Args:
            settings: the variant's settings.
            threads: see BackendSettings.thread_count.
            workers: the number of workers of the function.
        """

    def with_varying(self, adapter: Adapter, varying: Mapping[str, VaryingInput]) -> Adapter:
        """Return the adapter for models whose inputs vary in shape; the same one by default.

        Args:
            adapter: from `adapter`.
            varying: model file -> how it runs.
        """
        return adapter

    def onnx_versions(
        self, settings: VariantSettings, platform: Platform = "amd64"
    ) -> OnnxVersions | None:
        """Return the newest ONNX files that the runtime loads; None if it loads any version."""
        for package in self.packages(settings, platform):
            name, _, version = package.partition("==")
            if name.split("[")[0] in ("onnxruntime", "onnxruntime-gpu"):
                return ONNX_VERSIONS[version]
        return None

    @property
    def remedy(self) -> str:
        """What to do if the runtime does not compute on the backend's device."""
        return f"pip install --force-reinstall {self.package}"

    def devices(self) -> Sequence[str]:
        """Return the devices of this machine to try, in a child process of `cvatbuild doctor`."""
        return (self.device,)

    def device_title(self, device: str) -> str:
        """Return the product name of a device, or an empty text."""
        return ""

    def compute(self, device: str, model: Path, values: Mapping[str, Array]) -> list[Array]:
        """Run a model on a device in a child process of `cvatbuild doctor`.

        Args:
            device: one of `devices`.
            model: an ONNX file.
            values: one array for each input, by name.

        Returns:
            All outputs.
        """
        return list(self.adapter(self.settings()).open(model).run(values).values())
