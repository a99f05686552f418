"""What a manifest's form can be wrong in: its YAML, its keys, its values, its steps."""

from builder.diagnostics.findings.kind import Kind, errors

FORM: dict[str, Kind] = errors(
    {
        "manifest": (
            "The manifest cannot be used",
            "Whatever has no code of its own.",
        ),
        "yaml": (
            "Not YAML",
            "Nothing can be read from a file that is not valid YAML, or that uses tags, merge "
            "keys or keys that are not text.",
        ),
        "no-manifest": (
            "A file that is no manifest",
            "It holds no keys and values.",
        ),
        "file-name": (
            "A file name that no line of text can hold",
            "The generated files name the manifest that they come from.",
        ),
        "key-twice": (
            "A key given twice",
            "YAML readers take the last one without a word.",
        ),
        "missing-key": ("A key that is missing", "The function cannot be built without it."),
        "unknown-key": (
            "An unknown key",
            "A misspelt key would be ignored, and its default would apply.",
        ),
        "unknown-step": (
            "An unknown step",
            "There is no such step of preprocessing or postprocessing.",
        ),
        "wrong-value": (
            "A value that cannot be",
            "It is of another type, out of range, or not of the form that is needed.",
        ),
        "step-entry": (
            "An entry that is not one step",
            "Each entry of `preprocess` and `postprocess` is exactly one step.",
        ),
        "step-order": (
            "Steps in the wrong order",
            "Instances have to be decoded before they are refined, and refined before they are "
            "drawn.",
        ),
    }
)
