"""`python -m builder` is `cvatbuild`."""

from builder.cli.commands import run

if __name__ == "__main__":
    run()
