"""measured.md: what the smoke test of a build measured on its machine.

No build would write the same values again, so build.lock and `cvatbuild diff` leave the file out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.manifest.variants import VariantName

MEASURED = "measured.md"
"""The name of the file at the top of a function's directory."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of a variant's workers.

    Attributes:
        variant: the variant.
        workers: its number of workers.
        peak: the highest resident set size of one worker in bytes, shared libraries included.
    """

    variant: VariantName
    workers: int
    peak: int


def write(folder: Path, measured: Sequence[Memory]) -> None:
    """Write the file into a function's directory; without measurements, write none."""
    if not measured:
        return
    rows = "\n".join(
        f"| {it.variant} | {it.workers} | {_mebibytes(it.peak)} | "
        f"{_mebibytes(it.peak * it.workers)} |"
        for it in measured
    )
    (folder / MEASURED).write_text(
        f"""# Measured by the smoke test

The highest memory of a worker (resident set size) on the machine of the build, from its start to
the end of the test. Larger images need more.

| variant | workers | memory of a worker, MiB | of all workers, MiB |
|---|---|---|---|
{rows}
""",
        "utf-8",
    )


def _mebibytes(size: int) -> int:
    """Return a number of bytes in MiB, rounded up."""
    return -(-size // 2**20)
