"""CUDA graphs of models whose shapes are not fixed."""

from collections.abc import Iterator

from builder.backends.onnxruntime_cuda import CudaSettings
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.lint.scene import Scene
from runtimes.signature import listed

CUDA_GRAPH_OPEN_SHAPES = Rule(
    "cuda-graph-open-shapes",
    "CUDA graph needs fixed shapes",
    "A CUDA graph replays operations on fixed addresses, so the GPU variant fails at its start or "
    "returns wrong results.",
)


def find(scene: Scene) -> Iterator[Problem]:
    """Yield a problem for the first model with a dynamic axis."""
    for path, settings in scene.variants():
        if not isinstance(settings, CudaSettings) or not settings.cuda_graph:
            continue
        for model in scene.models.values():
            signature = model.signature
            dynamic = [it for it in (*signature.inputs, *signature.outputs) if None in it.shape]
            if dynamic:
                yield scene.problem(
                    CUDA_GRAPH_OPEN_SHAPES,
                    (*path, "cuda_graph"),
                    f"{model.name} has {len(dynamic)} inputs and outputs of a dynamic size",
                    listed(dynamic[:3]) + (", ..." if len(dynamic) > 3 else ""),
                    "inputs and outputs with fixed sizes, the batch size included",
                    "remove `cuda_graph`, or export the model with a fixed size",
                )
                return
