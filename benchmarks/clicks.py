"""Time of an interactor's second request for an image, compared with the first.

    python benchmarks/clicks.py

The encoder has the cost of SAM's smallest encoder, about 370 billion multiply-adds, and the decoder
that of SAM's; the weights are random, so the masks have no meaning. The image is a 1920x1080 PNG.
Requests pass through the service, as in Nuclio. Only the ratio is comparable between machines.
"""

import os
import statistics
import sys
import tempfile
from base64 import b64encode
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "manifests" / "models")]

import clicks
import orjson

from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.interactor import Interactor
from runtimes.network import Network
from runtimes.preprocess.resize import Letterbox
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.segmenters.sam import Sam
from runtimes.service import VARIANT, Service

WIDTH, HEIGHT, REPEATS, LAYERS = 1920, 1080, 5, 20
"""LAYERS 3x3 convolutions of 720 channels on 64x64 cells are 370 billion multiply-adds."""
CHANNELS = 720


def heavy_encoder() -> onnx.ModelProto:
    """Return a model with the inputs, outputs and cost of SAM's encoder."""
    rng = np.random.default_rng(0)
    nodes, weights = [], []

    def layer(source: str, number: int, sizes: tuple[int, int, int], **attributes: Any) -> str:
        """Add a convolution with random weights that keeps the scale of its input."""
        out, into, side = sizes
        scale = np.sqrt(2 / (into * side * side))
        kernel = (rng.normal(size=(out, into, side, side)) * scale).astype(np.float32)
        weights.append(numpy_helper.from_array(kernel, f"kernel_{number}"))
        nodes.append(
            helper.make_node("Conv", [source, f"kernel_{number}"], [f"raw_{number}"], **attributes)
        )
        nodes.append(helper.make_node("Relu", [f"raw_{number}"], [f"out_{number}"]))
        return f"out_{number}"

    last = layer("image", 0, (CHANNELS, 3, 16), strides=[16, 16])
    for number in range(1, LAYERS + 1):
        last = layer(last, number, (CHANNELS, CHANNELS, 3), pads=[1, 1, 1, 1])
    last = layer(last, LAYERS + 1, (256, CHANNELS, 1))
    nodes.append(helper.make_node("Identity", [last], ["image_embeddings"]))
    graph = helper.make_graph(
        nodes,
        "heavy",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 1024, 1024])],
        [helper.make_tensor_value_info("image_embeddings", TensorProto.FLOAT, [1, 256, 64, 64])],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def photo(seed: int) -> str:
    """Return a noisy image as base64 of a PNG."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    image = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    _, data = cv2.imencode(".png", image)
    return b64encode(data.tobytes()).decode()


def main() -> None:
    """Print the times of the first and the second request in both runtimes."""
    preprocess = (
        Letterbox((1024, 1024), (124, 116, 104), "top_left"),
        Channels("rgb"),
        Normalize(1, (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
        Layout("nchw"),
    )
    bodies = [
        orjson.dumps(
            {"image": photo(seed), "pos_points": [[900, 500]], "neg_points": [], "obj_bbox": []}
        )
        for seed in range(REPEATS)
    ]
    print(f"images of {WIDTH}x{HEIGHT}, requests of {len(bodies[0]) / 2**20:.1f} MiB")
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(heavy_encoder(), Path(folder) / "encoder.onnx")
        onnx.save(clicks.sam_decoder(), Path(folder) / "decoder.onnx")
        runtime = OnnxRuntime(device="cpu")
        encoder, decoder = (
            runtime.open(Path(folder) / f"{name}.onnx").signature for name in ("encoder", "decoder")
        )
        step = Sam().bind(decoder, encoder)
        network = Network("encoder.onnx", "image", preprocess)
        for name, backend in (("OpenVINO", OpenVino()), ("ONNX Runtime", runtime)):
            measure(name, Interactor(0.0, network, "decoder.onnx", step), backend, folder, bodies)


def measure(
    name: str, interactor: Interactor, backend: Any, folder: str, bodies: list[bytes]
) -> None:
    """Send two requests for every image and print the medians."""
    lines: list[str] = []
    logger = SimpleNamespace(info=lines.append, warn=lines.append, error=lines.append)
    context = SimpleNamespace(logger=logger, Response=SimpleNamespace)
    os.environ[VARIANT] = "cpu"
    service = Service.start(interactor, {"cpu": backend}, Path(folder), logger)
    times: tuple[list[float], list[float]] = ([], [])
    for body in bodies:
        for clicked in times:
            start = perf_counter()
            response = service.answer(context, SimpleNamespace(body=body))
            clicked.append((perf_counter() - start) * 1000)
            assert response.status_code == 200, response.body
    first, second = map(statistics.median, times)
    print(f"{name}\n  first click   {first:8.1f} ms\n  second click  {second:8.1f} ms")
    print(f"  ratio         {second / first:8.3f}")
    print(f"  {lines[-2]}\n  {lines[-1]}")


if __name__ == "__main__":
    main()
