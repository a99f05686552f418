"""Faces and their five landmarks: names, edges and places in a drawing."""

from builder.families.match import ClassList

FACES = ClassList(1, "faces", names=("face",))

FACE = ("right_eye", "left_eye", "nose", "right_mouth_corner", "left_mouth_corner")
"""The landmarks in the order of WIDER FACE's annotations, which RetinaFace introduced and SCRFD,
YuNet and YOLOv5-face follow. Left and right are those of the person, as in COCO's keypoints:
the first eye is the left one in the image. Source: Deng et al., "RetinaFace: Single-Shot
Multi-Level Face Localisation in the Wild", 2020."""

FACE_EDGES = (
    *(("right_eye", "left_eye"), ("right_eye", "nose"), ("left_eye", "nose")),
    *(("nose", "right_mouth_corner"), ("nose", "left_mouth_corner")),
    ("right_mouth_corner", "left_mouth_corner"),
)
"""The edges between them, which CVAT draws."""

FACE_PLACES = ((33, 35), (67, 35), (50, 55), (36, 75), (64, 75))
"""Their places in the drawing of the skeleton, x y from 0 to 100: a face seen from the front."""

BLAZE_FACE = ("right_eye", "left_eye", "nose", "mouth", "right_ear", "left_ear")
"""The keypoints of BlazeFace. Source: MediaPipe, face_detection.h, FaceKeyPoint; left and right are
those of the person."""
