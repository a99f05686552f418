"""Times of the GPU variant's options on this machine: precision, buffers, image sizes, decoding.

    python benchmarks/gpu.py [--cpu] [--rounds N] [--json FILE]

It needs an NVIDIA GPU, `pip install 'onnxruntime-gpu[cuda,cudnn]'`, and for the decoder
`nvidia-nvimgcodec-cu12[nvjpeg]` or `nvidia-nvimgcodec-cu13[nvjpeg]`. The model is a generated
detector of about 86 GFLOP at 640x640 with random weights.

- "One size" runs the model on one array. The difference is the largest one to the CPU's outputs,
  divided by the largest output.
- "Sizes that vary" prepares and runs images of 50 sizes in turn, and then images of one size. Times
  are those of the stage `inference`. docs/gpu.md explains the search and the buckets.
- "Image decoding" decodes generated JPEG files. The difference is in gray levels, to OpenCV.

With `--cpu`, everything runs on the CPU with a tiny model: a test of this script, whose times say
nothing about a GPU.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

sys.path.insert(0, str(Path(__file__).parent))

import cv2
import numpy as np
import onnx
import onnxruntime
from examples import machine
from onnx import TensorProto, helper, numpy_helper

from builder.plan.varying_inputs import input_sizes
from runtimes import gpu_jpeg, jpeg
from runtimes.arrays import Array, Size
from runtimes.backends.cuda import Cuda, Search
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.session import Session
from runtimes.backends.varying_input import VaryingInput, VaryingSession
from runtimes.clock import Clock
from runtimes.network import Network, OpenNetwork
from runtimes.picture import Picture
from runtimes.preprocess.resize import Letterbox
from runtimes.preprocess.values import Channels, Layout, Normalize

Decode: TypeAlias = Callable[[bytes], Array | None]

SEARCHES: tuple[Search, ...] = ("EXHAUSTIVE", "HEURISTIC", "DEFAULT")
WARM_UP = 3


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the measured things are.

    Attributes:
        side: of the model's input, in pixels.
        width: number of channels of the model's first layer.
        depth: number of convolutions of each stage of the model.
        sizes: number of different image sizes.
        images: names and sizes of the images to decode.
    """

    side: int
    width: int
    depth: int
    sizes: int
    images: dict[str, Size]


GPU = Scale(
    640, 56, 4, 50, {"640x480": (480, 640), "1920x1080": (1080, 1920), "3840x2160": (2160, 3840)}
)
CPU = Scale(96, 4, 1, 6, {"160x120": (120, 160), "320x240": (240, 320)})


def write_model(path: Path, scale: Scale, shape: tuple[int | str, ...]) -> Path:
    """Write a network with a YOLO-like backbone and heads for strides of 8, 16 and 32."""
    rng = np.random.default_rng(0)
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []

    def conv(source: str, inputs: int, outputs: int, stride: int = 1, side: int = 3) -> str:
        name = f"t{len(nodes)}"
        deviation = np.sqrt(2 / (inputs * side * side))
        values = rng.normal(0, deviation, (outputs, inputs, side, side)).astype(np.float32)
        weights.append(numpy_helper.from_array(values, f"{name}.w"))
        pads, strides = [side // 2] * 4, [stride, stride]
        nodes.append(
            helper.make_node("Conv", [source, f"{name}.w"], [name], strides=strides, pads=pads)
        )
        nodes.append(helper.make_node("Relu", [name], [f"{name}.r"]))
        return f"{name}.r"

    at, channels = conv("images", 3, scale.width, 2), scale.width
    heads = []
    for stage, following in enumerate((2, 4, 8, 8)):
        at, channels = conv(at, channels, following * scale.width, 2), following * scale.width
        for _ in range(scale.depth):
            at = conv(at, channels, channels)
        if stage:
            heads.append(conv(at, channels, 84, side=1))
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, head_shape(shape, 8 << number))
        for number, name in enumerate(heads)
    ]
    given = helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "detector", [given], outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


def head_shape(shape: tuple[int | str, ...], stride: int) -> list[int | str]:
    """Return the shape of a head's output for an input shape."""
    sides = [
        it // stride if isinstance(it, int) else f"{it}{number}_{stride}"
        for number, it in enumerate(shape[2:])
    ]
    return [1, 84, *sides]


def milliseconds(action: Callable[[], object], rounds: int) -> list[float]:
    """Return the time of each run of an action, after some runs that do not count."""
    for _ in range(WARM_UP):
        action()
    times = []
    for _ in range(rounds):
        start = perf_counter()
        action()
        times.append((perf_counter() - start) * 1000)
    return times


def difference(found: dict[str, Array], wanted: dict[str, Array]) -> float:
    """Return the largest difference of all outputs, divided by the largest output."""
    most = max(float(np.abs(it).max()) for it in wanted.values())
    return max(float(np.abs(found[name] - wanted[name]).max()) for name in wanted) / most


def one_size(
    file: Path, backend: OnnxRuntime, scale: Scale, rounds: int
) -> Iterator[dict[str, Any]]:
    """Yield a row for each option of the CUDA provider."""
    values = np.random.default_rng(1).random((1, 3, scale.side, scale.side), np.float32)
    inputs = {"images": values}
    wanted = OnnxRuntime("cpu").open(file).run(inputs)
    options: dict[str, OnnxRuntime] = {
        "float32": backend,
        "tf32": replace(backend, precision="tf32"),
        **{f"float32, {it}": replace(backend, cuda=Cuda(it)) for it in SEARCHES[1:]},
        "float32, CUDA graph": replace(backend, cuda=Cuda(enable_cuda_graph=True)),
    }
    for name, option in options.items():
        start = perf_counter()
        session = option.open(file)
        loaded = perf_counter()
        found = session.run(inputs)
        first = perf_counter()
        yield {
            "option": name,
            "load s": round(loaded - start, 2),
            "first run s": round(first - loaded, 2),
            "ms": median(milliseconds(partial(session.run, inputs), rounds)),
            "difference": f"{difference(found, wanted):.1e}",
        }
    # What `Session.run` of ONNX Runtime takes, which allocates its buffers in each run.
    provider = ("CUDAExecutionProvider", Cuda().options(tf32=False))
    providers = [provider] if backend.device == "cuda" else ["CPUExecutionProvider"]
    plain = onnxruntime.InferenceSession(file, providers=providers)
    yield {
        "option": "float32, without bound buffers",
        "ms": median(milliseconds(partial(plain.run, None, inputs), rounds)),
    }


def varying_sizes(
    file: Path, backend: OnnxRuntime, scale: Scale, rounds: int
) -> Iterator[dict[str, Any]]:
    """Yield a row for each search without buckets, and one with buckets."""
    rng = np.random.default_rng(2)
    steps = (
        Letterbox(size=(scale.side, scale.side), stride=32),
        Channels("rgb"),
        Normalize(),
        Layout("nchw"),
    )
    network = Network(file.name, "images", steps)
    sides = rng.integers(scale.side // 3, 2 * scale.side, (scale.sizes, 2)).tolist()
    pictures = [Picture.whole(rng.integers(0, 256, (*it, 3), dtype=np.uint8)) for it in sides]
    (tensor,) = OnnxRuntime("cpu").open(file).signature.inputs
    sizes = input_sizes(network, tensor)
    assert sizes is not None
    for name, varying in {
        **{it: VaryingInput(search=it) for it in SEARCHES},
        f"{len(sizes.usual)} buckets": VaryingInput(sizes.usual),
    }.items():

        def start(search: Search | None) -> Session:
            return replace(backend, cuda=Cuda(search or "EXHAUSTIVE")).open(file)

        begun = perf_counter()
        first = start(None if varying.buckets else varying.search)
        opened = OpenNetwork(network, VaryingSession(varying, first, start))
        seconds = perf_counter() - begun
        opened.run(pictures[0], Clock())
        mixed = [inference(opened, it) for it in pictures]
        again = [inference(opened, it) for it in pictures]
        equal = [inference(opened, pictures[0]) for _ in range(rounds + 1)][1:]
        yield {
            "search": name,
            "shapes": len({opened.prepare(it)[0].shape for it in pictures}),
            "start s": round(seconds, 2),
            "first round, p50": median(mixed),
            "second round, p50": median(again),
            "second round, p95": round(float(np.percentile(again, 95)), 2),
            "same size, p50": median(equal),
        }


def inference(network: OpenNetwork, picture: Picture) -> float:
    """Return the milliseconds of the stage `inference` of one image."""
    clock = Clock()
    network.run(picture, clock)
    return clock.stages["inference"]


def decoding(scale: Scale, rounds: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each decoder and size of image."""
    rng = np.random.default_rng(3)
    decoders: dict[str, Decode] = {
        "OpenCV": lambda data: np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), 1)),
        "simplejpeg": jpeg.decode,
    }
    if gpu_jpeg.start():
        decoders["nvImageCodec"] = gpu_jpeg.decode
    for size, (height, width) in scale.images.items():
        small = rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
        pixels = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
        data = cv2.imencode(".jpg", pixels)[1].tobytes()
        wanted = decoders["OpenCV"](data)
        assert wanted is not None
        for name, decode in decoders.items():
            found = decode(data)
            if found is not None:
                gap = np.abs(found.astype(int) - wanted)
                yield {
                    "decoder": name,
                    "image": size,
                    "kB": len(data) // 1000,
                    "ms": median(milliseconds(partial(decode, data), rounds)),
                    "largest difference": int(gap.max()),
                    "mean difference": round(float(gap.mean()), 4),
                }


def median(values: list[float]) -> float:
    """Return the median, rounded for the table."""
    return round(statistics.median(values), 2)


def table(title: str, rows: list[dict[str, Any]]) -> str:
    """Return rows as a table in Markdown."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(row.get(key, "")) for key in columns) + " |" for row in rows]
    return "\n".join([f"\n{title}\n", *lines])


def main() -> None:
    """Measure everything, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpu", action="store_true", help="test this script without a GPU")
    parser.add_argument("--rounds", type=int, default=30, help="runs of each measurement")
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    given = parser.parse_args()
    scale = CPU if given.cpu else GPU
    backend = OnnxRuntime("cpu" if given.cpu else "cuda", cuda=Cuda())
    with tempfile.TemporaryDirectory() as folder:
        fixed = write_model(Path(folder) / "fixed.onnx", scale, (1, 3, scale.side, scale.side))
        open_size = write_model(Path(folder) / "open.onnx", scale, (1, 3, "height", "width"))
        print(f"{machine()}; {backend.open(fixed).device}", flush=True)
        measured: dict[str, list[dict[str, Any]]] = {}
        for title, rows in (
            ("One size", one_size(fixed, backend, scale, given.rounds)),
            ("Sizes that vary", varying_sizes(open_size, backend, scale, given.rounds)),
            ("Image decoding", decoding(scale, given.rounds)),
        ):
            measured[title] = list(rows)
            print(table(title, measured[title]), flush=True)
    if given.json:
        given.json.write_text(json.dumps(measured, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
