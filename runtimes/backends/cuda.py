"""Options of ONNX Runtime's CUDA provider."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Search: TypeAlias = Literal["EXHAUSTIVE", "HEURISTIC", "DEFAULT"]
"""How cuDNN's algorithm for a convolution is chosen: by timing all of them, by a heuristic, or by
taking a fixed one."""

ArenaStrategy: TypeAlias = Literal["kNextPowerOfTwo", "kSameAsRequested"]
"""How the arena of GPU memory grows: by doubling, or by the size that is needed."""


@dataclass(frozen=True, slots=True)
class Cuda:
    """Options of the CUDA provider; names and values are those of ONNX Runtime.

    Source: onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html.

    Attributes:
        cudnn_conv_algo_search: how the algorithms of convolutions are chosen. The choice is made
            again at each change of the input's shape.
        arena_extend_strategy: how the arena grows.
        gpu_mem_limit: the maximum size of the arena in bytes; 0 for no limit. CUDA's own memory and
            that of cuDNN are not part of it.
        enable_cuda_graph: whether the operations of a run are recorded once and replayed as one.
            All shapes must be fixed, and all operations must run on the GPU.
    """

    cudnn_conv_algo_search: Search = "EXHAUSTIVE"
    arena_extend_strategy: ArenaStrategy = "kNextPowerOfTwo"
    gpu_mem_limit: int = 0
    enable_cuda_graph: bool = False

    def options(self, *, tf32: bool, search: Search | None = None) -> dict[str, str]:
        """Return the provider's options as ONNX Runtime takes them.

        Args:
            tf32: whether convolutions and matrix products may use TF32.
            search: replaces `cudnn_conv_algo_search`.
        """
        given = {
            "use_tf32": str(int(tf32)),
            "cudnn_conv_algo_search": search or self.cudnn_conv_algo_search,
            "arena_extend_strategy": self.arena_extend_strategy,
        }
        if self.gpu_mem_limit:
            given["gpu_mem_limit"] = str(self.gpu_mem_limit)
        if self.enable_cuda_graph:
            given["enable_cuda_graph"] = "1"
        return given
