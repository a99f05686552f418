"""YOLOv3, 4 and 5 as they leave their last convolutions."""

from builder.families.family import Family
from runtimes.decoders.yolo_anchors import YoloAnchors

YOLO_ANCHORS = Family(
    name="YOLOv3, 4, 5, raw heads",
    steps=(YoloAnchors,),
    candidates_overlap=True,
)
