"""Conversion of a function's models to reduced precision, and its effect on the results."""

import importlib.metadata
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from builder import __version__
from builder.backends.backend import BackendSettings
from builder.backends.precision import Precision
from builder.backends.registry import backend_of
from builder.datasets.drawn import pictures
from builder.diagnostics.errors import ManifestError
from builder.diagnostics.files import sha256
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.manifest.variants import VariantName
from builder.plan import difference
from builder.plan.calibration import Calibration, read_image
from builder.plan.content import Content, read
from builder.plan.difference import Difference
from builder.plan.examination import Examination
from builder.plan.plan import Plan
from builder.plan.reduction import CONVERSION
from runtimes.arrays import Array
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.session import Backend, Session
from runtimes.detector import Detector

if TYPE_CHECKING:
    pass

_ALONE = RLock()
"""Functions are built in several threads, but conversions need much memory and all cores."""


@dataclass(frozen=True)
class Reducer:
    """Converts the models of one variant.

    Attributes:
        plan: the plan with models and function in float32.
        variant: the variant.
        precision: the precision of its models: fp16 or int8.
    """

    plan: Plan
    variant: VariantName
    precision: Precision

    @cached_property
    def recipe(self) -> bytes:
        """All that determines a converted model beside the model."""
        given = self._calibration
        models = self.plan.models
        beside = [it for model in models for it in list(model.files.values())[1:]]
        recipe: dict[str, object] = {
            "precision": self.precision,
            "versions": _versions(),
            "weights": [sha256(it) for it in beside],
        }
        if self.precision == "int8":
            manifest = self.plan.manifest
            recipe["with outputs"] = self._with_outputs
            recipe["inputs"] = repr((manifest.type, manifest.preprocess))
            recipe["images"] = given.digests(given.calibrating) if given else {}
        return json.dumps(recipe, sort_keys=True).encode()

    @cached_property
    def circumstances(self) -> bytes:
        """All that determines the difference beside the models."""
        given = [self.recipe.decode(), repr(self.plan.function), self.digests]
        return json.dumps(given, sort_keys=True).encode()

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """The digests of the images of the calibration folder that are used."""
        given = self._calibration
        if given is None:
            return {}
        return given.digests(given.used(self.precision))

    def change(self, name: str) -> Callable[[Content], bytes]:
        """Return what converts the content of a model file.

        It raises ManifestError if the model cannot be converted.
        """

        def changed(content: Content) -> bytes:
            with _ALONE:
                return self._converted(name, content)

        return changed

    def measure(self, contents: Mapping[str, Content]) -> Difference:
        """Return the difference of the results from those in float32.

        Args:
            contents: name of each model file in float32 -> the converted one.

        Raises:
            ManifestError: an image cannot be read, or the function fails.
        """
        with _ALONE:
            return self._measured(contents)

    def _measured(self, contents: Mapping[str, Content]) -> Difference:
        """Return the difference; see `measure`."""
        given = self._calibration
        if given is None:
            images = list(pictures().values())
        else:
            files = given.measuring if self.precision == "int8" else given.all
            images = [self._image(it) for it in files]
        exact = Examination(self.plan.function, self._names, self._open)
        before = list(self._examined(exact, images))
        with tempfile.TemporaryDirectory() as folder:

            def opened(name: str) -> Session:
                path = Path(folder) / name
                path.write_bytes(read(contents[name]))
                if self.precision == "int8":
                    return self._runtime.open(path)
                from builder.model.rounding import open_rounding

                return open_rounding(path)

            reduced = Examination(self.plan.function, self._names, opened)
            after = list(self._examined(reduced, images))
        function = self.plan.function
        return difference.measured(
            before,
            after,
            self._settings.max_difference.of(self.precision),
            function.threshold if isinstance(function, Detector) else 0,
            sorted(reduced.not_finite - exact.not_finite),
        )

    @property
    def _settings(self) -> BackendSettings:
        return self.plan.settings(self.variant).part(BackendSettings)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(it.name for it in self.plan.models)

    @cached_property
    def _calibration(self) -> Calibration | None:
        """The images of the manifest; None if it names no folder."""
        named = self._settings.calibration
        if named is None:
            return None
        return Calibration.find(named, self.plan.file, self._path("calibration"))

    @cached_property
    def _runtime(self) -> Backend:
        """The runtime of the variant; ONNX Runtime on the CPU for the GPU variant."""
        settings = self.plan.settings(self.variant)
        if self.variant == "gpu":
            return OnnxRuntime("cpu", low_memory=True)
        return backend_of(settings).adapter(settings)

    @property
    def _with_outputs(self) -> bool:
        """Whether outputs of layers are quantized; see builder.model.quantization."""
        return isinstance(self._runtime, OnnxRuntime)

    def _converted(self, name: str, content: Content) -> bytes:
        """Return a converted model.

        Raises:
            ManifestError: it cannot be converted.
        """
        import onnx

        from builder.model.half_precision import in_half_precision
        from builder.model.quantization import quantized

        try:
            # A path, so that weights in another file are found.
            model = onnx.load(content if isinstance(content, Path) else BytesIO(read(content)))
            if self.precision == "fp16":
                made = in_half_precision(model)
            else:
                feeds = self._feeds(name)
                made = quantized(model, feeds, with_outputs=self._with_outputs)
            data: bytes = made.SerializeToString(deterministic=True)
        except ManifestError:
            raise
        except Exception as error:  # of onnx, protobuf and ONNX Runtime, without a common base
            reason = " ".join(str(error).split())[:300]
            raise self._error(f"{name} cannot be converted: {reason}", CONVERSION) from error
        if self.precision == "int8" and len(made.graph.node) == len(model.graph.node):
            what = f"{name} has no layers that can be quantized"
            raise self._error(what, CONVERSION, hint="remove `precision`")
        return data

    def _feeds(self, name: str) -> Iterator[Mapping[str, Array]]:
        """Yield the inputs of a model file in each of its runs on the calibrating images."""
        assert self._calibration is not None
        waiting: list[Mapping[str, Array]] = []

        def watch(file: str, inputs: Mapping[str, Array]) -> None:
            if file == name:
                waiting.append({key: value.copy() for key, value in inputs.items()})

        examination = Examination(self.plan.function, self._names, self._open, watch)
        images = map(self._image, self._calibration.calibrating)
        for _ in self._examined(examination, images):
            yield from waiting
            waiting.clear()

    def _examined(
        self, examination: Examination, images: Iterable[bytes]
    ) -> Iterator[dict[str, Array]]:
        """Yield the results of an examination.

        Raises:
            ManifestError: the function fails.
        """
        results = examination(images)
        while True:
            try:
                found = next(results, None)
            except ManifestError:
                raise
            except Exception as error:  # of a step or a runtime; these have no common base class
                reason = " ".join(str(error).split())[:300]
                raise self._error(f"the function fails: {reason}", CONVERSION) from error
            if found is None:
                return
            yield found

    def _open(self, name: str) -> Session:
        """Load a model in float32."""
        model = next(it for it in self.plan.models if it.name == name)
        return self._runtime.open(model.files[name].resolve())

    def _image(self, file: Path) -> bytes:
        """Return an image file of the calibration folder."""
        return read_image(file, self.plan.file, self._path("calibration"))

    def _path(self, key: str) -> Path_:
        """Return the path of a key of the variant."""
        return ("variants", self.variant, key)

    def _error(self, what: str, rule: Rule, hint: str = "") -> ManifestError:
        """Return an error with the variant's key `precision`."""
        path = self._path("precision")
        return ManifestError(Problem(what, self.plan.file, path=path, hint=hint, rule=rule))


def _versions() -> dict[str, str]:
    """Return the versions of the packages that convert models."""
    found = {"cvatbuild": __version__}
    for package in ("onnx", "onnxruntime", "onnxruntime-gpu"):
        with suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found
