"""Manifests whose model family `init` could only guess."""

from collections.abc import Iterator

from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.families.registry import family_of
from builder.lint.scene import Scene
from runtimes.step import Step

GUESSED_FAMILY = Rule(
    "guessed-family",
    "Model family is guessed",
    "A decoder of another family draws wrong shapes without an error.",
)
_PATH = ("guessed",)


def find(scene: Scene) -> Iterator[Problem]:
    """Yield a problem if the manifest says that its model family is guessed."""
    if not scene.manifest_file.manifest.guessed:
        return
    decoders = [it.name() for it in scene.steps(Step).values() if family_of(it)]
    yield scene.problem(
        GUESSED_FAMILY,
        _PATH,
        "nothing in the model file confirms that the decoder is the right one",
        f"`guessed: true`, and {' and '.join(f'`{it}`' for it in decoders) or 'no decoder'}",
        hint="build with `--accept-guess`, compare the shapes that `cvatbuild predict` draws on an "
        "image with those of the model's own program, and remove `guessed: true` if they agree",
    )
