"""Write the generated reference files, or check them: `python -m builder.reference [--check]`."""

import argparse
import sys
from pathlib import Path

from builder.reference.generated import difference, write

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Run the program and return its exit status: 1 if --check finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m builder.reference", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="Write nothing; print a diff and exit with status 1."
    )
    if not parser.parse_args().check:
        write(ROOT)
        return 0
    changes = difference(ROOT)
    sys.stdout.write(changes)
    return int(bool(changes))


if __name__ == "__main__":
    sys.exit(main())
