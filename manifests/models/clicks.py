"""Write networks that segment what is clicked, with the inputs and outputs of SAM and SAM 2.

    python clicks.py .        # writes sam-demo-encoder.onnx and sam-demo-decoder.onnx

Nothing in them is trained. The encoder makes a small picture of the image; the decoder takes the
colors under the positive points and lets a region grow from there over all that is alike, without
what is more like the colors under the negative points. They stand in for SAM where its weights
cannot be had: a click on something of one color returns it.

Needs onnx and numpy only, and always writes the same files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from derive import Graph
from onnx import TensorProto, helper

SIZE = 1024
"""The encoder's input."""
CELLS = 256
"""The side of the small picture, and of the masks."""
CELL = SIZE // CELLS
FOLD = 4
"""Cells of the picture, along each axis, in one position of SAM's [1, 256, 64, 64] embedding."""
TOLERANCES = (0.35, 0.7, 1.2, 1.6)
"""How far a color may be from a clicked one, in the units of the encoder's input. Each of the
first three makes a mask; how little it grows with the next one is its score."""
FAR = 1e4
STEPS = 8
"""Steps that a region grows before it is asked whether it has come to an end."""

LAYERS, HIDDEN = 4, 768
"""Of the transformer whose inner values SAM-HQ's decoder takes too."""


def new(facts: str) -> Graph:
    """An empty graph."""
    model = helper.make_model(
        helper.make_graph([], "clicks", [], []),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=10,
        doc_string=facts,
    )
    return Graph(model)


def floats(name: str, *axes: int | str) -> onnx.ValueInfoProto:
    """An input or output of float32."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, axes)


def picture(graph: Graph, image: str) -> str:
    """The image, [1, 3, 1024, 1024], as [1, 3, 256, 256]."""
    return graph.add("AveragePool", [image], kernel_shape=[CELL, CELL], strides=[CELL, CELL])


def padded(graph: Graph, values: str, channels: int, name: str) -> str:
    """(1, C, H, W) with zeros up to `channels`."""
    added = graph.ints(0, 0, 0, 0, 0, channels, 0, 0)
    return graph.add("Pad", [values, added], name)


def folded(graph: Graph, small: str, name: str) -> str:
    """The picture as an embedding of SAM's shape, [1, 256, 64, 64]."""
    folds = graph.add("SpaceToDepth", [small], blocksize=FOLD)
    return padded(graph, folds, 256 - 3 * FOLD * FOLD, name)


def sam_encoder(*, extra: bool = False) -> onnx.ModelProto:
    """`image` [1, 3, 1024, 1024] -> `image_embeddings` [1, 256, 64, 64].

    Args:
        extra: give `interm_embeddings` too, as SAM-HQ's encoder.
    """
    graph = new("A picture of the image, in the shape of SAM's embedding")
    small = picture(graph, "image")
    folded(graph, small, "image_embeddings")
    side = CELLS // FOLD
    outputs = [floats("image_embeddings", 1, 256, side, side)]
    if extra:
        shape = (LAYERS, 1, side, side, HIDDEN)
        mean = _mean(graph, small)
        graph.add("Expand", [mean, graph.ints(*shape)], "interm_embeddings")
        outputs.append(floats("interm_embeddings", *shape))
    graph.finish([floats("image", 1, 3, SIZE, SIZE)], outputs, FACTS)
    return graph.model


def sam2_encoder() -> onnx.ModelProto:
    """`image` -> `high_res_feats_0`, `high_res_feats_1` and `image_embed`, as SAM 2's encoder."""
    graph = new("Pictures of the image, in the shapes of SAM 2's features")
    small = picture(graph, "image")
    half = graph.add("AveragePool", [small], kernel_shape=[2, 2], strides=[2, 2])
    padded(graph, small, 32 - 3, "high_res_feats_0")
    padded(graph, half, 64 - 3, "high_res_feats_1")
    folded(graph, small, "image_embed")
    side = CELLS // FOLD
    graph.finish(
        [floats("image", 1, 3, SIZE, SIZE)],
        [
            floats("high_res_feats_0", 1, 32, CELLS, CELLS),
            floats("high_res_feats_1", 1, 64, CELLS // 2, CELLS // 2),
            floats("image_embed", 1, 256, side, side),
        ],
        FACTS,
    )
    return graph.model


def sam_decoder(*, single: bool = False, extra: bool = False, low: bool = True) -> onnx.ModelProto:
    """A decoder with the inputs and outputs of the one that SAM's authors export.

    Args:
        single: give one mask, as with their --return-single-mask, instead of four.
        extra: take `interm_embeddings` too, as SAM-HQ's.
        low: give `low_res_masks` too.
    """
    graph = new("What is alike and connected to the clicked points")
    colors = graph.add("Slice", ["image_embeddings", *_span(graph, 1, 0, 3 * FOLD * FOLD)])
    colors = graph.add("DepthToSpace", [colors], blocksize=FOLD)
    inputs = [floats("image_embeddings", 1, 256, CELLS // FOLD, CELLS // FOLD)]
    if extra:
        nothing = graph.add("Mul", [_mean(graph, "interm_embeddings"), graph.number(0.0)])
        colors = graph.add("Add", [colors, nothing])
        inputs.append(floats("interm_embeddings", LAYERS, 1, CELLS // FOLD, CELLS // FOLD, HIDDEN))
    logits, scores = _segment(graph, colors)
    # As in their SamOnnxModel: mask 0 is for prompts that leave no doubt.
    order = [1] if single else [1, 0, 1, 2]
    chosen = graph.ints(*order)
    graph.add("Gather", [logits, chosen], "low_res_masks", axis=1)
    graph.add("Gather", [scores, chosen], "iou_predictions", axis=1)
    _enlarged(graph, "low_res_masks", len(order))
    count = len(order)
    outputs = [
        floats("masks", 1, count, "height", "width"),
        floats("iou_predictions", 1, count),
        floats("low_res_masks", 1, count, CELLS, CELLS),
    ]
    graph.finish(
        [*inputs, *PROMPTS, floats("orig_im_size", 2)], outputs if low else outputs[:2], FACTS
    )
    return graph.model


def sam2_decoder() -> onnx.ModelProto:
    """A decoder with the inputs and outputs that SAM 2's have in common exports."""
    graph = new("What is alike and connected to the clicked points")
    colors = graph.add("Slice", ["high_res_feats_0", *_span(graph, 1, 0, 3)])
    for name in ("high_res_feats_1", "image_embed"):
        nothing = graph.add("Mul", [_mean(graph, name), graph.number(0.0)])
        colors = graph.add("Add", [colors, nothing])
    logits, scores = _segment(graph, colors)
    chosen = graph.ints(0, 1, 2)
    graph.add("Gather", [logits, chosen], "masks", axis=1)
    graph.add("Gather", [scores, chosen], "iou_predictions", axis=1)
    graph.finish(
        [
            floats("image_embed", 1, 256, CELLS // FOLD, CELLS // FOLD),
            floats("high_res_feats_0", 1, 32, CELLS, CELLS),
            floats("high_res_feats_1", 1, 64, CELLS // 2, CELLS // 2),
            *PROMPTS,
        ],
        [floats("masks", 1, 3, CELLS, CELLS), floats("iou_predictions", 1, 3)],
        FACTS,
    )
    return graph.model


def one_model() -> onnx.ModelProto:
    """One network with image and points as inputs, laid out like EfficientSAM's."""
    graph = new("What is alike and connected to the clicked points")
    side = graph.ints(1, 3, CELLS, CELLS)
    small = graph.add("Resize", ["batched_images", "", "", side], mode="linear")
    scaled = graph.add("Mul", [small, graph.number(4.0)])
    coords = graph.add("Reshape", ["batched_point_coords", graph.ints(1, -1, 2)])
    labels = graph.add("Reshape", ["batched_point_labels", graph.ints(1, -1)])
    # Its coordinates are pixels of the image; the region grows in cells.
    shape = graph.add("Shape", ["batched_images"])
    high = graph.add("Gather", [shape, graph.ints(3, 2)], axis=0)
    high = graph.add("Cast", [high], to=TensorProto.FLOAT)
    coords = graph.add("Div", [graph.add("Mul", [coords, graph.number(SIZE)]), high])
    logits, scores = _segment(graph, scaled, coords, labels, mask="")
    chosen = graph.ints(0, 1, 2)
    masks = graph.add("Gather", [logits, chosen], axis=1)
    masks = graph.add("Unsqueeze", [masks, graph.ints(1)])
    sizes = graph.add(
        "Concat", [graph.ints(1, 3), graph.add("Slice", [shape, *_span(graph, 0, 2, 4)])], axis=0
    )
    flat = graph.add("Squeeze", [masks, graph.ints(1)])
    large = graph.add("Resize", [flat, "", "", sizes], mode="linear")
    graph.add("Unsqueeze", [large, graph.ints(1)], "output_masks")
    best = graph.add("Gather", [scores, chosen], axis=1)
    graph.add("Unsqueeze", [best, graph.ints(1)], "iou_predictions")
    graph.finish(
        [
            floats("batched_images", 1, 3, "height", "width"),
            floats("batched_point_coords", 1, 1, "points", 2),
            floats("batched_point_labels", 1, 1, "points"),
        ],
        [floats("output_masks", 1, 1, 3, "height", "width"), floats("iou_predictions", 1, 1, 3)],
        FACTS,
    )
    return graph.model


FACTS = {"author": "cvatbuild", "license": "MIT", "version": "1"}
PROMPTS = (
    floats("point_coords", 1, "points", 2),
    floats("point_labels", 1, "points"),
    floats("mask_input", 1, 1, CELLS, CELLS),
    floats("has_mask_input", 1),
)


def _span(graph: Graph, axis: int, first: int, last: int) -> list[str]:
    """What Slice takes to cut one axis."""
    return [graph.ints(first), graph.ints(last), graph.ints(axis)]


def _mean(graph: Graph, name: str) -> str:
    """The mean of all values, ()."""
    return graph.add("ReduceMean", [name], keepdims=0)


def _segment(
    graph: Graph,
    colors: str,
    coords: str = "point_coords",
    labels: str = "point_labels",
    mask: str = "mask_input",
) -> tuple[str, str]:
    """Masks and scores for the prompts.

    Args:
        graph: to add to.
        colors: [1, 3, 256, 256].
        coords: [1, n, 2] in pixels of the encoder's input.
        labels: [1, n], as SAM has them: 1 positive, 0 negative, 2 and 3 corners of a box, -1 none.
        mask: logits of an earlier mask, [1, 1, 256, 256], counted where `has_mask_input`; or none.

    Returns:
        Logits [1, 3, 256, 256] and scores [1, 3], by falling strictness.
    """
    kinds = graph.add("Reshape", [labels, graph.ints(-1, 1)])
    places = graph.add("Reshape", [coords, graph.ints(-1, 2)])

    def are(label: float) -> str:
        """(n, 1), 1 where a point has that label."""
        same = graph.add("Equal", [kinds, graph.number(label)])
        return graph.add("Cast", [same], to=TensorProto.FLOAT)

    def any_of(flags: str) -> str:
        """(1, 1), 1 where there is one."""
        return graph.add("ReduceMax", [flags], axes=[0], keepdims=1)

    positive, negative, first, second = are(1), are(0), are(2), are(3)
    one = graph.number(1.0)
    corner_a = _sum(graph, graph.add("Mul", [places, first]))
    corner_b = _sum(graph, graph.add("Mul", [places, second]))
    boxed = any_of(first)
    # A box without a positive point means what is in its middle.
    alone = graph.add("Mul", [boxed, graph.add("Sub", [one, any_of(positive)])])
    middle = graph.add("Mul", [graph.add("Add", [corner_a, corner_b]), graph.number(0.5)])
    places = graph.add("Concat", [places, middle], axis=0)
    positive = graph.add("Concat", [positive, alone], axis=0)
    negative = graph.add("Concat", [negative, graph.constant([[0]], np.float32)], axis=0)

    # Which cell each point is in, and its color.
    cells = graph.add("Floor", [graph.add("Div", [places, graph.number(CELL)])])
    cells = graph.add("Clip", [cells, graph.number(0.0), graph.number(CELLS - 1)])
    steps = graph.constant([[1], [CELLS]], np.float32)
    index = graph.add("Cast", [graph.add("MatMul", [cells, steps])], to=TensorProto.INT64)
    index = graph.add("Reshape", [index, graph.ints(-1)])
    flat = graph.add("Reshape", [colors, graph.ints(3, CELLS * CELLS)])
    known = graph.add("Transpose", [graph.add("Gather", [flat, index], axis=1)], perm=[1, 0])

    # |a - b|^2 = |a|^2 - 2ab + |b|^2, for every point and every cell.
    product = graph.add("MatMul", [known, flat])
    squares = graph.add("ReduceSum", [graph.add("Mul", [known, known]), graph.ints(1)], keepdims=1)
    others = graph.add("ReduceSum", [graph.add("Mul", [flat, flat]), graph.ints(0)], keepdims=1)
    apart = graph.add(
        "Sub", [graph.add("Add", [squares, others]), graph.add("Add", [product, product])]
    )
    apart = graph.add("Sqrt", [graph.add("Max", [apart, graph.number(0.0)])])

    def nearest(flags: str) -> str:
        """(1, 65536), the distance of each cell's color from those of some of the points."""
        others = graph.add("Mul", [graph.add("Sub", [one, flags]), graph.number(FAR)])
        return graph.add("ReduceMin", [graph.add("Add", [apart, others])], axes=[0], keepdims=1)

    near, repelled = nearest(positive), nearest(negative)
    limits = graph.constant(np.array(TOLERANCES)[:, None], np.float32)
    alike = graph.add(
        "And", [graph.add("Less", [near, limits]), graph.add("Less", [near, repelled])]
    )
    alike = graph.add("Cast", [alike], to=TensorProto.FLOAT)
    shape = graph.ints(1, len(TOLERANCES), CELLS, CELLS)
    allowed = graph.add(
        "Mul", [graph.add("Reshape", [alike, shape]), _within(graph, boxed, corner_a, corner_b)]
    )

    # Where the regions begin: a picture with a dot for each positive point.
    numbers = graph.constant(np.arange(CELLS)[None], np.float32)
    column, row = (
        graph.add("Cast", [graph.add("Equal", [part, numbers])], to=TensorProto.FLOAT)
        for part in (graph.columns(cells, 0, 1), graph.columns(cells, 1, 2))
    )
    dots = graph.add(
        "MatMul", [graph.add("Transpose", [graph.add("Mul", [row, positive])], perm=[1, 0]), column]
    )
    dots = graph.add("Reshape", [dots, graph.ints(1, 1, CELLS, CELLS)])
    if mask:
        before = graph.add(
            "Cast", [graph.add("Greater", [mask, graph.number(0.0)])], to=TensorProto.FLOAT
        )
        dots = graph.add("Add", [dots, graph.add("Mul", [before, "has_mask_input"])])
    dots = graph.add("Min", [dots, one])
    grown = _grown(graph, graph.add("Mul", [allowed, dots]), allowed)

    areas = graph.add("ReduceSum", [grown, graph.ints(2, 3)], keepdims=0)
    less = graph.columns(areas, 0, len(TOLERANCES) - 1)
    more = graph.add("Max", [graph.columns(areas, 1, len(TOLERANCES)), one])
    scores = graph.add("Div", [less, more])
    ten = graph.number(10.0)
    logits = graph.add("Sub", [graph.add("Mul", [grown, graph.number(20.0)]), ten])
    return logits, scores


def _sum(graph: Graph, rows: str) -> str:
    """(n, 2) -> (1, 2)."""
    return graph.add("ReduceSum", [rows, graph.ints(0)], keepdims=1)


def _within(graph: Graph, boxed: str, corner_a: str, corner_b: str) -> str:
    """[1, 1, 256, 256] or smaller by broadcast: 1 in the box, and everywhere without one."""
    middles = (np.arange(CELLS) + 0.5) * CELL
    free = graph.add("Sub", [graph.number(1.0), boxed])
    free = graph.add("Reshape", [free, graph.ints(1, 1, 1, 1)])
    sides = []
    for axis, shape in ((0, (1, 1, 1, CELLS)), (1, (1, 1, CELLS, 1))):
        line = graph.constant(middles.reshape(shape), np.float32)
        low, high = (
            graph.add("Reshape", [graph.columns(it, axis, axis + 1), graph.ints(1, 1, 1, 1)])
            for it in (corner_a, corner_b)
        )
        inner = graph.add(
            "And",
            [graph.add("GreaterOrEqual", [line, low]), graph.add("LessOrEqual", [line, high])],
        )
        sides.append(graph.add("Cast", [inner], to=TensorProto.FLOAT))
    return graph.add("Max", [graph.add("Mul", sides), free])


def _grown(graph: Graph, seeds: str, allowed: str) -> str:
    """Regions grown from their seeds, cell by cell, over what is allowed, to their end.

    Args:
        graph: to add to.
        seeds: [1, k, 256, 256] of 0 and 1.
        allowed: of the same shape.
    """
    shape = [1, len(TOLERANCES), CELLS, CELLS]
    nodes, last = [], "region"
    for number in range(STEPS):
        wide, cut = f"wide_{number}", f"cut_{number}"
        pool = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [1, 1]}
        nodes.append(helper.make_node("MaxPool", [last], [wide], **pool))
        nodes.append(helper.make_node("Mul", [wide, "free"], [cut]))
        last = cut
    nodes += [
        helper.make_node("ReduceSum", ["region"], ["before"], keepdims=0),
        helper.make_node("ReduceSum", [last], ["after"], keepdims=0),
        helper.make_node("Greater", ["after", "before"], ["growing"]),
        helper.make_node("Identity", ["free"], ["same"]),
    ]
    body = helper.make_graph(
        nodes,
        "grow",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            floats("region", *shape),
            floats("free", *shape),
        ],
        [
            helper.make_tensor_value_info("growing", TensorProto.BOOL, []),
            floats(last, *shape),
            floats("same", *shape),
        ],
    )
    most = graph.constant(CELLS * CELLS // STEPS, np.int64)
    begin = graph.constant(True, np.bool_)
    graph.graph.node.append(
        helper.make_node(
            "Loop", [most, begin, seeds, allowed], ["grown", "unused"], "loop", body=body
        )
    )
    graph.made |= {"grown", "unused"}
    return "grown"


def _enlarged(graph: Graph, low: str, count: int) -> None:
    """`masks`, [1, k, height, width] at `orig_im_size`, as SAM's authors enlarge them.

    To 1024x1024 first, then without the padding, then to the size of the image.
    """
    full = graph.add("Resize", [low, "", "", graph.ints(1, count, SIZE, SIZE)], mode="linear")
    longest = graph.add("ReduceMax", ["orig_im_size"], axes=[0], keepdims=1)
    scale = graph.add("Div", [graph.number(SIZE), longest])
    resized = graph.add("Add", [graph.add("Mul", ["orig_im_size", scale]), graph.number(0.5)])
    ends = graph.add("Cast", [graph.add("Floor", [resized])], to=TensorProto.INT64)
    cut = graph.add("Slice", [full, graph.ints(0, 0), ends, graph.ints(2, 3)])
    sizes = graph.add("Cast", ["orig_im_size"], to=TensorProto.INT64)
    sizes = graph.add("Concat", [graph.ints(1, count), sizes], axis=0)
    graph.add("Resize", [cut, "", "", sizes], "masks", mode="linear")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write networks that segment what is clicked.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for name, model in (("sam-demo-encoder", sam_encoder()), ("sam-demo-decoder", sam_decoder())):
        path = folder / f"{name}.onnx"
        onnx.save(model, path)
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
