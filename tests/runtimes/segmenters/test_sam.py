from dataclasses import replace

from runtimes.segmenters.sam import Sam
from runtimes.signature import Tensor
from tests.runtimes.segmenters.exports import SAM, SAM_ENCODER, ZEROS, with_inputs


def test_sam_is_bound_to_the_names_of_its_export() -> None:
    assert Sam().bind(SAM, SAM_ENCODER) == Sam(
        points="point_coords",
        labels="point_labels",
        size="orig_im_size",
        features={"image_embeddings": "image_embeddings"},
        zeros=ZEROS,
        output="low_res_masks",
        scores="iou_predictions",
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
