import pytest

from runtimes.backends.cuda import Cuda


def test_the_defaults_leave_the_arena_without_a_limit_and_record_no_graph() -> None:
    # Names, values and defaults: onnxruntime.ai/docs/execution-providers/
    # CUDA-ExecutionProvider.html. Only TF32 differs from ONNX Runtime's default.
    assert Cuda().options(tf32=False) == {
        "use_tf32": "0",
        "cudnn_conv_algo_search": "EXHAUSTIVE",
        "arena_extend_strategy": "kNextPowerOfTwo",
    }


def test_every_option_reaches_the_provider() -> None:
    cuda = Cuda("HEURISTIC", "kSameAsRequested", gpu_mem_limit=2**31, enable_cuda_graph=True)
    assert cuda.options(tf32=True) == {
        "use_tf32": "1",
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",
        "gpu_mem_limit": "2147483648",
        "enable_cuda_graph": "1",
    }


@pytest.mark.parametrize("search", ["HEURISTIC", "DEFAULT"])
def test_a_session_can_have_another_search(search: str) -> None:
    found = Cuda().options(tf32=False, search=search)  # type: ignore[arg-type]
    assert found["cudnn_conv_algo_search"] == search
