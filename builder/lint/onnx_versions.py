"""ONNX files whose version the runtimes of the variants do not load."""

from collections.abc import Iterator
from typing import cast

from builder.backends.backend import Backend
from builder.backends.pins import DOMAIN_VERSIONS, OLDEST_OPSET, OnnxVersions
from builder.backends.registry import backend_of
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.lint.scene import Scene
from builder.manifest.variants import Platform, Variant
from builder.model.graph import Graph

ONNX_VERSION = Rule(
    "onnx-version",
    "Runtime does not load this ONNX version",
    "The function would not start.",
)


def find(scene: Scene) -> Iterator[Problem]:
    """Yield models whose IR version or opset a variant's runtime does not load."""
    platform = scene.manifest_file.manifest.platform
    for _, deployment in scene.variants():
        settings = cast(Variant, deployment)
        backend = backend_of(settings)
        limits = backend.onnx_versions(settings, platform)
        for path, model in scene.models.items() if limits else ():
            assert limits is not None
            graph = model.graph
            of_file = (
                f"opset {OLDEST_OPSET} to {limits.opset}, IR version up to {limits.ir_version}"
            )
            faults = [(*it, of_file) for it in _faults(graph, limits)]
            for what, hint, allowed in (*faults, *_domain_faults(graph)):
                yield scene.problem(
                    ONNX_VERSION,
                    path,
                    f"{_runtime(backend, settings, platform)} of the {settings.NAME} variant does "
                    f"not load {what}",
                    f"{graph.description}, IR version {graph.ir_version}",
                    allowed,
                    hint,
                )


def _runtime(backend: Backend, settings: Variant, platform: Platform) -> str:
    """Return the name of a runtime with its version."""
    pins = backend.packages(settings, platform)
    version = next(it.partition("==")[2] for it in pins if it.startswith(backend.module))
    return f"{backend.runtime} {version}"


def _domain_faults(graph: Graph) -> Iterator[tuple[str, str, str]]:
    """Yield the versions of other operator sets that ONNX Runtime does not load.

    Yields:
        The version, a hint, and the versions that it loads.
    """
    for domain, version in graph.domain_versions.items():
        newest = DOMAIN_VERSIONS.get(domain)
        if newest is None or version <= newest:
            continue
        hint = f"export the model with version {newest} of {domain}"
        if domain not in graph.domains:
            hint = "no operator of it is used: remove it from `opset_import` and save the model"
        yield f"version {version} of the operators of {domain}", hint, f"{domain} up to {newest}"


def _faults(graph: Graph, limits: OnnxVersions) -> Iterator[tuple[str, str]]:
    """Yield the versions that the runtime does not load, each with a hint."""
    opset, ir_version = graph.opset, graph.ir_version
    if opset is not None and not OLDEST_OPSET <= opset <= limits.opset:
        target = min(max(opset, OLDEST_OPSET), limits.opset)
        convert = f"onnx.version_converter.convert_version(model, {target})"
        yield (
            f"opset {opset}",
            f"export the model with opset {target}, or convert it with `{convert}`",
        )
    if ir_version is not None and ir_version > limits.ir_version:
        target = limits.ir_version
        yield (
            f"IR version {ir_version}",
            f"load the model with `onnx.load`, set `model.ir_version = {target}`, and save it",
        )
