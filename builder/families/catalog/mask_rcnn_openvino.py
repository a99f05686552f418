"""TensorFlow's Mask R-CNN, converted by OpenVINO."""

from builder.families.family import Family
from runtimes.decoders.rcnn import MaskRcnnOpenvino

MASK_RCNN_OPENVINO = Family(
    name="Mask R-CNN of TensorFlow, through OpenVINO",
    steps=(MaskRcnnOpenvino,),
)
