"""Print docs/diagnostics.md."""

import sys

from builder.diagnostics.findings.page import page

if __name__ == "__main__":
    sys.stdout.write(page())
