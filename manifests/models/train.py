"""Train one of the example networks on generated images and export it to ONNX.

    python train.py --task detect --out shapes-detect.onnx --checkpoint detect.pt
    python train.py --task segment --init detect.pt --out shapes-segment.onnx
    python train.py --task pose --init detect.pt --out shapes-pose.onnx
    python train.py --task semantic --init detect.pt --out shapes-semantic.onnx
    python train.py --task obb --init detect.pt --out shapes-obb.onnx
    python train.py --task detect --init detect.pt --steps 0 --out again.onnx  # export alone
    python train.py --evaluate shapes-detect.onnx

Training needs torch 2.13 with onnxscript, onnx, onnxruntime, numpy, opencv-python-headless and
scikit-image; `--evaluate` alone needs no torch.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import math
import multiprocessing
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

# isort: split
import evaluate
import shapes

MAX_OBJECTS = 6
TRAIN_SIZES = ((320, 320),) * 5 + ((320, 240), (240, 320), (320, 200), (640, 480), (480, 640))
FIRST_SEED = {
    "detect": shapes.TRAIN_SEED,
    "segment": shapes.TRAIN_SEED + 100_000,
    "pose": shapes.TRAIN_SEED + 200_000,
    "semantic": shapes.TRAIN_SEED + 300_000,
    "obb": shapes.TRAIN_SEED + 400_000,
}
"""Every task has images of its own, so a network that starts from another still sees new ones."""
CLASSES = {"pose": (0, 1, 2, 3, 3, 3), "obb": evaluate.BAR_CLASSES}
"""The classes of a task's images, where they are not as usual."""
MIRRORED_TIPS = [0, 4, 3, 2, 1]
"""Where each tip of a star comes from when the image is mirrored."""


# --- data ----------------------------------------------------------------------------------------


def make_part(task: str, first: int, count: int, distractors: int) -> dict[str, np.ndarray]:
    """The training samples of `count` consecutive seeds; for poses with more stars than else.

    Returns:
        "images" (n, 3, 320, 320) uint8 RGB, "labels" (n, 6) with -1 for no object, "boxes"
        (n, 6, 4), "keypoints" (n, 6, 5, 3), "oriented" (n, 6, 5); pixels of 320 x 320.  "owners"
        (n, 2, 2, 80, 80) uint8: the four pixels around the middle of each 4 x 4 cell, where
        prototypes have values.
    """
    cv2.setNumThreads(1)
    photos = shapes.load_photos(shapes.TRAIN_PHOTOS)
    part = {
        "images": np.zeros((count, 3, 320, 320), np.uint8),
        "labels": np.full((count, MAX_OBJECTS), -1, np.int64),
        "boxes": np.zeros((count, MAX_OBJECTS, 4), np.float32),
        "keypoints": np.zeros((count, MAX_OBJECTS, 5, 3), np.float32),
        "oriented": np.zeros((count, MAX_OBJECTS, 5), np.float32),
        "owners": np.zeros((count, 2, 2, 80, 80), np.uint8),
    }
    for i in range(count):
        seed = first + i
        width, height = TRAIN_SIZES[seed % len(TRAIN_SIZES)]
        scene = shapes.scene(
            seed,
            width=width,
            height=height,
            photos=photos,
            max_objects=MAX_OBJECTS,
            max_distractors=distractors,
            classes=CLASSES.get(task, (0, 1, 2, 3)),
        )
        truth = evaluate.fit(scene)
        n = len(truth.classes)
        part["images"][i] = truth.image[..., ::-1].transpose(2, 0, 1)
        part["labels"][i, :n] = truth.classes
        part["boxes"][i, :n] = truth.boxes
        part["keypoints"][i, :n] = truth.keypoints
        part["oriented"][i, :n] = truth.oriented
        if task == "obb":
            part["boxes"][i, :n] = evaluate.bounds(truth.oriented)
        for row, column in itertools.product((0, 1), repeat=2):
            part["owners"][i, row, column] = truth.owners[row + 1 :: 4, column + 1 :: 4]
    return part


def make_pool(task: str, count: int, skip: int, distractors: int) -> dict[str, Any]:
    """`count` training samples as tensors, made by two processes."""
    import torch

    step = 250
    first = FIRST_SEED[task] + skip
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        starts = range(first, first + count, step)
        parts = pool.starmap(make_part, [(task, start, step, distractors) for start in starts], 1)
    return {key: torch.from_numpy(np.concatenate([p[key] for p in parts])) for key in parts[0]}


def take(pool: dict[str, Any], index: Any, rng: np.random.Generator) -> dict[str, Any]:
    """A batch of the pool, each image mirrored and recolored at random."""
    import torch

    batch = {key: value[index] for key, value in pool.items()}
    raw = batch["images"].numpy()
    images = np.empty(raw.shape, np.float32)
    for i in range(len(images)):
        image, boxes, keypoints = raw[i], batch["boxes"][i], batch["keypoints"][i]
        if rng.random() < 0.5:
            image = image[:, :, ::-1]
            batch["owners"][i] = batch["owners"][i].flip((1, 3))
            boxes[:, [0, 2]] = 320.0 - boxes[:, [2, 0]]
            keypoints[:] = keypoints[:, MIRRORED_TIPS]
            keypoints[:, :, 0] = 320.0 - keypoints[:, :, 0]
            oriented = batch["oriented"][i]
            oriented[:, 0], oriented[:, 4] = 320.0 - oriented[:, 0], -oriented[:, 4]
        if rng.random() < 0.7:
            image = image[rng.permutation(3)]
        gain, shift = rng.uniform(0.7, 1.15) / 255.0, rng.uniform(-0.08, 0.08)
        if rng.random() < 0.3:
            gain, shift = -gain, shift + 1.0
        np.multiply(image, np.float32(gain), out=images[i])
        images[i] += np.float32(shift)
    np.clip(images, 0.0, 1.0, out=images)
    batch["images"] = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
    return batch


# --- training and export -------------------------------------------------------------------------


def make_network(task: str) -> Any:
    """The untrained network of a task."""
    from network import Network

    if task == "pose":
        return Network(1, keypoints=len(shapes.KEYPOINT_NAMES))
    if task == "obb":
        return Network(1, oriented=True)
    return Network(len(shapes.CLASS_NAMES), masks=task == "segment", semantic=task == "semantic")


def train(args: argparse.Namespace) -> Any:
    """Train a network and return the moving average of its weights, ready for inference."""
    import torch

    # isort: split
    from network import losses

    torch.set_num_threads(2)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    network = make_network(args.task)
    if args.init:
        # What fits is taken over; the parts that only this task has start afresh.
        known, own = torch.load(args.init, weights_only=True), network.state_dict()
        if args.task == "pose" and len(known["class_head.bias"]) > 1:
            for key in ("class_head.weight", "class_head.bias"):
                known[key] = known[key][shapes.STAR : shapes.STAR + 1]
        fitting = {k: v for k, v in known.items() if k in own and v.shape == own[k].shape}
        network.load_state_dict(fitting, strict=False)
    network = network.to(memory_format=torch.channels_last)
    print(f"{sum(p.numel() for p in network.parameters())} parameters", flush=True)
    if args.steps == 0:
        return network.eval()

    start = time.time()
    pool = make_pool(args.task, args.pool, args.skip, args.distractors)
    if args.task in ("pose", "obb"):
        other = pool["labels"] != (shapes.STAR if args.task == "pose" else shapes.BAR)
        pool["labels"][:] = torch.where(other, -1, 0)
    print(f"{args.pool} images made in {time.time() - start:.0f} s", flush=True)

    averaged = copy.deepcopy(network)
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.02}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.99))
    warm = min(200, args.steps // 10)
    sums: dict[str, float] = {}
    start = time.time()
    order = np.zeros(0, np.int64)
    for step in range(args.steps):
        if len(order) < args.batch:
            order = rng.permutation(args.pool)
        index, order = order[: args.batch], order[args.batch :]
        batch = take(pool, torch.from_numpy(index), rng)
        progress = max(0.0, (step - warm) / max(args.steps - warm, 1))
        rate = args.rate * min(1.0, (step + 1) / warm)
        rate *= 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * progress))
        for group in optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bfloat16):
            found = network(batch["images"])
        parts = losses(found, network, batch)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        with torch.no_grad():
            keep = min(0.998, (step + 1) / (step + 10))
            for old, new in zip(
                averaged.state_dict().values(), network.state_dict().values(), strict=True
            ):
                if old.dtype.is_floating_point:
                    old.lerp_(new, 1.0 - keep)
        for key, value in parts.items():
            sums[key] = sums.get(key, 0.0) + float(value.detach())
        if (step + 1) % 100 == 0:
            line = "  ".join(f"{key} {value / 100:.4f}" for key, value in sums.items())
            print(f"step {step + 1:5d}  {time.time() - start:5.0f} s  {line}", flush=True)
            sums = {}
        if args.checkpoint and (step + 1) % 1000 == 0:
            torch.save(averaged.state_dict(), args.checkpoint)
    if args.checkpoint:
        torch.save(averaged.state_dict(), args.checkpoint)
    return averaged.eval()


def export(network: Any, task: str, out: Path) -> None:
    """Write a trained network as a single ONNX file with its metadata."""
    import onnx
    import torch

    # isort: split
    from network import Exported

    network = copy.deepcopy(network).to(memory_format=torch.contiguous_format).eval()
    network.fuse()
    outputs = ["output0", "output1"] if task == "segment" else ["output0"]
    torch.onnx.export(
        Exported(network).eval(),
        (torch.zeros(1, 3, 320, 320),),
        str(out),
        input_names=["images"],
        output_names=outputs,
        opset_version=17,
        dynamo=False,
    )
    model = onnx.load(str(out))
    names = {
        "pose": ["star"],
        "obb": [shapes.BAR_NAME],
        "semantic": ["background", *shapes.CLASS_NAMES],
    }.get(task, list(shapes.CLASS_NAMES))
    facts = {
        "description": f"Drawn shapes, {task}; trained on generated images",
        "author": "cvatbuild",
        "license": "MIT",
        "version": "1.0.0",
        "task": task,
        "stride": "32",
        "batch": "1",
        "imgsz": "[320, 320]",
        "names": str(dict(enumerate(names))),
    }
    if task == "pose":
        facts["kpt_shape"] = f"[{len(shapes.KEYPOINT_NAMES)}, 3]"
        facts["kpt_names"] = str({0: list(shapes.KEYPOINT_NAMES)})
    onnx.helper.set_model_props(model, facts)
    model.ir_version = min(model.ir_version, 8)
    shorten(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(out))
    print(f"{out}: {out.stat().st_size} bytes", flush=True)


def shorten(model: Any) -> None:
    """Give nodes and intermediate values short names: the long ones are 2 % of the file."""
    graph = model.graph
    fixed = {v.name for v in (*graph.input, *graph.output)}
    names = {"": ""} | {name: name for name in fixed}
    for tensor in graph.initializer:
        names[tensor.name] = tensor.name = tensor.name.removeprefix("network.")
    for i, node in enumerate(graph.node):
        node.name, node.doc_string = f"{node.op_type}_{i}", ""
        node.input[:] = [names.get(name, name.removeprefix("network.")) for name in node.input]
        for k, name in enumerate(node.output):
            node.output[k] = names.setdefault(name, f"v{i}" if k == 0 else f"v{i}_{k}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train or evaluate the example networks.")
    parser.add_argument("--task", choices=tuple(FIRST_SEED))
    parser.add_argument("--out", type=Path, help="the ONNX file to write")
    parser.add_argument("--init", type=Path, help="checkpoint to start from")
    parser.add_argument("--checkpoint", type=Path, help="checkpoint to write")
    parser.add_argument("--evaluate", type=Path, help="measure this ONNX file and do nothing else")
    parser.add_argument(
        "--runtime", choices=("onnxruntime", "openvino"), default="onnxruntime", help="to measure"
    )
    parser.add_argument("--images", type=int, default=200, help="held-out images to measure on")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--pool", type=int, default=12000, help="training images, times 250")
    parser.add_argument("--skip", type=int, default=0, help="seeds to leave out first")
    parser.add_argument("--distractors", type=int, default=5, help="most distractors in an image")
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--bfloat16", action=argparse.BooleanOptionalAction, default=True, help="faster on new CPUs"
    )
    args = parser.parse_args()
    if args.evaluate:
        evaluate.evaluate(args.evaluate, args.images, args.runtime)
        return
    if not args.task or not args.out:
        parser.error("training needs --task and --out")
    network = train(args)
    export(network, args.task, args.out)
    evaluate.evaluate(args.out, args.images, args.runtime)


if __name__ == "__main__":
    main()
