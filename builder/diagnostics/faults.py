"""The rules of the faults that steps find in a model.

The checks are in `runtimes`, which cannot import `builder`, so their rules are here: one for each
member of `runtimes.errors.Fault`.
"""

from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from runtimes.errors import Fault, FunctionError

RULES: dict[Fault, Rule] = {
    Fault.MODEL_MISMATCH: Rule(
        Fault.MODEL_MISMATCH.value,
        "Step does not match the model",
        "The model's outputs are not what the step decodes.",
    ),
    Fault.MODEL_INPUTS: Rule(
        Fault.MODEL_INPUTS.value,
        "Unsuitable model inputs",
        "The model does not take the image or the crops that a function of this type provides.",
    ),
    Fault.WRONG_TASK: Rule(
        Fault.WRONG_TASK.value,
        "Model was trained for another task",
        "Layouts of different tasks can look alike, and would be decoded into false detections.",
    ),
    Fault.MODELS_SWAPPED: Rule(
        Fault.MODELS_SWAPPED.value,
        "Encoder and decoder are swapped",
        "The image would be passed to the decoder.",
    ),
    Fault.INPUT_UNKNOWN: Rule(
        Fault.INPUT_UNKNOWN.value,
        "Unknown input",
        "The model has no input of this name.",
    ),
    Fault.DUPLICATE_INPUT: Rule(
        Fault.DUPLICATE_INPUT.value,
        "Input is used twice",
        "Only one of the two values would reach the model.",
    ),
    Fault.INPUT_AMBIGUOUS: Rule(
        Fault.INPUT_AMBIGUOUS.value,
        "Ambiguous inputs",
        "The template could be passed as the search image, and the search image as the template.",
    ),
    Fault.INPUT_LAYOUT: Rule(
        Fault.INPUT_LAYOUT.value,
        "Layout does not match the input",
        "The model would mix up height, width and channels.",
    ),
    Fault.INPUT_BATCH: Rule(
        Fault.INPUT_BATCH.value,
        "Input needs a batch of images",
        "CVAT sends one image per request.",
    ),
    Fault.INPUT_SIZE: Rule(
        Fault.INPUT_SIZE.value,
        "Size does not match the model's input",
        "The model would reject every image.",
    ),
    Fault.MISSING_INPUT_SIZE: Rule(
        Fault.MISSING_INPUT_SIZE.value,
        "Missing input size",
        "The model takes images of any size, so the manifest must name the size that it was"
        " trained at.",
    ),
    Fault.INPUT_VALUES: Rule(
        Fault.INPUT_VALUES.value,
        "Values do not match the model's input",
        "The model's input has another data type or another number of channels.",
    ),
    Fault.PROMPT_INPUTS: Rule(
        Fault.PROMPT_INPUTS.value,
        "No input for the prompts",
        "The model would not receive the annotator's points and bounding boxes.",
    ),
    Fault.FIXED_PROMPTS: Rule(
        Fault.FIXED_PROMPTS.value,
        "Fixed number of points",
        "Annotators place any number of points.",
    ),
    Fault.UNCONNECTED_INPUT: Rule(
        Fault.UNCONNECTED_INPUT.value,
        "Unconnected decoder input",
        "The decoder needs more inputs than the encoder and the prompts provide.",
    ),
    Fault.FEATURES_SHAPE: Rule(
        Fault.FEATURES_SHAPE.value,
        "Feature shapes do not match",
        "The encoder and the decoder belong to different models.",
    ),
    Fault.TEMPLATE_SIZE: Rule(
        Fault.TEMPLATE_SIZE.value,
        "Template is larger than the search area",
        "The object cannot be found in a crop that is smaller than the object.",
    ),
    Fault.REQUIRES_ENCODER: Rule(
        Fault.REQUIRES_ENCODER.value,
        "Key requires an encoder",
        "The key names a tensor of an encoder, and the function has none.",
    ),
    Fault.OUTPUT_UNKNOWN: Rule(
        Fault.OUTPUT_UNKNOWN.value,
        "Unknown output",
        "The model has no output of this name.",
    ),
    Fault.OUTPUT_MISSING: Rule(
        Fault.OUTPUT_MISSING.value,
        "No suitable output",
        "The model has no output that the step can decode.",
    ),
    Fault.OUTPUT_AMBIGUOUS: Rule(
        Fault.OUTPUT_AMBIGUOUS.value,
        "Ambiguous outputs",
        "Several outputs fit the step, and different choices give different results.",
    ),
    Fault.OUTPUT_LAYOUT: Rule(
        Fault.OUTPUT_LAYOUT.value,
        "Output layout does not match the decoder",
        "The numbers would be read in the wrong order, and the function would return false "
        "detections.",
    ),
    Fault.NO_VECTOR: Rule(
        Fault.NO_VECTOR.value,
        "Output is not a vector",
        "ReID compares one vector for each crop.",
    ),
    Fault.STRIDES: Rule(
        Fault.STRIDES.value,
        "Strides or anchors do not match the model",
        "Each stride has its own grid; with other values the bounding boxes are misplaced.",
    ),
    Fault.SCORE_RANGE: Rule(
        Fault.SCORE_RANGE.value,
        "Scores are not confidences",
        "The values are logits, or another column of the output; CVAT would show them as the"
        " confidence of false detections.",
    ),
    Fault.CLASS_VALUES: Rule(
        Fault.CLASS_VALUES.value,
        "Class IDs do not match the model",
        "The values are another column of the output, or the model has more classes than the"
        " labels.",
    ),
    Fault.KEYPOINT_COUNT: Rule(
        Fault.KEYPOINT_COUNT.value,
        "Keypoint count does not match the model",
        "Every keypoint after the missing one would get the wrong name.",
    ),
    Fault.CLASS_COUNT: Rule(
        Fault.CLASS_COUNT.value,
        "Class count does not match labels",
        "Every class after the missing one would get the wrong label.",
        depends_on="labels",
        stops_lint=False,
    ),
}
"""Fault -> the rule that reports it."""


def problem_of(error: FunctionError) -> Problem:
    """Return the problem that a step or a function reported; its path is relative to the step."""
    return Problem(
        error.what,
        path=(error.where,) if error.where else (),
        found=error.found,
        allowed=error.allowed,
        hint=error.hint,
        rule=RULES[error.fault] if error.fault else None,
    )
