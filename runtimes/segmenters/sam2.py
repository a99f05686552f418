"""SAM 2: masks from several maps of features, points and a box."""

from dataclasses import dataclass

from runtimes.prompted import Prompted


@dataclass(frozen=True, slots=True)
class Sam2(Prompted):
    """SAM 2: an encoder for the image, a decoder for points and boxes.

    The decoder takes `image_embed`, `high_res_feats_0` and `high_res_feats_1` beside the prompts,
    adds the padding point that SAM wants by itself, and gives `masks` of 256x256 over the whole
    input and `iou_predictions`. The encoder takes the image stretched to 1024x1024.

    Example:
        - sam2: {masks: all}
    """
