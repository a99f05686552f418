from runtimes.segmenters.points import ImageAndPoints
from tests.runtimes.segmenters.exports import ONLY


def test_a_single_model_is_bound_to_its_image_input() -> None:
    assert ImageAndPoints().bind(ONLY, None) == ImageAndPoints(
        points="batched_point_coords",
        labels="batched_point_labels",
        features={"batched_images": "batched_images"},
        zeros={},
        output="output_masks",
        scores="iou_predictions",
    )
