"""What would fail only later, or works but is seldom meant; builder.lint looks for it."""

from builder.diagnostics.findings.kind import Kind, errors, warnings

TRAPS: dict[str, Kind] = errors(
    {
        "threshold-hides-all": (
            "A threshold that hides everything",
            "A score must exceed the threshold, and none exceeds 1.",
        ),
        "shape-needs-more": (
            "A shape that needs more than the model gives",
            "The function would fail at every image: there are no masks, keypoints or oriented "
            "boxes to draw.",
        ),
        "refinement-needs-more": (
            "A refinement that needs more than the model gives",
            "The function would fail at every image: there are no masks to clean.",
        ),
        "attribute-dropped": (
            "An attribute that CVAT would drop",
            "CVAT compares each value with what the label declares, and drops what is not "
            "among it without a word.",
        ),
        "memory-too-small": (
            "Less memory than the weights take",
            "Docker kills the workers while they load their models.",
        ),
        "cores": (
            "Processor time in the wrong unit",
            "Docker refuses the function, or it never gets to answer.",
        ),
        "base-image": (
            "A base image that Nuclio cannot build on",
            "The build fails after minutes, with a message about msgpack, python or a wheel.",
        ),
        "pip-pinned": (
            "Another version of a package that functions have",
            "pip finds no solution, and the image is not built.",
        ),
        "pip-clash": (
            "A package that breaks one that functions have",
            "Two packages that bring the same module overwrite each other.",
        ),
        "port-twice": (
            "A port that two functions claim",
            "Docker starts only one of them.",
        ),
    }
) | warnings(
    {
        "threshold-joins-all": (
            "A distance that all boxes come up to",
            "Boxes of different objects are joined into one track.",
        ),
        "max-distance-zero": (
            "Objects that may not move",
            "Between two frames everything moves a little, and nothing is joined.",
        ),
        "points-needed": (
            "A function that needs a click, and is asked without one",
            "The annotator sees an error after the first click beside the object.",
        ),
        "negative-points-needed": (
            "Clicks beside the object that have to be made",
            "CVAT asks the function nothing before, and the annotator sees nothing happen.",
        ),
        "box-not-offered": (
            "A box that the CVAT in use does not offer",
            "It reads no such key, and lets people click alone.",
        ),
        "workers-apart": (
            "Workers that do not share what they know of an image",
            "The encoder, which takes seconds, runs once in each of them.",
        ),
        "timeout-short": (
            "Less time than the encoder takes",
            "Nuclio stops every first click on an image, and restarts the worker.",
        ),
        "tracker-not-listed": (
            "A tracker without rectangles",
            "CVAT's AI tools do not list it.",
        ),
        "shape-types-ignored": (
            "Shapes that the CVAT in use does not have tracked",
            "It reads no such key, and sends rectangles.",
        ),
        "state-small": (
            "A limit that templates do not fit in",
            "Objects with some texture are refused when they are drawn.",
        ),
        "values-not-centred": (
            "Values without ImageNet's mean taken off",
            "The model finds less, or nothing.",
        ),
        "normalize-range": (
            "A mean of other values than the image's",
            "What reaches the model has hardly anything left of the image.",
        ),
        "sam-input": (
            "Another input than SAM's",
            "Masks are less exact, above all at the image's edges.",
        ),
        "threshold-high": (
            "A threshold that hides most",
            "Few models give such scores.",
        ),
        "threshold-low": (
            "A threshold that hides nothing",
            "A raw head has thousands of candidates, nearly all of them of no meaning.",
        ),
        "letterbox-for-stretched": (
            "A padded image for a model of stretched ones",
            "The model finds less, in boxes that are a little off.",
        ),
        "resize-for-letterboxed": (
            "A stretched image for a model of padded ones",
            "The model finds less, above all in images that are far from square.",
        ),
        "values-not-scaled": (
            "Values 255 times too large",
            "The model finds nothing, or nonsense.",
        ),
        "yolox-input": (
            "Another input than YOLOX's",
            "The model finds less, or nothing.",
        ),
        "channel-order": (
            "Red and blue in each other's place",
            "The model finds less, above all where colour matters.",
        ),
        "step-twice": (
            "A step that is there twice",
            "Values would be divided twice, shapes be drawn twice.",
        ),
        "keypoints-not-drawn": (
            "Keypoints that no shape draws",
            "CVAT would not see them: only `skeleton` and `points` draw any.",
        ),
        "nms-missing": (
            "No `nms` after a raw head",
            "Annotators get ten boxes for each object.",
        ),
        "nms-needless": (
            "`nms` after finished detections",
            "Objects that overlap would be lost.",
        ),
        "top-k-first": (
            "`top_k` before `nms`",
            "One object can use the whole list up.",
        ),
        "mask-rle": (
            "Run lengths from a detector",
            "CVAT's servers fail at the reply.",
        ),
        "polygon-points": (
            "Polygons with a point for every pixel",
            "Nobody can edit them.",
        ),
        "label-background": (
            "A background as a label",
            "The whole image would be annotated with it.",
        ),
        "label-order": (
            "Labels in another order than the model's",
            "Objects would carry each other's names.",
        ),
        "skeleton-without-edges": (
            "A skeleton without edges",
            "CVAT shows loose points, and nobody sees which belong together.",
        ),
        "memory-tight": (
            "Little memory for so many workers",
            "Each worker is a process with its own copy of the models.",
        ),
        "image-over-body": (
            "Images that are too large to be sent",
            "Nuclio refuses requests of more than 32 MiB, base64 included.",
        ),
        "timeout-over-cvat": (
            "A time limit beyond CVAT's own",
            "The annotator sees an error while the function goes on.",
        ),
        "port-taken": (
            "A port that others have",
            "Docker does not start the function.",
        ),
        "env-reserved": (
            "A variable that Nuclio and Python need",
            "The function may not start.",
        ),
        "env-secret": (
            "A secret in a file that is committed",
            "Everybody who can read the repository can read it.",
        ),
        "declared-shape": (
            "An output of another shape than its file declares",
            "Functions are built by what the graph gives; other tools may trust the file.",
        ),
        "title-twice": (
            "A title that two functions have",
            "Nobody can tell them apart in CVAT's menu.",
        ),
    }
)
