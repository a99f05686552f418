"""`python -m builder` is `cvatbuild`."""

from builder.cli.app import run

if __name__ == "__main__":
    run()
