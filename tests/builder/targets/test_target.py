"""A target that does not exist: what `build`, `diff` and a built directory need of one."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from builder.diagnostics.errors import BuiltError, ManifestError
from builder.diagnostics.problem import Problem
from builder.lint.examine import plan
from builder.manifest.variants import VariantName
from builder.plan.plan import Plan
from builder.targets import built
from builder.targets.build import build, diff
from builder.targets.lock import Lock
from builder.targets.registry import TARGETS
from builder.targets.target import Description, Target, Tree
from tests.builder.conftest import WriteManifest, failure


class Agent:
    """Functions for a program that reads JSON."""

    def render(self, plan: Plan, digests: Mapping[str, str]) -> Tree:
        configs = {
            f"agent-{variant}.json": json.dumps({"type": plan.manifest.type}).encode()
            for variant in plan.variants
        }
        return {**configs, "digests.txt": "\n".join(digests).encode(), **plan.files}

    def is_reviewed(self, path: str) -> bool:
        return path.startswith("agent-")

    def config_path(self, folder: Path, variant: VariantName) -> Path:
        return folder / f"agent-{variant}.json"

    def describe(self, folder: Path, variant: VariantName) -> Description:
        data = json.loads(self.config_path(folder, variant).read_text())
        return Description(folder.name, data["type"], [], {}, {}, folder.resolve())


AGENT: Target = Agent()


def test_a_function_is_built_for_a_target(write_manifest: WriteManifest, tmp_path: Path) -> None:
    done = build(plan(write_manifest(), ("gpu",)), tmp_path / "out", force=False, target=AGENT)
    assert done.configs == (done.folder / "agent-gpu.json",)
    assert sorted(path.name for path in done.folder.iterdir()) == [
        *("agent-gpu.json", "build.lock", "digests.txt", "model.onnx")
    ]
    assert (done.folder / "digests.txt").read_text() == "boxes.yaml\nmodel.onnx"
    lock = Lock.read(done.folder)
    assert lock is not None
    assert sorted(lock.files) == ["agent-gpu.json", "digests.txt", "model.onnx"]


def test_only_what_people_review_is_compared(write_manifest: WriteManifest, tmp_path: Path) -> None:
    text = diff(plan(write_manifest()), tmp_path / "out", AGENT)
    heads = [line for line in text.splitlines() if line.startswith("+++")]
    assert heads == ["+++ boxes/agent-cpu.json", "+++ boxes/agent-gpu.json", "+++ boxes/build.lock"]


def test_a_built_directory_is_described_by_the_target_that_wrote_it(
    write_manifest: WriteManifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.targets.built.TARGETS", (*TARGETS, AGENT))
    folder = build(plan(write_manifest()), tmp_path / "out", force=False, target=AGENT).folder
    assert built.built_variants(folder) == ("cpu", "gpu")
    expected = Description("boxes", "detector", [], {}, {}, folder.resolve())
    assert built.describe(folder, "gpu") == expected
    (folder / "model.onnx").unlink()
    assert "not complete: 1 " in str(failure(lambda: built.describe(folder, "cpu")))


def test_the_verification_sees_the_new_directory_and_its_warnings_are_kept(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    seen: list[Path] = []

    def verify(plan: Plan, folder: Path) -> list[Problem]:
        assert folder != tmp_path / "out" / plan.name
        seen.extend(path.relative_to(folder) for path in sorted(folder.rglob("*")))
        return [Problem("was not tested")]

    done = build(plan(write_manifest()), tmp_path / "out", force=False, verify=verify)
    written = tmp_path / "out" / "boxes"
    assert seen == [path.relative_to(written) for path in sorted(written.rglob("*"))]
    assert [warning.what for warning in done.warnings] == ["was not tested"]


def test_a_failed_verification_is_an_error_of_the_manifest(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    def verify(plan: Plan, folder: Path) -> list[Problem]:
        raise BuiltError(Problem("does not start"))

    manifest = write_manifest()
    error = failure(lambda: build(plan(manifest), tmp_path / "out", force=False, verify=verify))
    assert isinstance(error, ManifestError)
    assert error.problems[0].file == manifest
    assert list((tmp_path / "out").iterdir()) == []
