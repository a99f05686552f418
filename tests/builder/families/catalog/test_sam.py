import pytest

from builder.families.catalog.sam import SAM
from builder.families.catalog.sam2 import SAM2
from builder.families.family import Family
from builder.families.match import Match
from tests.builder.families.made import Shape, evidence

POINTS: dict[str, Shape] = {"point_coords": (1, None, 2), "point_labels": (1, None)}
EMBEDDING: dict[str, Shape] = {"image_embeddings": (1, 256, 64, 64)}
FEATURES: dict[str, Shape] = {"high_res_feats_0": (1, 32, 256, 256)}
IMAGE: dict[str, Shape] = {"image": (1, 3, 1024, 1024)}


def pair(family: Family, decoder: dict[str, Shape], image: dict[str, Shape] = IMAGE) -> list[Match]:
    """The matches of an encoder of images and a decoder with these inputs."""
    encoder = evidence(EMBEDDING, image)
    assert family.recognize_pair
    return list(family.recognize_pair(encoder, evidence({"masks": (1, 4, 256, 256)}, decoder)))


@pytest.mark.parametrize(
    ("decoder", "sam", "sam2"),
    [
        ({**EMBEDDING, **POINTS}, 1, 0),
        ({**EMBEDDING, **FEATURES, **POINTS}, 0, 1),
        (POINTS, 0, 0),
        (EMBEDDING, 0, 0),
    ],
)
def test_finer_features_tell_sam2_from_sam(decoder: dict[str, Shape], sam: int, sam2: int) -> None:
    assert (len(pair(SAM, decoder)), len(pair(SAM2, decoder))) == (sam, sam2)


def test_an_encoder_without_a_batch_pads_and_normalizes_itself() -> None:
    decoder = {**EMBEDDING, **POINTS}
    (match,) = pair(SAM, decoder, {"image": (None, None, 3)})
    (step,) = match.preprocess
    assert step.fields == {"size": 1024, "align": "top_left", "stride": 1, "antialias": True}
    (match,) = pair(SAM, decoder)
    assert [it.name for it in match.preprocess] == ["letterbox", "normalize"]


def test_the_annotator_is_asked_for_a_point_or_a_box() -> None:
    (match,) = pair(SAM, {**EMBEDDING, **POINTS})
    assert {it.key: it.value for it in match.settings} == {
        "min_pos_points": 1,
        "min_neg_points": 0,
        "start_with_box": "optional",
    }


def test_hugging_faces_decoder_takes_points_only() -> None:
    decoder: dict[str, Shape] = {
        **EMBEDDING,
        "image_positional_embeddings": (1, 256, 64, 64),
        "input_points": (1, 1, None, 2),
        "input_labels": (1, 1, None),
    }
    (match,) = pair(SAM, decoder, {"pixel_values": (1, 3, 1024, 1024)})
    assert match.name == "SAM (Hugging Face)"
    assert "start_with_box" not in {it.key for it in match.settings}


def test_an_encoder_takes_one_image() -> None:
    two: dict[str, Shape] = {**IMAGE, "other": (1, 3, 8, 8)}
    assert pair(SAM, {**EMBEDDING, **POINTS}, two) == []
