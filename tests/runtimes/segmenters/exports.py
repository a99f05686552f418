"""Signatures of the exports of SAM, SAM 2 and EfficientSAM."""

from collections.abc import Mapping
from typing import Any

from runtimes.signature import Signature, Tensor


def signature(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Signature:
    """A signature of float32 tensors, or of (dtype, shape)."""

    def tensors(shapes: Mapping[str, Any]) -> tuple[Tensor, ...]:
        return tuple(
            Tensor(name, it[1], it[0]) if isinstance(it[0], str) else Tensor(name, it, "float32")
            for name, it in shapes.items()
        )

    return Signature(tensors(inputs), tensors(outputs))


PROMPTS: dict[str, Any] = {
    "point_coords": (1, None, 2),
    "point_labels": (1, None),
    "mask_input": (1, 1, 256, 256),
    "has_mask_input": (1,),
}
SAM = signature(
    {"image_embeddings": (1, 256, 64, 64), **PROMPTS, "orig_im_size": (2,)},
    {
        "masks": (1, None, None, None),
        "iou_predictions": (1, None),
        "low_res_masks": (1, None, None, None),
    },
)
SAM_ENCODER = signature({"image": (1, 3, 1024, 1024)}, {"image_embeddings": (1, 256, 64, 64)})
EMBEDDINGS: dict[str, Any] = {
    "image_embeddings": (1, 256, 64, 64),
    "image_positional_embeddings": (1, 256, 64, 64),
}
OPTIMUM = signature(
    {
        "input_points": (1, 1, None, 2),
        "input_labels": ("int64", (1, 1, None)),
        **EMBEDDINGS,
    },
    {"iou_scores": (1, 1, 3), "pred_masks": (1, 1, 3, 256, 256)},
)
OPTIMUM_ENCODER = signature({"pixel_values": (1, 3, 1024, 1024)}, EMBEDDINGS)
SAM2 = signature(
    {
        "image_embed": (1, 256, 64, 64),
        "high_res_feats_0": (1, 32, 256, 256),
        "high_res_feats_1": (1, 64, 128, 128),
        "point_coords": (None, None, 2),
        "point_labels": (None, None),
        "mask_input": (None, 1, 256, 256),
        "has_mask_input": (None,),
    },
    {"masks": (None, None, 256, 256), "iou_predictions": (None, None)},
)
SAM2_ENCODER = signature(
    {"image": (1, 3, 1024, 1024)},
    {
        "high_res_feats_0": (1, 32, 256, 256),
        "high_res_feats_1": (1, 64, 128, 128),
        "image_embed": (1, 256, 64, 64),
    },
)
ONLY = signature(
    {
        "batched_images": (None, 3, None, None),
        "batched_point_coords": (None, None, None, 2),
        "batched_point_labels": (None, None, None),
    },
    {"output_masks": (None, None, None, None, None), "iou_predictions": (None, None, None)},
)
ZEROS = {"mask_input": (1, 1, 256, 256), "has_mask_input": (1,)}


def with_inputs(model: Signature, **shapes: Any) -> Signature:
    """A signature with some inputs changed, added, or with None taken out."""
    inputs: dict[str, Any] = {it.name: it.shape for it in model.inputs}
    inputs.update(shapes)
    return Signature(
        signature({name: it for name, it in inputs.items() if it is not None}, {}).inputs,
        model.outputs,
    )
