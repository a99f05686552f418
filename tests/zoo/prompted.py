"""Encoders and decoders of interactors."""

from pathlib import Path

import numpy as np

from tests.zoo.net import Net, image


def sam_encoder(path: Path) -> Path:
    """An image of 64 x 64 -> `image_embeddings`."""
    net = image("image")
    net.give("image_embeddings", net.known(np.zeros((1, 256, 4, 4))), (1, 256, 4, 4))
    return net.save(path)


def sam_decoder(path: Path) -> Path:
    """SAM's own decoder, by its inputs and outputs."""
    net = Net(
        {
            "image_embeddings": ("float32", (1, 256, 4, 4)),
            "point_coords": ("float32", (1, "n", 2)),
            "point_labels": ("float32", (1, "n")),
            "mask_input": ("float32", (1, 1, 16, 16)),
            "has_mask_input": ("float32", (1,)),
            "orig_im_size": ("float32", (2,)),
        }
    )
    net.give("masks", net.known(np.zeros((1, 4, 64, 64))), (1, 4, "h", "w"))
    net.give("iou_predictions", net.known(np.zeros((1, 4))), (1, 4))
    net.give("low_res_masks", net.known(np.zeros((1, 4, 16, 16))), (1, 4, 16, 16))
    return net.save(path)


def sam2_encoder(path: Path) -> Path:
    """An image of 64 x 64 -> three levels of features."""
    net = image("image")
    for name, shape in (
        ("high_res_feats_0", (1, 32, 16, 16)),
        ("high_res_feats_1", (1, 64, 8, 8)),
        ("image_embed", (1, 256, 4, 4)),
    ):
        net.give(name, net.known(np.zeros(shape)), shape)
    return net.save(path)


def sam2_decoder(path: Path) -> Path:
    """SAM 2's decoder, by its inputs and outputs."""
    net = Net(
        {
            "image_embed": ("float32", (1, 256, 4, 4)),
            "high_res_feats_0": ("float32", (1, 32, 16, 16)),
            "high_res_feats_1": ("float32", (1, 64, 8, 8)),
            "point_coords": ("float32", (1, "n", 2)),
            "point_labels": ("float32", (1, "n")),
            "mask_input": ("float32", (1, 1, 16, 16)),
            "has_mask_input": ("float32", (1,)),
        }
    )
    net.give("masks", net.known(np.zeros((1, 3, 16, 16))), (1, 3, 16, 16))
    net.give("iou_predictions", net.known(np.zeros((1, 3))), (1, 3))
    return net.save(path)


def edgesam_decoder(path: Path) -> Path:
    """EdgeSAM's decoder, without inputs for a previous mask, and with `scores`."""
    net = Net(
        {
            "image_embeddings": ("float32", (1, 256, 4, 4)),
            "point_coords": ("float32", (1, "n", 2)),
            "point_labels": ("float32", (1, "n")),
        }
    )
    net.give("scores", net.known(np.zeros((1, 4))), (1, 4))
    net.give("masks", net.known(np.zeros((1, 4, 16, 16))), (1, 4, 16, 16))
    return net.save(path)


def optimum_encoder(path: Path) -> Path:
    """`vision_encoder.onnx` of Hugging Face's optimum."""
    net = image("pixel_values")
    for name in ("image_embeddings", "image_positional_embeddings"):
        net.give(name, net.known(np.zeros((1, 256, 4, 4))), (1, 256, 4, 4))
    return net.save(path)


def optimum_decoder(path: Path) -> Path:
    """`prompt_encoder_mask_decoder.onnx` of Hugging Face's optimum."""
    net = Net(
        {
            "input_points": ("float32", (1, 1, "n", 2)),
            "input_labels": ("int64", (1, 1, "n")),
            "image_embeddings": ("float32", (1, 256, 4, 4)),
            "image_positional_embeddings": ("float32", (1, 256, 4, 4)),
        }
    )
    net.give("iou_scores", net.known(np.zeros((1, 1, 3))), (1, 1, 3))
    net.give("pred_masks", net.known(np.zeros((1, 1, 3, 16, 16))), (1, 1, 3, 16, 16))
    return net.save(path)
