"""SAM 2."""

from dataclasses import dataclass

from runtimes.prompted import Prompted


@dataclass(frozen=True, slots=True)
class Sam2(Prompted):
    """SAM 2: an encoder for the image, a decoder for points and boxes.

    The decoder's inputs are `image_embed`, `high_res_feats_0`, `high_res_feats_1` and the prompts;
    it adds SAM's padding point in the graph. Its outputs are `masks`, 256x256 over the whole input,
    and `iou_predictions`. The encoder takes the image resized to 1024x1024.

    Example:
        - sam2: {masks: all}
    """
