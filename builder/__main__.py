"""The entry point: `python -m builder` is `cvatbuild`."""

import sys


def main() -> None:
    """Run the command line; the console script calls this."""
    try:
        # Imported here, so that Ctrl-C during the import prints no traceback either.
        from builder.cli.app import run

        run()
    except KeyboardInterrupt:
        # As builder.cli.console.INTERRUPTED, which may not be imported yet.
        sys.exit(130)


if __name__ == "__main__":
    main()
