"""One model that takes an image and points."""

from dataclasses import dataclass

from runtimes.prompted import Prompted


@dataclass(frozen=True, slots=True)
class ImageAndPoints(Prompted):
    """One model with the image and the points as inputs, as EfficientSAM is exported.

    The points are [1, n, 2] or [1, 1, n, 2] in pixels of the model's input, with labels as SAM has
    them: 1 and 0, and 2 and 3 for the corners of a box. Masks cover the whole input.

    Example:
        - image_and_points: {masks: all, points: batched_point_coords, labels: batched_point_labels}
    """
