"""What can go wrong when functions are built, written and run."""

from builder.diagnostics.findings.kind import Kind, errors, warnings

BUILDING: dict[str, Kind] = errors(
    {
        "command-line": ("A wrong command line", "The arguments make no sense."),
        "output": (
            "A directory that cannot be written",
            "Something would be lost, or the disk does not take it.",
        ),
        "function": (
            "A function that does not work",
            "It does not start, or CVAT could not use its replies.",
        ),
    }
) | warnings(
    {
        "guessed": (
            "Something that a manifest had to guess",
            "`init` writes what the model tells, and says where that is not enough.",
        ),
        "not-tried-out": (
            "A variant that was not tried out",
            "Its runtime is not installed here.",
        ),
    }
)
