"""SAM and its kin: masks from an image's embedding, points and a box."""

from dataclasses import dataclass
from typing import ClassVar

from runtimes.prompted import Prompted


@dataclass(frozen=True, slots=True)
class Sam(Prompted):
    """SAM, MobileSAM, SAM-HQ: an encoder for the image, a decoder for points and boxes.

    The decoder is the one that SAM's authors export. It takes `point_coords`, `point_labels`,
    `mask_input`, `has_mask_input`, `orig_im_size` and what the encoder gives (`image_embeddings`,
    of SAM-HQ also `interm_embeddings`), and gives `iou_predictions` and `low_res_masks` or `masks`.
    The encoder takes the image resized to 1024 and padded on the right and at the bottom; of one
    that pads by itself, `letterbox` is given `stride: 1`.

    Example:
        - sam: {masks: all}
    """

    pads: ClassVar[bool] = True
    square: ClassVar[bool] = True
