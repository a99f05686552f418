"""Steps and classes that the drafts of several families share."""

from builder.families.match import ClassList, step
from runtimes.refine.clean import FillHoles, LargestComponent
from runtimes.refine.suppress import Nms
from runtimes.shapes.keypoints import Skeleton
from runtimes.shapes.rectangle import Rectangle
from runtimes.shapes.region import Polygon

NMS = step(Nms, "raw candidates overlap; Ultralytics' predictor takes 0.45 to 0.7", iou=0.45)
RECTANGLE = step(Rectangle, "boxes")
POLYGON = step(Polygon, "outlines; or `mask`")
SKELETON = step(Skeleton, "keypoints; or `points`")

PERSON = ClassList(1, "people", names=("person",))
TEXT = ClassList(1, "text", names=("text",))
REFINED_MASK = (
    step(LargestComponent, "keeps one part; remove it for objects in several parts"),
    step(FillHoles, "fills specks in the mask", area=100),
)
