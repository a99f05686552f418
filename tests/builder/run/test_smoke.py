import importlib.util
import shutil
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builder.diagnostics.errors import BuiltError
from builder.lint.examine import plan
from builder.plan.plan import Plan
from builder.run import smoke as module
from builder.run.process import FunctionProcess
from builder.run.smoke import exceeded_limits, smoke_test
from builder.targets.measured import Memory
from runtimes.arrays import Array
from tests.builder.conftest import WriteManifest, failure


@pytest.mark.parametrize("large", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_both_variants_of_a_working_function_pass(
    ready_plan: Plan,
    built_once: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    large: bool,
) -> None:
    if large:
        monkeypatch.setattr(module, "_LARGE_BYTES", 1)
    folder = Path(shutil.copytree(built_once, tmp_path / "boxes"))
    assert smoke_test(ready_plan, folder) == []
    # The CPU variant has two workers; the GPU variant runs without its device here.
    row = next(it for it in (folder / "measured.md").read_text().splitlines() if "| cpu |" in it)
    one, both = (int(cell) for cell in row.split("|")[3:5])
    assert both in (2 * one, 2 * one - 1)
    assert 50 < one < 500


def test_a_variant_without_its_runtime_is_a_warning(
    ready_plan: Plan, built_once: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec

    def find_others(name: str) -> ModuleSpec | None:
        return None if name == "openvino" else find(name)

    monkeypatch.setattr(importlib.util, "find_spec", find_others)
    (warning,) = smoke_test(ready_plan, built_once)
    assert warning.what == "OpenVINO is not installed; the cpu variant was not smoke-tested"
    assert (warning.severity, warning.hint) == ("warning", "pip install openvino")
    assert warning.file == ready_plan.file


@pytest.mark.parametrize(
    ("variant", "body", "what", "found"),
    [
        (
            "cpu",
            'raise ValueError("broken")',
            "smoke test of the cpu variant failed: the handler failed: main.py:13: "
            "ValueError: broken",
            "",
        ),
        pytest.param(
            "gpu",
            "status = 500",
            "smoke test of the gpu variant failed: the response has status 500, not 200",
            "[5]",
            marks=pytest.mark.slow,
        ),
        (
            "gpu",
            "os.abort()",
            "smoke test of the gpu variant failed: the process ended while answering a request: "
            "signal SIGABRT",
            "no output",
        ),
        pytest.param(
            "cpu",
            "pass",
            "smoke test of the cpu variant failed: CVAT cannot use the reply",
            "[0]: is a number, not an object",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_variant_that_fails_is_an_error(
    ready_plan: Plan, built: Path, variant: str, body: str, what: str, found: str
) -> None:
    (built / "nuclio/main.py").write_text(
        "import os\n"
        "import numpy as np\n"
        "class Service:\n"
        "    def examine(self, data):\n"
        "        empty = np.zeros((0, 4)), np.zeros(0), np.zeros(0, int)\n"
        "        names = 'image', 'input', 'boxes', 'scores', 'classes'\n"
        "        return dict(zip(names, ([9, 9], [9, 9], *empty)))\n"
        "def init_context(context):\n"
        "    context.user_data.service = Service()\n"
        "def handler(context, event):\n"
        "    reply, status = '[]', 200\n"
        f"    if os.environ['CVATBUILD_VARIANT'] == '{variant}':\n"
        f"        {body}\n"
        "        reply = '[5]'\n"
        "    return context.Response(body=reply, status_code=status)\n"
    )
    error = failure(lambda: smoke_test(ready_plan, built))
    assert isinstance(error, BuiltError)
    (problem,) = error.problems
    assert (problem.what, problem.found) == (what, found)
    assert problem.file == ready_plan.file


@pytest.mark.slow
def test_a_difference_of_the_variants_is_a_warning(
    ready_plan: Plan, built_once: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examine, seen = FunctionProcess.examine, []

    def lower(function: FunctionProcess, image: bytes) -> dict[str, Array]:
        arrays = examine(function, image)
        seen.append(function)
        if function is not seen[0]:
            arrays["scores"] = arrays["scores"] * 0.9
        return arrays

    monkeypatch.setattr(FunctionProcess, "examine", lower)
    (warning,) = smoke_test(ready_plan, built_once)
    assert warning.what == "the variants cpu and gpu differ on the picture `bright`"
    # The first box of the model, center 16, 16 and size 16, 8.
    assert warning.found == "only one of them finds class 0 with 0.900 at (8.0, 12.0, 24.0, 20.0)"
    assert (warning.code, warning.severity) == ("variants-differ", "warning")


@pytest.mark.parametrize(
    ("examinations", "code"),
    [
        ({"scores": np.array([1.5])}, "score-range"),
        pytest.param({"classes": np.array([9])}, "class-values", marks=pytest.mark.slow),
    ],
)
def test_values_that_no_model_gives_are_an_error(
    ready_plan: Plan,
    built_once: Path,
    monkeypatch: pytest.MonkeyPatch,
    examinations: dict[str, Array],
    code: str,
) -> None:
    given = {
        "image": np.array([9, 9]),
        "input": np.array([9, 9]),
        "boxes": np.array([[1.0, 1, 5, 5]]),
        "scores": np.array([0.5]),
        "classes": np.array([0]),
    }
    monkeypatch.setattr(FunctionProcess, "examine", lambda *_: {**given, **examinations})
    error = failure(lambda: smoke_test(ready_plan, built_once))
    (problem,) = error.problems
    assert (problem.code, problem.place) == (code, "postprocess[0]")
    assert problem.what.startswith("smoke test of the cpu variant failed: the decoded ")


@pytest.mark.slow
def test_a_reply_that_cvat_refuses_at_the_lowest_threshold_is_an_error(
    ready_plan: Plan, built_once: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examine = FunctionProcess.examine
    reply = np.frombuffer(b"[5]", np.uint8)
    monkeypatch.setattr(
        FunctionProcess, "examine", lambda *given: {**examine(*given), "reply": reply}
    )
    error = failure(lambda: smoke_test(ready_plan, built_once))
    (problem,) = error.problems
    assert problem.what == (
        "smoke test of the cpu variant failed: CVAT cannot use the reply for the picture `bright`"
    )
    assert problem.found == "[0]: is a number, not an object"


@pytest.mark.parametrize(
    ("limits", "peak", "hint"),
    [
        ({"resources": {"memory": "600Mi"}}, 300, None),
        ({"resources": {"memory": "599Mi"}}, 300, "write `memory: 600Mi`, or fewer `workers`"),
        ({"resources": {"memory": "400Mi"}, "variants": {"cpu": {"memory": "1Gi"}}}, 300, None),
        ({"variants": {"cpu": {"memory": "299Mi", "workers": 1}}}, 300, "write `memory: 300Mi`"),
        ({}, 9000, None),
    ],
)
def test_workers_that_exceed_the_memory_limit_are_a_warning(
    write_manifest: WriteManifest, limits: dict[str, Any], peak: int, hint: str | None
) -> None:
    workers = 1 if "workers" in str(limits) else 2
    found = exceeded_limits(plan(write_manifest(**limits)), [Memory("cpu", workers, peak * 2**20)])
    assert [it.hint for it in found] == ([hint] if hint else [])
    assert {(it.code, it.severity) for it in found} <= {("low-memory", "warning")}
