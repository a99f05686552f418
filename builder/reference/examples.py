"""An example of each step, as a person would write it in a manifest's list.

docs/manifest.md shows them; a test sees to it that every step has one and that each is valid.
"""

EXAMPLES: dict[str, str] = {
    # Preprocessing.
    "center_crop": "- center_crop: 224",
    "channels": "- channels: bgr",
    "layout": "- layout: nhwc",
    "letterbox": "- letterbox: {size: 640, align: top_left}",
    "normalize": "- normalize: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}",
    "resize": "- resize: [256, 128]   # height, width",
    "resize_multiple": "- resize_multiple: {shortest: 736, longest: 1920}",
    # Decoders.
    "classify": "- classify: {activation: softmax}",
    "dbnet": "- dbnet: {level: 0.3, unclip: 2.0}",
    "detr": "- detr: {logits: logits, boxes: pred_boxes}",
    "efficient_nms": "- efficient_nms",
    "heatmap": "- heatmap: {visible: 0.3}",
    "mask_rcnn_openvino": "- mask_rcnn_openvino: {detections: reshape_do_2d, masks: masks}",
    "mmdeploy": "- mmdeploy: {dets: dets, labels: labels, masks: masks}",
    "movenet": "- movenet: {visible: 0.2}",
    "movenet_multi": "- movenet_multi",
    "nanodet": "- nanodet: {strides: [8, 16, 32], center: middle}   # the first NanoDet",
    "openvino_boxes": "- openvino_boxes: {boxes: boxes, labels: labels}",
    "pixellink": "- pixellink: {pixel_level: 0.7, link_level: 0.7}",
    "rtdetr": "- rtdetr: {queries: 300}",
    "rtdetr_concat": "- rtdetr_concat",
    "rtdetr_deploy": "- rtdetr_deploy: {labels: labels, boxes: boxes, scores: scores}",
    "saliency": "- saliency: {per: component, activation: sigmoid}",
    "semantic": "- semantic: {per: component, background: null, min_area: 100}",
    "simcc": "- simcc: {x: simcc_x, y: simcc_y}",
    "ssd": "- ssd: {background: false}",
    "torchvision": "- torchvision: {boxes: boxes, labels: labels, scores: scores, masks: masks}",
    "yolo": "- yolo: output0",
    "yolo_anchors": """\
- yolo_anchors:   # YOLOv4
    anchors:
      - [[12, 16], [19, 36], [40, 28]]
      - [[36, 75], [76, 55], [72, 146]]
      - [[142, 110], [192, 243], [459, 401]]
    scale_xy: [1.2, 1.1, 1.05]""",
    "yolo_end2end": "- yolo_end2end: output0",
    "yolo_end2end_obb": "- yolo_end2end_obb",
    "yolo_end2end_pose": "- yolo_end2end_pose: {kpt_shape: [17, 3]}",
    "yolo_end2end_segment": "- yolo_end2end_segment: {output: output0, prototypes: output1}",
    "yolo_obb": "- yolo_obb",
    "yolo_objectness": "- yolo_objectness: output0",
    "yolo_pose": "- yolo_pose: {kpt_shape: [17, 3]}",
    "yolo_segment": "- yolo_segment: {output: output0, prototypes: output1}",
    "yolox": "- yolox: output",
    # Refinements.
    "fill_holes": "- fill_holes: 100",
    "group": "- group: 0.7",
    "largest_component": "- largest_component",
    "min_size": "- min_size: 8",
    "nms": "- nms: {iou: 0.5, per_class: false, max: 100}",
    "smooth": "- smooth: 2",
    "top_k": "- top_k: 1",
    # Attributes.
    "choice_attribute": """\
- choice_attribute: {attribute: gender, output: prob, values: [female, male]}""",
    "constant_attribute": "- constant_attribute: {attribute: source, value: my-model v3}",
    "number_attribute": """\
- number_attribute: {attribute: age, output: age_conv3, scale: 100}""",
    "score_attribute": "- score_attribute: confidence",
    # Shapes.
    "ellipse": "- ellipse: {suffix: -ellipse}",
    "mask": "- mask: {epsilon: 1.5}",
    "points": "- points: 0.3",
    "polygon": "- polygon: {epsilon: 1.5, parts: all, holes: true}",
    "polyline": "- polyline: 1.5",
    "rectangle": "- rectangle: {suffix: -box}",
    "skeleton": "- skeleton: 0.3",
    "tag": "- tag",
    # Segmenters.
    "image_and_points": """\
- image_and_points: {masks: all, points: batched_point_coords, labels: batched_point_labels}""",
    "sam": "- sam: {masks: all}",
    "sam2": "- sam2: {masks: all}",
    # Trackers.
    "ostrack": "- ostrack: {scores: output1, sizes: output2, offsets: output3}",
    "siamfc": "- siamfc: {activation: none, threshold: 0.4}",
    "siamrpn": "- siamrpn: {window: 0.42, penalty: 0.05, rate: 0.38}   # pysot's SiamRPN++",
    "transt": "- transt: {window: 0.3, threshold: 0.5}",
    # Embedders.
    "embedding": "- embedding: {distance: euclidean, normalize: false}",
}
"""Step -> one entry of a list, in YAML. A step has the same example in every list that it may stand
in."""
