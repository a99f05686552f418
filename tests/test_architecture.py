import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import runtimes
from tests import paths

ROOT = Path(runtimes.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
ALLOWED = {"cv2", "numpy", "orjson", "runtimes"}
"""What a function's image always has."""
FASTER = {"pybase64", "simplejpeg"}
"""What makes a function faster, and may be missing."""
OPTIONAL = {"onnxruntime", "openvino"}
"""What only one variant's image has, so importing it must wait until it is needed."""


def imported(tree: ast.AST) -> Iterator[str]:
    """The top-level names of all packages that are imported anywhere below `tree`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a copied module is imported by its full name"
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_runtime_module_imports_only_what_a_functions_image_has(path: Path) -> None:
    names = set(imported(ast.parse(path.read_text(encoding="utf-8"))))
    allowed = ALLOWED | FASTER | set(sys.stdlib_module_names)
    if path.parent.name == "backends":
        allowed |= OPTIONAL
    assert names - allowed == set()


def test_importing_all_of_runtimes_loads_no_inference_runtime_and_nothing_of_the_builder() -> None:
    script = """
import importlib, pkgutil, sys
import runtimes

names = [module.name for module in pkgutil.walk_packages(runtimes.__path__, "runtimes.")]
for name in names:
    importlib.import_module(name)
print(len(names))
print(sorted({name.partition(".")[0] for name in sys.modules}))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    count, loaded = done.stdout.splitlines()
    assert int(count) == len(MODULES) - 1  # the package itself is not among its modules
    unwanted = {"builder", "onnx", "onnxruntime", "openvino", "pydantic", "typer", "yaml"}
    assert unwanted & set(ast.literal_eval(loaded)) == set()


def lint_imports(folder: Path) -> tuple[int, str]:
    """Exit status and output of import-linter, run on the sources in a folder."""
    program = "from importlinter.cli import lint_imports_command as main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources and of the contracts for them."""
    folder = tmp_path_factory.mktemp("sources")
    shutil.copy(paths.ROOT / "pyproject.toml", folder)
    for package in ("builder", "runtimes"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(paths.ROOT / package, folder / package, ignore=ignored)
    return folder


def test_the_sources_keep_the_import_contracts(sources: Path) -> None:
    status, out = lint_imports(sources)
    assert status == 0, out
    assert "0 broken" in out


@pytest.mark.parametrize(
    ("module", "line", "expected"),
    [
        (
            "builder/manifest/steps.py",
            "import builder.cli.options",
            "builder.manifest.steps -> builder.cli.options",
        ),
        (
            "builder/manifest/steps.py",
            "if TYPE_CHECKING:\n    from builder.cli.options import Out",
            "builder.manifest.steps -> builder.cli.options",
        ),
        (
            "builder/run/draw.py",
            "import builder.doctor.disk",
            "builder.run.draw -> builder.doctor.disk",
        ),
        ("builder/extra.py", "import builder.cli", "builder.extra"),
        ("runtimes/image.py", "import builder", "runtimes.image -> builder"),
        (
            "runtimes/geometry.py",
            "import runtimes.frame",
            "No cycles are allowed in runtimes.",
        ),
    ],
)
def test_an_import_that_breaks_a_contract_is_reported(
    sources: Path, module: str, line: str, expected: str
) -> None:
    path = sources / module
    text = path.read_text("utf-8") if path.exists() else None
    path.write_text(f"{text or ''}\n{line}\n", "utf-8")
    try:
        status, out = lint_imports(sources)
    finally:
        path.unlink() if text is None else path.write_text(text, "utf-8")
    assert status == 1
    assert "0 broken" not in out
    assert expected in out


SOURCES = [
    file.relative_to(paths.ROOT).as_posix()
    for package in ("builder", "runtimes")
    for file in sorted((paths.ROOT / package).rglob("*.py"))
    if file.name not in ("__init__.py", "__main__.py")
]

DECLARATIONS = {
    "builder/backends/settings.py",
    "builder/cli/options.py",
    "builder/datasets/annotation.py",
    "builder/datasets/dataset.py",
    "builder/diagnostics/progress.py",
    "builder/diagnostics/rule.py",
    "builder/doctor/check_result.py",
    "builder/evaluation/comparison.py",
    "builder/evaluation/evaluation.py",
    "builder/evaluation/measure.py",
    "builder/evaluation/report/style.py",
    "builder/families/coco_keypoints.py",
    "builder/families/face_keypoints.py",
    "builder/families/common_steps.py",
    "builder/families/family.py",
    "builder/families/input_format.py",
    "builder/families/match.py",
    "builder/families/prompts.py",
    "builder/manifest/function_type.py",
    "builder/plan/context.py",
    "builder/targets/nuclio/layout.py",
    "builder/targets/registry.py",
    "runtimes/view.py",
}
"""Modules without behavior of their own: protocols, data classes, constants, type aliases."""

TESTED_ELSEWHERE = {
    # One small module for each backend; the registry's tests run over all of them.
    "builder/backends": "tests/builder/backends/test_registry.py",
    "builder/cli/commands/deploy.py": "tests/builder/deploy/test_deploy.py",
    "builder/cli/commands/undeploy.py": "tests/builder/deploy/test_deploy.py",
    "builder/cli/commands/doctor.py": "tests/builder/doctor/test_examination.py",
    "builder/cli/commands/init.py": "tests/builder/families/test_init.py",
    # Parts that the modules of several formats share.
    "builder/datasets/frames.py": "tests/builder/datasets/formats/test_tracking.py",
    "builder/datasets/image_files.py": "tests/builder/datasets/formats/test_cvat.py",
    "builder/datasets/index.py": "tests/builder/datasets/test_registry.py",
    "builder/datasets/indexed.py": "tests/builder/datasets/test_registry.py",
    "builder/datasets/json_stream.py": "tests/builder/datasets/formats/test_coco.py",
    "builder/datasets/request.py": "tests/builder/datasets/test_registry.py",
    "builder/datasets/rle.py": "tests/builder/datasets/formats/test_coco.py",
    "builder/datasets/subsets.py": "tests/builder/datasets/formats/test_coco.py",
    "builder/datasets/value.py": "tests/builder/datasets/formats/test_coco.py",
    "builder/datasets/xml.py": "tests/builder/datasets/formats/test_cvat.py",
    "builder/datasets/formats/cvat_shapes.py": "tests/builder/datasets/formats/test_cvat.py",
    "builder/datasets/formats/yolo_rows.py": "tests/builder/datasets/formats/test_yolo.py",
    # Platforms and checks, tried out with whole deployments.
    "builder/deploy": "tests/builder/deploy/test_deploy.py",
    "builder/deploy/bundle_script.py": "tests/builder/deploy/test_bundle.py",
    "builder/doctor/runtime.py": "tests/builder/doctor/test_backends.py",
    "builder/doctor/trial.py": "tests/builder/doctor/test_backends.py",
    # Parts of the measure of detectors.
    "builder/evaluation/detection_figures.py": "tests/builder/evaluation/test_detection.py",
    "builder/evaluation/detector_request.py": "tests/builder/evaluation/test_detection.py",
    # Each family is recognized in the models of tests/zoo.
    "builder/families/catalog": "tests/test_recognition.py",
    # Parts that the modules of a package share.
    "builder/run/bench/rounds.py": "tests/builder/run/bench/test_benchmark.py",
    "builder/run/judge/values.py": "tests/builder/run/judge/test_detector.py",
    "builder/run/predict/prediction.py": "tests/builder/run/predict/test_detector.py",
    "builder/plan/characters.py": "tests/test_text_recognition.py",
    "builder/plan/reducer.py": "tests/test_precision_end_to_end.py",
    "builder/plan/second_models.py": "tests/test_mistakes.py",
    "builder/targets/lock.py": "tests/builder/targets/test_built.py",
    # Copied into every function, and run there.
    "builder/targets/nuclio/main.py": "tests/test_standalone.py",
    "builder/targets/nuclio/readme_deploy.py": "tests/builder/targets/nuclio/test_readme.py",
    "builder/targets/nuclio/scheduling.py": "tests/builder/targets/nuclio/test_kubernetes.py",
    "builder/targets/nuclio/scheduling_spec.py": (
        "tests/builder/targets/nuclio/test_cluster_spec.py"
    ),
    "builder/targets/nuclio/volumes.py": "tests/builder/targets/nuclio/test_kubernetes.py",
    "builder/targets/nuclio/yaml_text.py": "tests/builder/targets/nuclio/test_function_yaml.py",
    "builder/targets/nuclio/target.py": "tests/builder/targets/test_target.py",
}
"""Module or package -> the test file that covers it."""


def mirror(source: str) -> Path:
    """The test file of a module: tests/builder/x/test_y.py for builder/x/y.py."""
    path = Path(source)
    return paths.ROOT / "tests" / path.parent / f"test_{path.name}"


def exemption(source: str) -> str | None:
    """The entry of TESTED_ELSEWHERE or DECLARATIONS for a module."""
    packages = (parent.as_posix() for parent in Path(source).parents)
    entries = {*TESTED_ELSEWHERE, *DECLARATIONS}
    return next((it for it in (source, *packages) if it in entries), None)


def test_every_module_has_a_test_file_of_its_own_or_an_exemption() -> None:
    without = [source for source in SOURCES if not mirror(source).is_file()]
    assert [source for source in without if exemption(source) is None] == []


def test_every_exemption_is_needed_and_names_a_test_file() -> None:
    needed = {exemption(source) for source in SOURCES if not mirror(source).is_file()}
    assert {*TESTED_ELSEWHERE, *DECLARATIONS} - needed == set()
    assert [it for it in TESTED_ELSEWHERE.values() if not (paths.ROOT / it).is_file()] == []
