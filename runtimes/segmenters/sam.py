"""SAM, MobileSAM and SAM-HQ."""

from dataclasses import dataclass
from typing import ClassVar

from runtimes.prompted import Prompted


@dataclass(frozen=True, slots=True)
class Sam(Prompted):
    """SAM, MobileSAM and SAM-HQ: an encoder for the image, a decoder for points and boxes.

    The decoder is exported with SAM's own script. Its inputs are `point_coords`, `point_labels`,
    `mask_input`, `has_mask_input`, `orig_im_size` and the encoder's outputs (`image_embeddings`,
    for SAM-HQ also `interm_embeddings`). Its outputs are `iou_predictions` and `low_res_masks` or
    `masks`. The encoder takes the image resized to 1024 and padded on the right and at the bottom;
    for an encoder that pads in the graph, use `letterbox` with `stride: 1`.

    Example:
        - sam: {masks: all}
    """

    pads: ClassVar[bool] = True
    square: ClassVar[bool] = True
