"""Print docs/findings.md."""

import sys

from builder.findings.page import page

if __name__ == "__main__":
    sys.stdout.write(page())
