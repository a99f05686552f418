"""docs/diagnostics.md, made from the tables of findings."""

from builder.diagnostics.findings import GROUPS

_HEAD = """\
# Diagnostics

This page is generated from the code's own table: `python -m builder.reference`.

`cvatbuild check` gives each finding a code. Codes are stable: scripts can rely on them. An error
means that no function, or none that works, can be built; `check` then ends with status 1. A warning
means that one can, but that it most likely does something else than was meant; with `--strict` it
counts as an error.
"""


def page() -> str:
    """The page in Markdown."""
    parts = [_HEAD]
    for title, kinds in GROUPS.items():
        parts.append(f"## {title}\n\n| code | severity | what | why |\n|---|---|---|---|")
        parts += [
            f"| `{code}` | {kind.severity} | {kind.title} | {kind.why} |"
            for code, kind in sorted(kinds.items())
        ]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"
