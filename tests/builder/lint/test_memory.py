from pathlib import Path
from typing import Any

import onnx
import pytest

from builder.diagnostics.rule import Rule
from builder.lint.memory import (
    BASE_BYTES,
    IMAGE_EXCEEDS_REQUEST,
    INVALID_CPU_LIMIT,
    LOW_MEMORY,
    MEMORY_TOO_SMALL,
    TOO_MANY_THREADS,
)
from tests.builder.lint.conftest import Lint
from tests.gallery_models import MODELS


def worker_mebibytes(workers: int) -> int:
    """The least limit that some workers with a model of no size fit in, in MiB."""
    return workers * BASE_BYTES // 2**20 + 1


@pytest.mark.parametrize(
    ("memory", "rule"),
    [
        ("1Mi", MEMORY_TOO_SMALL),
        (f"{worker_mebibytes(1) - 2}Mi", MEMORY_TOO_SMALL),
        (f"{worker_mebibytes(1)}Mi", LOW_MEMORY),
        (f"{worker_mebibytes(2) - 2}Mi", LOW_MEMORY),
        (f"{worker_mebibytes(2)}Mi", None),
        ("4Gi", None),
    ],
)
def test_the_memory_of_two_workers(lint: Lint, memory: str, rule: Rule | None) -> None:
    found = lint("detector", "yolo", resources={"memory": memory})
    assert found == ([(rule, "resources.memory")] if rule else [])


def test_one_worker_needs_less_memory(lint: Lint) -> None:
    variants = {"cpu": {"workers": 1, "memory": f"{worker_mebibytes(1)}Mi"}, "gpu": False}
    assert lint("detector", "yolo", variants=variants) == []


@pytest.mark.parametrize(("precision", "mebibytes"), [("float32", 210), ("fp16", 180)])
def test_half_precision_needs_half_the_memory(
    lint: Lint, tmp_path: Path, precision: str, mebibytes: int
) -> None:
    def found(limit: int) -> list[tuple[Rule | None, str]]:
        gpu = {"memory": f"{limit}Mi", "precision": precision}
        return lint("detector", "padded", variants={"cpu": False, "gpu": gpu})

    def padded(folder: Path) -> None:
        MODELS["yolo"](folder)
        model = onnx.load(folder / "model.onnx")
        model.doc_string = "x" * 30 * 2**20
        onnx.save(model, folder / "model.onnx")

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, "padded", padded)
        # 150 MiB, and twice the size of the files: 30 or 15 MiB.
        assert found(mebibytes) == [(LOW_MEMORY, "variants.gpu.memory")]
        assert found(mebibytes + 1) == []


def test_an_interactor_needs_memory_for_embeddings(lint: Lint) -> None:
    memory = {"memory": f"{worker_mebibytes(1)}Mi"}
    assert lint("interactor", "sam", resources=memory) == [(LOW_MEMORY, "resources.memory")]


def test_the_limit_of_a_variant_replaces_that_of_the_function(lint: Lint) -> None:
    changes: dict[str, Any] = {
        "resources": {"memory": "1Mi"},
        "variants": {"cpu": {"memory": "4Gi"}, "gpu": {"memory": "1Mi"}},
    }
    found = lint("detector", "yolo", **changes)
    assert found == [(MEMORY_TOO_SMALL, "variants.gpu.memory")]


@pytest.mark.parametrize(
    ("cpu", "rule"),
    [
        ("50m", None),
        ("49m", INVALID_CPU_LIMIT),
        ("2", None),
        ("1024", None),
        ("1025", INVALID_CPU_LIMIT),
        ("5000", INVALID_CPU_LIMIT),
    ],
)
def test_the_limit_of_processor_time(lint: Lint, cpu: str, rule: Rule | None) -> None:
    found = lint("detector", "yolo", resources={"cpu": cpu}, variants={"cpu": {"workers": 1}})
    assert found == ([(rule, "resources.cpu")] if rule else [])


@pytest.mark.parametrize(
    ("limit", "settings", "key"),
    [
        # Two workers are the default of the CPU variant.
        ("2", {}, None),
        ("1500m", {}, "resources.cpu"),
        ("500m", {}, "resources.cpu"),
        ("500m", {"workers": 1}, None),
        ("7", {"workers": 4}, None),
        ("4", {"workers": 2, "threads": 2}, None),
        ("4", {"workers": 2, "threads": 3}, "variants.cpu.threads"),
        ("500m", {"workers": 1, "threads": 1}, None),
        ("1", {"workers": 1, "threads": 2}, "variants.cpu.threads"),
        ("8", {"cpu": "3", "workers": 4}, "variants.cpu.cpu"),
        (None, {"workers": 64, "threads": 64}, None),
    ],
)
def test_all_workers_together_fit_into_the_limit(
    lint: Lint, limit: str | None, settings: dict[str, Any], key: str | None
) -> None:
    found = lint("detector", "yolo", resources={"cpu": limit}, variants={"cpu": settings})
    assert found == ([(TOO_MANY_THREADS, key)] if key else [])


def test_images_that_exceed_the_size_of_requests(lint: Lint) -> None:
    assert lint("detector", "yolo-4096") == [(IMAGE_EXCEEDS_REQUEST, "model")]


@pytest.mark.parametrize(
    ("cpu", "gpu", "reported"),
    # 4096 x 4096 pixels of 3 bytes are 64 MiB in base64.
    [("64Mi", "64Mi", False), ("63Mi", "64Mi", True), ("64Mi", "65535Ki", True)],
)
def test_a_larger_limit_accepts_larger_images(
    lint: Lint, cpu: str, gpu: str, reported: bool
) -> None:
    variants = {"cpu": {"max_request_size": cpu}, "gpu": {"max_request_size": gpu}}
    found = lint("detector", "yolo-4096", variants=variants)
    assert found == ([(IMAGE_EXCEEDS_REQUEST, "model")] if reported else [])
