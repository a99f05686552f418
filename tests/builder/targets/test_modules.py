import ast
import subprocess
import sys
from pathlib import Path

import pytest

import runtimes
from builder.targets.modules import closure

ROOT = Path(runtimes.__path__[0]).parent


def test_files_are_those_of_the_installed_package() -> None:
    files = closure("from runtimes.step import Step")
    assert files["runtimes/step.py"] == (ROOT / "runtimes/step.py").read_bytes()
    for path, content in files.items():
        assert content == (ROOT / path).read_bytes()


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("import runtimes", "runtimes/__init__.py"),
        ("import runtimes.clock", "runtimes/clock.py"),
        ("import os, runtimes.clock as c", "runtimes/clock.py"),
        ("from runtimes import clock", "runtimes/clock.py"),
        ("from runtimes.clock import Clock", "runtimes/clock.py"),
        ("from runtimes.refine import suppress", "runtimes/refine/suppress.py"),
        ("from runtimes.refine import suppress", "runtimes/refine/__init__.py"),
        ("from runtimes.refine import suppress", "runtimes/__init__.py"),
        ("def f():\n    from runtimes.clock import Clock", "runtimes/clock.py"),
        ("if x:\n    import runtimes.clock", "runtimes/clock.py"),
        # By way of others: image input -> signature -> errors.
        ("from runtimes.step import Step", "runtimes/errors.py"),
        ("from runtimes.step import Step", "runtimes/geometry.py"),
    ],
)
def test_what_is_imported_is_there(source: str, path: str) -> None:
    assert path in closure(source)


@pytest.mark.parametrize(
    "source", ["", "import os", "import runtimes_other", "from . import runtimes", "x = 'runtimes'"]
)
def test_what_is_not_imported_is_not_there(source: str) -> None:
    assert closure(source) == {}


def test_steps_that_are_not_used_are_not_there() -> None:
    files = closure("from runtimes.refine.suppress import Nms")
    assert not any(path.startswith("runtimes/decoders") for path in files)
    assert not any(path.startswith("runtimes/backends") for path in files)
    assert "runtimes/service.py" not in files


def test_one_runtime_does_not_bring_the_other() -> None:
    files = closure("from runtimes.backends.openvino_cpu import OpenVino")
    assert "runtimes/backends/openvino_cpu.py" in files
    assert "runtimes/backends/onnxruntime_cuda.py" not in files


def test_paths_are_sorted() -> None:
    paths = list(closure("import runtimes.detector, runtimes.service"))
    assert paths == sorted(paths)


def test_the_files_are_all_that_is_needed_to_import_them(built: Path) -> None:
    code = built / "nuclio"
    names = [
        ".".join(path.relative_to(code).with_suffix("").parts).removesuffix(".__init__")
        for path in (code / "runtimes").rglob("*.py")
    ]
    program = (
        "import importlib, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "for name in sys.argv[2:]:\n"
        "    module = importlib.import_module(name)\n"
        "    assert module.__file__.startswith(sys.argv[1]), module\n"
    )
    # Isolated: neither this folder nor the installed project's is on the path.
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", program, str(code), *names, "model_handler"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_runtimes_never_import_the_builder_or_what_only_it_needs() -> None:
    forbidden = {"builder", "pydantic", "yaml", "onnx", "typer"}
    for file in (ROOT / "runtimes").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert forbidden.isdisjoint(name.split(".")[0] for name in names), file
