"""What labels can be wrong in, with their attributes and keypoints."""

from builder.diagnostics.findings.kind import Kind, errors, warnings

LABELS: dict[str, Kind] = errors(
    {
        "label-twice": (
            "A label given twice",
            "CVAT hides a function whose labels have the same name; older servers then show no "
            "function at all.",
        ),
        "class-number-twice": (
            "A class number given twice",
            "Only one of the labels could ever be drawn.",
        ),
        "label-file": (
            "A label file that cannot be used",
            "The labels are not there, or not in a form that is known.",
        ),
        "labels-not-in-model": (
            "No labels in the model",
            "The model's metadata hold no class names that can be used.",
        ),
        "label-type": (
            "A type of label that the shapes are not",
            "CVAT offers no label of the task for it, so nothing could be mapped.",
        ),
        "label-clash": (
            "Labels that a suffix makes alike or too long",
            "CVAT takes no two labels of one name, and none of more than 64 characters.",
        ),
        "labels-too-large": (
            "Too many labels for Nuclio",
            "Nuclio passes the labels on a command line of limited length.",
        ),
        "unknown-label": (
            "A label that there is not",
            "Nothing would ever be looked at.",
        ),
        "keypoints-differ": (
            "Labels with different keypoints",
            "A model gives the same keypoints for all classes.",
        ),
        "keypoint": (
            "Keypoints that do not fit together",
            "A skeleton needs its keypoints, each once, and edges between them.",
        ),
        "attribute-values": (
            "An attribute that CVAT cannot have",
            "CVAT's servers drop the attribute, or fail the whole request.",
        ),
        "attribute-twice": (
            "An attribute given twice",
            "CVAT hides a function whose attributes have the same name.",
        ),
    }
) | warnings(
    {
        "labels-not-seen": (
            "Labels in a model that is not looked at",
            "`labels: metadata` cannot be checked without the model.",
        ),
    }
)
