"""`init` of models with Hugging Face's files beside them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from builder.families.init import draft_manifest, write_manifest
from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS, VariantName
from builder.run.judge.detector import judge
from builder.targets.build import build
from tests import zoo
from tests.builder.conftest import png
from tests.local_function import LocalFunction

NAMES = {str(number): name for number, name in enumerate(["wall", "road", "sky", "car", "tree"])}
PROCESSOR = {
    "do_resize": True,
    "size": {"height": 64, "width": 64},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.25, 0.125],
    "image_std": [0.5, 0.75, 1.5],
}


def drafted(folder: Path, make: zoo.Maker, **files: Any) -> tuple[dict[str, Any], str]:
    """The manifest that init drafts for a model with files beside it, and its text."""
    model = make(folder / "model.onnx")
    for name, data in files.items():
        (folder / f"{name}.json").write_text(json.dumps(data))
    draft = draft_manifest([model], folder)
    write_manifest(draft.text, folder / "m.yaml", force=False)
    return yaml.safe_load(draft.text), draft.text


def test_the_values_of_the_file_are_drafted_with_their_source(tmp_path: Path) -> None:
    data, text = drafted(
        tmp_path, zoo.semantic_numbers, preprocessor_config=PROCESSOR, config={"id2label": NAMES}
    )
    assert data["labels"] == list(NAMES.values())
    assert data["preprocess"] == [
        {"resize": {"antialias": True}},
        {"normalize": {"mean": [0.5, 0.25, 0.125], "std": [0.5, 0.75, 1.5]}},
    ]
    assert "# config.json id2label" in text
    assert "# preprocessor_config.json size: 64x64, resample: 2" in text
    assert text.count("# preprocessor_config.json") == 2


@pytest.mark.parametrize("factor", [1 / 255, 1 / 127.5, 1 / 256])
def test_the_drafted_normalization_equals_that_of_transformers(
    tmp_path: Path, factor: float
) -> None:
    processor = {**PROCESSOR, "rescale_factor": factor}
    data, _ = drafted(tmp_path, zoo.semantic_numbers, preprocessor_config=processor)
    found = data["preprocess"][1]["normalize"]
    pixels = np.arange(256)[:, None]
    ours = (pixels / found.get("scale", 255) - found["mean"]) / found["std"]
    # transformers.image_transforms: rescale, then normalize.
    theirs = (pixels * factor - np.array(PROCESSOR["image_mean"])) / PROCESSOR["image_std"]
    assert np.abs(ours - theirs).max() < 1e-5


def test_the_crop_of_a_classifier_is_drafted(tmp_path: Path) -> None:
    processor = {
        "size": {"shortest_edge": 72},
        "do_center_crop": True,
        "crop_size": {"height": 64, "width": 64},
        "do_normalize": False,
    }
    data, _ = drafted(tmp_path, zoo.classifier, preprocessor_config=processor)
    assert data["preprocess"] == ["center_crop", {"normalize": 255}]


def logits_of_a_transformer(path: Path) -> Path:
    """Five bare logits, or anything else."""
    net = zoo.image("pixel_values")
    net.give("logits", net.dense(net.known([[1, -2, 3, 0, 5]]), 5), (1, 5))
    return net.save(path)


def bare_maps(path: Path) -> Path:
    """Maps of five channels that no operation explains, at a quarter of the input."""
    net = zoo.image("pixel_values")
    net.give("logits", net.known(np.full((1, 5, 16, 16), 7)), (1, 5, 16, 16))
    return net.save(path)


@pytest.mark.parametrize("make", [logits_of_a_transformer, bare_maps])
@pytest.mark.parametrize(
    ("names", "guessed"),
    [
        (NAMES, False),
        ({**NAMES, "5": "sea", "6": "boat"}, True),
        ({str(number): f"LABEL_{number}" for number in range(5)}, True),
    ],
)
def test_as_many_names_as_classes_are_evidence(
    tmp_path: Path, make: zoo.Maker, names: dict[str, str], guessed: bool
) -> None:
    data, _ = drafted(tmp_path, make, config={"id2label": names})
    assert data.get("guessed", False) is guessed
    assert ("wall" in str(data["labels"])) is not guessed


def test_a_list_for_another_number_of_classes_is_not_used(tmp_path: Path) -> None:
    names = {str(number): f"name {number}" for number in range(9)}
    data, _ = drafted(tmp_path, zoo.semantic_numbers, config={"id2label": names})
    assert "name 1" not in str(data["labels"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_unused_classes_get_no_label(tmp_path: Path, variant: VariantName) -> None:
    names = {**NAMES, "0": "N/A", "4": "N/A"}
    data, _ = drafted(tmp_path, zoo.semantic_numbers, config={"id2label": names})
    expected = [{"name": name, "id": number} for number, name in ((1, "road"), (2, "sky"))]
    assert data["labels"] == [*expected, {"name": "car", "id": 3}]
    built = build(plan(tmp_path / "m.yaml"), tmp_path / "build", force=False)
    function = LocalFunction(built.folder, variant)
    items = function(png(64, 64, 200)).body
    assert judge(items, function.labels) == []
    assert [item["label"] for item in items] == ["sky"]
