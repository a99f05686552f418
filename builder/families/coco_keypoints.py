"""COCO's keypoints of a person: names, edges and places in a drawing."""

COCO = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder"),
    *("right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip"),
    *("right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
)
"""COCO's keypoints of a person, in its order: https://cocodataset.org/#keypoints-2020."""

COCO_EDGES = (
    *(("left_ankle", "left_knee"), ("left_knee", "left_hip"), ("right_ankle", "right_knee")),
    *(("right_knee", "right_hip"), ("left_hip", "right_hip"), ("left_shoulder", "left_hip")),
    *(("right_shoulder", "right_hip"), ("left_shoulder", "right_shoulder")),
    *(("left_shoulder", "left_elbow"), ("right_shoulder", "right_elbow")),
    *(("left_elbow", "left_wrist"), ("right_elbow", "right_wrist"), ("left_eye", "right_eye")),
    *(("nose", "left_eye"), ("nose", "right_eye"), ("left_eye", "left_ear")),
    *(("right_eye", "right_ear"), ("left_ear", "left_shoulder")),
    ("right_ear", "right_shoulder"),
)
"""The edges between them, which CVAT draws."""

COCO_PLACES = (
    *((50, 8), (54, 5), (46, 5), (60, 8), (40, 8), (66, 24), (34, 24), (75, 40), (25, 40)),
    *((80, 55), (20, 55), (60, 55), (40, 55), (62, 75), (38, 75), (63, 95), (37, 95)),
)
"""Their places in the drawing of the skeleton, x y from 0 to 100: a person seen from the front."""


def keypoint_names(count: int) -> tuple[str, ...]:
    """Return the names of `count` keypoints: COCO's if it has as many, else numbers."""
    return COCO if count == len(COCO) else tuple(f"point_{number + 1}" for number in range(count))
