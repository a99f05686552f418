from dataclasses import replace

from runtimes.segmenters.sam import Sam
from runtimes.signature import Tensor
from tests.runtimes.segmenters.exports import (
    OPTIMUM,
    OPTIMUM_ENCODER,
    SAM,
    SAM_ENCODER,
    ZEROS,
    signature,
    with_inputs,
)


def test_sam_is_bound_to_the_names_of_its_export() -> None:
    assert Sam().bind(SAM, SAM_ENCODER) == Sam(
        points="point_coords",
        labels="point_labels",
        size="orig_im_size",
        features={"image_embeddings": "image_embeddings"},
        zeros=ZEROS,
        output="low_res_masks",
        scores="iou_predictions",
        transformers=False,
    )


def test_the_intermediate_embeddings_of_sam_hq_are_passed_on() -> None:
    shape = (4, 1, 64, 64, 768)
    encoder = replace(
        SAM_ENCODER,
        outputs=(*SAM_ENCODER.outputs, Tensor("interm_embeddings", shape, "float32")),
    )
    bound = Sam().bind(with_inputs(SAM, interm_embeddings=shape), encoder)
    assert bound.features == {
        "image_embeddings": "image_embeddings",
        "interm_embeddings": "interm_embeddings",
    }


def test_hugging_faces_export_is_told_by_its_points() -> None:
    bound = Sam().bind(OPTIMUM, OPTIMUM_ENCODER)
    assert bound == Sam(
        points="input_points",
        labels="input_labels",
        features={
            "image_embeddings": "image_embeddings",
            "image_positional_embeddings": "image_positional_embeddings",
        },
        zeros={},
        output="pred_masks",
        scores="iou_scores",
        transformers=True,
    )
    assert (bound.pads, bound.takes_boxes) == (False, False)
    other = Sam(transformers=False).bind(OPTIMUM, OPTIMUM_ENCODER)
    assert (other.pads, other.takes_boxes) == (True, True)


def test_edgesam_names_its_scores_scores() -> None:
    model = signature(
        {
            "image_embeddings": (1, 256, 64, 64),
            "point_coords": (1, None, 2),
            "point_labels": (1, None),
        },
        {"scores": (1, 4), "masks": (1, 4, 256, 256)},
    )
    bound = Sam().bind(model, SAM_ENCODER)
    assert (bound.scores, bound.output, bound.zeros) == ("scores", "masks", {})
    assert (bound.pads, bound.takes_boxes) == (True, True)
