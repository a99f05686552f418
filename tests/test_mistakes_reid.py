# ruff: noqa: E501
"""The gallery of mistakes in manifests of ReID, told as in tests/test_mistakes.py."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tests.builder.models import save
from tests.gallery import Mistake as AnyMistake
from tests.gallery import each, each_with_remedy, findings

MANIFEST = """\
name: same
type: reid
model: model.onnx
preprocess:
  - resize
  - normalize: 255
postprocess:
  - embedding: cosine
threshold: 0.3
max_distance: 100
"""

Shape = Sequence[int | str]


def model(
    path: Path,
    outputs: Mapping[str, Shape] | None = None,
    inputs: Mapping[str, Shape] | None = None,
) -> None:
    """An embedder of eight numbers a crop, all zeros."""
    shapes = outputs or {"vector": (1, 8)}
    given = {name: np.zeros(it, np.float32) for name, it in shapes.items()}  # type: ignore[arg-type]
    save(path, given, inputs or {"crops": (1, 3, 64, 32)}, {})


Mistake = partial(AnyMistake, model=model, manifest=MANIFEST)

MISTAKES = [
    Mistake(
        "a model without its pooling",
        "name: same",
        "name: same",
        """8:5: postprocess[0].embedding.output: the output map [1, 8, 4, 2] float32 is a map, not \
a vector for each crop
  found:   map [1, 8, 4, 2] float32
  allowed: [N, D], or [N, D, 1, 1]
  hint:    export the model with its pooling and its head""",
        "no-vector",
        model=partial(model, outputs={"map": (1, 8, 4, 2)}),
    ),
    Mistake(
        "a model that says how alike two crops are",
        "name: same",
        "name: same",
        """8:5: postprocess[0].embedding.output: the output score [1, 1] float32 is one number for \
each crop, which has no direction
  found:   score [1, 1] float32
  allowed: [N, D], or [N, D, 1, 1], with D numbers that are compared
  hint:    is this model meant for ReID?""",
        "no-vector",
        model=partial(model, outputs={"score": (1, 1)}),
    ),
    Mistake(
        "two vectors",
        "name: same",
        "name: same",
        """8:5: postprocess[0].embedding.output: 2 outputs could hold a vector for each crop; one \
with 2 or 3 or 4 axes is needed
  found:   body [1, 8] float32, face [1, 4] float32
  allowed: one output with 2 or 3 or 4 axes
  hint:    name it: `output: NAME`""",
        "output-ambiguous",
        "name it: `output: NAME`",
        ("embedding: cosine", "embedding: {distance: cosine, output: body}"),
        model=partial(model, outputs={"body": (1, 8), "face": (1, 4)}),
    ),
    Mistake(
        "nothing like a vector",
        "name: same",
        "name: same",
        """8:5: postprocess[0].embedding.output: 0 outputs could hold a vector for each crop; one \
with 2 or 3 or 4 axes is needed
  found:   all [8] float32
  allowed: one output with 2 or 3 or 4 axes
  hint:    is this step meant for this model?""",
        "output-missing",
        model=partial(model, outputs={"all": (8,)}),
    ),
    Mistake(
        "a name of an output that is misspelt",
        "embedding: cosine",
        "embedding: {output: vektor}",
        """8:17: postprocess[0].embedding.output: the model has no output called 'vektor'
  found:   vektor
  allowed: vector [1, 8] float32
  hint:    did you mean 'vector'?""",
        "output-unknown",
        "did you mean 'vector'?",
        ("vektor", "vector"),
    ),
    Mistake(
        "a model of two crops",
        "name: same",
        "name: same",
        """4:1: preprocess: the model has 2 inputs; one is needed, which takes the image
  found:   one [1, 3, 64, 32] float32, other [1, 3, 64, 32] float32
  allowed: one input
  hint:    is this model meant for this type of function?""",
        "model-inputs",
        model=partial(model, inputs={"one": (1, 3, 64, 32), "other": (1, 3, 64, 32)}),
    ),
    Mistake(
        "a batch of eight",
        "name: same",
        "name: same",
        """4:1: preprocess: the input crops [8, 3, 64, 32] float32 takes 8 images at once
  found:   crops [8, 3, 64, 32] float32
  allowed: a batch of 1, or an open one
  hint:    export the model again with batch size 1""",
        "input-batch",
        model=partial(model, inputs={"crops": (8, 3, 64, 32)}),
    ),
    Mistake(
        "a square for crops that are twice as high as wide",
        "- resize",
        "- resize: 64",
        """5:5: preprocess[0].resize.size: resize makes the image 64x64, but the model's input \
'crops' takes 64x32 (height x width)
  found:   64x64
  allowed: 64x32
  hint:    leave the size out: it is read from the model""",
        "input-size",
        "leave the size out",
        ("- resize: 64", "- resize"),
    ),
    Mistake(
        "a distance that there is not",
        "embedding: cosine",
        "embedding: cosin",
        """8:5: postprocess[0].embedding.distance: has the wrong value
  found:   "cosin"
  allowed: 'cosine' or 'euclidean'
  hint:    did you mean 'cosine'?""",
        "wrong-value",
        "did you mean 'cosine'?",
        ("cosin\n", "cosine\n"),
    ),
]


TRAPS = [
    Mistake(
        "a distance that nothing exceeds",
        "threshold: 0.3",
        "threshold: 2.5",
        """9:1: threshold: no two boxes are further apart than 2, so any two could be the same object
  found:   2.5
  allowed: less than 2
  hint:    write `threshold: 0.5`""",
        "threshold-joins-all",
        "write `threshold: 0.5`",
        ("threshold: 2.5", "threshold: 0.5"),
    ),
    Mistake(
        "a distance that nothing comes down to",
        "threshold: 0.3",
        "threshold: 0",
        """9:1: threshold: only vectors that are the same to the last digit have no distance, so \
nothing would ever be joined
  found:   0
  allowed: more than 0
  hint:    write `threshold: 0.5`""",
        "threshold-hides-all",
        "write `threshold: 0.5`",
        ("threshold: 0\n", "threshold: 0.5\n"),
    ),
    Mistake(
        "objects that stand still",
        "max_distance: 100",
        "max_distance: 0",
        """10:1: max_distance: only objects that do not move at all would be joined
  found:   0
  allowed: more than 0 pixels
  hint:    write `max_distance: 50`""",
        "max-distance-zero",
        "write `max_distance: 50`",
        ("max_distance: 0", "max_distance: 50"),
    ),
    Mistake(
        "a mean of 0 to 1 from values of 0 to 255",
        "normalize: 255",
        "normalize: {scale: 1, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}",
        """6:27: preprocess[1].normalize.mean: after `scale: 1` values go from 0 to 255, but the \
mean is of values from 0 to 1
  found:   [0.485, 0.456, 0.406]
  hint:    write `scale: 255`, if mean and std are of values from 0 to 1""",
        "normalize-range",
        "write `scale: 255`",
        ("scale: 1,", "scale: 255,"),
    ),
]


@each([*MISTAKES, *TRAPS])
def test_a_wrong_manifest_is_told_where_and_how_to_mend_it(
    mistake: AnyMistake, tmp_path: Path
) -> None:
    mistake.check(tmp_path)


@each_with_remedy([*MISTAKES, *TRAPS])
def test_doing_what_the_hint_says_mends_it(mistake: AnyMistake, tmp_path: Path) -> None:
    mistake.check_remedy(tmp_path)


def test_a_distance_of_vectors_of_any_length_has_no_bound(tmp_path: Path) -> None:
    free = MANIFEST.replace("cosine", "{distance: euclidean, normalize: false}")
    file = Mistake("", "threshold: 0.3", "threshold: 25", "", "", manifest=free).write(tmp_path)
    assert findings(file) == ()
