"""The confusion of each family with every other: test models x families.

    python benchmarks/confusion.py

Prints, for each test model, the level of the recognition and every family that matches, with the
level that the family alone would have. A family other than the right one is marked with `!`; it
must never be sure or certain. The last lines count the pairs of a model and a wrong family by
level.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from builder.families.registry import families
from tests.confusion import rows


def main() -> None:
    """Print the matrix."""
    wrong: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        found = rows(Path(folder))
    for row in found:
        listed = [
            f"{'' if family == row.right else '!'}{family}: {level}"
            for family, level in row.levels.items()
        ]
        print(f"{row.model:26} {row.ranking.sureness:8} {'; '.join(listed) or 'no family'}")
        wrong.update(level for family, level in row.levels.items() if family != row.right)
    print(f"{len(found)} models x {len(families())} families")
    for level in ("certain", "sure", "likely", "unsure"):
        print(f"{level:8} of a wrong family: {wrong[level]}")


if __name__ == "__main__":
    main()
