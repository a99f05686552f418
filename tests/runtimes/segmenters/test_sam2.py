from runtimes.segmenters.sam2 import Sam2
from tests.runtimes.segmenters.exports import SAM2, SAM2_ENCODER, ZEROS


def test_sam2_is_bound_to_the_names_of_its_export() -> None:
    names = ("image_embed", "high_res_feats_0", "high_res_feats_1")
    assert Sam2(masks="all").bind(SAM2, SAM2_ENCODER) == Sam2(
        masks="all",
        points="point_coords",
        labels="point_labels",
        features={name: name for name in names},
        zeros=ZEROS,
        output="masks",
        scores="iou_predictions",
    )
