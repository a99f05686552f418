"""What models can be wrong in: their files, their inputs and outputs, and how steps fit them."""

from builder.diagnostics.findings.kind import Kind, errors

MODEL: dict[str, Kind] = errors(
    {
        "model": ("The model cannot be used", "Whatever has no code of its own."),
        "model-not-found": ("A model that is not there", "There is no such file."),
        "model-and-encoder": (
            "A model beside an encoder and a decoder",
            "A function has one model that does it all, or two that share the work.",
        ),
        "encoder-alone": (
            "An encoder or a decoder without the other",
            "What one of them gives is only half of the answer.",
        ),
        "models-swapped": (
            "Encoder and decoder in each other's place",
            "The image would go into the model that takes something else.",
        ),
        "model-format": (
            "A model of another format",
            "Functions run ONNX, and OpenVINO IR in the CPU variant.",
        ),
        "model-unreadable": (
            "A file that is no model",
            "It is damaged, cut off, or something else under a model's name.",
        ),
        "model-metadata": (
            "Metadata that cannot be used",
            "The file beside a model that says what its classes are is damaged, or hostile.",
        ),
        "weights": (
            "Weights that are not where they must be",
            "A model with its weights in another file needs that file beside it, under a name "
            "that means nothing else to a function.",
        ),
        "download": (
            "A model that cannot be fetched",
            "The address or the package does not serve it.",
        ),
        "digest": (
            "Another file than the one that was meant",
            "What is served is not what the manifest's author tried out.",
        ),
        "model-inputs": (
            "Inputs that no image fits",
            "The model takes something else than the image, or the crops, that a function of "
            "this type has for it.",
        ),
        "input-unknown": (
            "An input that the model does not have",
            "There is nothing to give it to.",
        ),
        "input-twice": (
            "One input for two things",
            "One of the two would never reach the model.",
        ),
        "input-ambiguous": (
            "Two inputs that the step could mean",
            "The template would be looked at as the frame, and the frame as the template.",
        ),
        "input-layout": (
            "Axes that the input does not have",
            "The model would take height, width and channels for each other.",
        ),
        "input-batch": (
            "A batch of images",
            "CVAT sends one image at a time, and nothing gathers them.",
        ),
        "prompt-inputs": (
            "No input for what is clicked",
            "The model would not learn what the annotator points at.",
        ),
        "prompts-fixed": (
            "A fixed number of points",
            "Annotators click as often as they need to.",
        ),
        "features-unpaired": (
            "An input that nothing is given to",
            "The decoder needs more than the encoder and the annotator give.",
        ),
        "features-shape": (
            "Features of another shape",
            "Encoder and decoder are of different networks.",
        ),
        "input-size": (
            "Another size than the model's",
            "The model would refuse every image.",
        ),
        "input-open": (
            "A size that nobody says",
            "The model takes any size, so the manifest must say at which it was trained.",
        ),
        "input-values": (
            "Values that the input does not take",
            "The model's input has another type, or other channels, than the steps give.",
        ),
        "template-size": (
            "A template larger than what it is searched in",
            "The object cannot be found in a part of the frame that is smaller than itself.",
        ),
        "crop-moved": (
            "Steps that move a tracker's crop",
            "The tracker knows where its crops lie; a step that moves pixels would shift every "
            "box.",
        ),
        "no-encoder": (
            "A key that needs an encoder",
            "It names a tensor of a model that there is not.",
        ),
        "no-resize": (
            "Nothing brings the image to the model's size",
            "The model would refuse every image.",
        ),
        "model-mismatch": (
            "A step that is not for this model",
            "The model's outputs are not what the step reads.",
        ),
        "output-unknown": (
            "An output that the model does not have",
            "There is nothing to decode.",
        ),
        "output-missing": (
            "No output that the step could read",
            "The model gives something else than the step is for.",
        ),
        "output-ambiguous": (
            "Several outputs that the step could read",
            "Nothing is guessed: another choice would be other objects.",
        ),
        "output-layout": (
            "A decoder of another layout",
            "The numbers would be read in the wrong order, and nothing or nonsense be found.",
        ),
        "no-vector": (
            "An output that is no vector",
            "Nothing could be compared: ReID needs one vector for each crop.",
        ),
        "model-task": (
            "A model of another task",
            "Layouts of different tasks can look alike, and would be decoded into nonsense.",
        ),
        "strides": (
            "Strides or anchors that do not fit together",
            "Each stride has a grid of its own; with other numbers boxes lie elsewhere.",
        ),
        "keypoint-count": (
            "Another number of keypoints than the model's",
            "Every keypoint after the missing one would be another.",
        ),
        "class-count": (
            "Another number of classes than labels",
            "Every class after the missing one would carry the wrong name.",
        ),
    }
)
