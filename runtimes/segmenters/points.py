"""Single models that take an image and points."""

from dataclasses import dataclass

from runtimes.prompted import Prompted


@dataclass(frozen=True, slots=True)
class ImageAndPoints(Prompted):
    """A single model with image and points as inputs, such as EfficientSAM's export.

    The points are [1, n, 2] or [1, 1, n, 2] in pixels of the model's input. The labels are SAM's: 1
    for positive and 0 for negative points, 2 and 3 for the corners of a box. Masks cover the input.

    Example:
        - image_and_points: {masks: all, points: batched_point_coords, labels: batched_point_labels}
    """
