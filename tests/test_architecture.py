import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import runtimes

ROOT = Path(runtimes.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
ALLOWED = {"cv2", "numpy", "orjson", "runtimes"}
"""What a function's image always has."""
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
    allowed = ALLOWED | set(sys.stdlib_module_names)
    if path.parent.name == "backends":
        allowed |= OPTIONAL
    if path.name == "reid.py":
        allowed |= {"scipy"}
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
