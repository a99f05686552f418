import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.lint.examine import plan
from builder.plan.plan import Plan
from builder.targets.nuclio.model_handler import backends, model_handler, spell
from runtimes.backends.cuda import Cuda
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.varying_input import VaryingInput
from runtimes.decoders.yolo import Yolo
from runtimes.preprocess.resize import Letterbox
from runtimes.preprocess.values import Normalize
from tests.builder.conftest import WriteManifest, write_manifest_to
from tests.builder.models import open_size_model

GPU = OnnxRuntime("cuda", 0, 1, cuda=Cuda(), decode="gpu")

DIGESTS = {"manifest.yaml": "0" * 64, "model.onnx": "1" * 64}


def run(text: str) -> dict[str, Any]:
    """The names that a program defines."""
    defined: dict[str, Any] = {}
    exec(compile(text, "model_handler.py", "exec"), defined)
    return defined


def test_the_text_evaluates_to_what_was_planned(ready_plan: Plan) -> None:
    defined = run(model_handler(ready_plan, DIGESTS))
    assert defined["FUNCTION"] == ready_plan.function
    assert defined["FILES"] == {"model.onnx": "1" * 64}
    assert defined["BACKENDS"] == {
        "cpu": OpenVino(workers=2),
        "gpu": GPU,
    }


def test_every_field_is_spelled_out(write_manifest: WriteManifest) -> None:
    text = model_handler(plan(write_manifest()), DIGESTS)
    assert (
        'Letterbox(size=(64, 64), fill=114, align="center", stride=None, antialias=False)' in text
    )
    assert "Nms(iou=0.45, per_class=True, max=300, candidates=30000)" in text
    assert 'Yolo(output="output0")' in text


@pytest.mark.parametrize(
    ("variants", "described"),
    [
        (
            {"cpu": {"runtime": "onnxruntime", "threads": 2}},
            {"cpu": OnnxRuntime("cpu", 2, 2), "gpu": GPU},
        ),
        (
            {"cpu": {"threads": 3}, "gpu": {"allow_cpu_fallback": True, "threads": 1}},
            {
                "cpu": OpenVino(3, 2),
                "gpu": replace(GPU, threads=1, allow_cpu_fallback=True),
            },
        ),
        ({"cpu": False}, {"gpu": GPU}),
        ({"cpu": {"workers": 3}, "gpu": False}, {"cpu": OpenVino(0, 3)}),
    ],
)
def test_each_variant_has_its_runtime(
    write_manifest: WriteManifest, variants: dict[str, Any], described: dict[str, Any]
) -> None:
    found = plan(write_manifest(variants=variants))
    assert backends(found) == described
    assert run(model_handler(found, DIGESTS))["BACKENDS"] == described


@pytest.mark.parametrize(
    ("limit", "settings", "threads"),
    [
        ("2", {"workers": 1}, 2),
        ("2", {"workers": 2}, 1),
        ("7", {"workers": 2}, 3),
        ("500m", {"workers": 1}, 1),
        ("3500m", {"workers": 1}, 3),
        ("8", {"workers": 2, "cpu": "4"}, 2),
        ("8", {"workers": 2, "threads": 3}, 3),
        (None, {"workers": 2}, 0),
    ],
)
def test_the_workers_share_the_cpu_limit(
    write_manifest: WriteManifest, limit: str | None, settings: dict[str, Any], threads: int
) -> None:
    manifest = write_manifest(
        resources={"cpu": limit}, variants={"cpu": settings, "gpu": {"workers": 1}}
    )
    text = model_handler(plan(manifest), DIGESTS)
    workers = settings["workers"]
    assert f'"cpu": OpenVino(threads={threads}, workers={workers}, suffix=""),' in text
    assert run(text)["BACKENDS"]["cpu"] == OpenVino(threads, workers)


def test_the_text_does_not_depend_on_the_variants_that_are_built(
    write_manifest: WriteManifest,
) -> None:
    manifest = write_manifest()
    cpu, gpu = (model_handler(plan(manifest, (name,)), DIGESTS) for name in ("cpu", "gpu"))
    assert cpu == gpu


def test_only_what_is_used_is_imported(ready_plan: Plan) -> None:
    tree = ast.parse(model_handler(ready_plan, DIGESTS))
    imported = [
        alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert set(imported) == used - {"FUNCTION", "FILES", "BACKENDS"}
    assert len(imported) == len(set(imported))


HOSTILE = [
    '"""',
    "'''",
    '"',
    "'",
    "'\"",
    "\\",
    '\\"',
    "{",
    "}",
    "{0}",
    "{__import__('os')}",
    "%s",
    '"); import os #',
    "#",
    "\\N{DIGIT ONE}",
    "\\x22",
    "é 猫 \U0001f600",
    "\u00a0x",
]


@pytest.mark.parametrize(
    "title",
    [
        *HOSTILE,
        "a\\",
        'a"',
    ],
    ids=repr,
)
def test_a_title_cannot_break_out_of_its_docstring(
    write_manifest: WriteManifest, title: str
) -> None:
    planned = plan(write_manifest(title=title))
    text = model_handler(planned, DIGESTS)
    tree = ast.parse(text.encode())
    kinds = [type(node) for node in tree.body if not isinstance(node, ast.ImportFrom)]
    assert kinds == [ast.Expr, ast.Assign, ast.Assign, ast.Assign]
    assert all(
        str(it.module).startswith("runtimes.") for it in tree.body if isinstance(it, ast.ImportFrom)
    )
    assert run(text)["FUNCTION"] == planned.function


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.isprintable()], ids=repr)
def test_a_label_cannot_break_out_of_its_literal(write_manifest: WriteManifest, name: str) -> None:
    planned = plan(write_manifest(labels=[name, f"{name} 2", "x"]))
    text = model_handler(planned, DIGESTS)
    ast.parse(text.encode())
    assert run(text)["FUNCTION"].labels == {0: name, 1: f"{name} 2", 2: "x"}


def test_no_line_is_too_long(write_manifest: WriteManifest) -> None:
    labels = [f"label number {number}" for number in range(3)]
    text = model_handler(
        plan(
            write_manifest(
                title="Boxes around cats and dogs, as a camera above the door sees them",
                labels=labels,
                preprocess=[
                    "letterbox",
                    {"normalize": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}},
                ],
                postprocess=["yolo", "nms", "top_k", "min_size", "rectangle"],
            )
        ),
        DIGESTS,
    )
    assert max(map(len, text.splitlines())) <= 100
    assert text.endswith("\n")
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_labels_stand_one_a_line(ready_plan: Plan) -> None:
    lines = [line.strip() for line in model_handler(ready_plan, DIGESTS).splitlines()]
    assert '0: "cat",' in lines
    assert '1: "dog",' in lines
    assert '2: "bird",' in lines


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", '"a"'),
        ("it's", '"it\'s"'),
        ('"', "'\"'"),
        ((1,), "(1,)"),
        ((), "()"),
        ((0.5, -1.0), "(0.5, -1.0)"),
        ({}, "{}"),
        ({0: "a"}, '{0: "a"}'),
        ({0: "a", 1: "b"}, '{\n    0: "a",\n    1: "b",\n}'),
        (None, "None"),
        (True, "True"),
        (Yolo("out"), 'Yolo(output="out")'),
        (
            Letterbox((1, 2)),
            'Letterbox(size=(1, 2), fill=114, align="center", stride=None, antialias=False)',
        ),
    ],
)
def test_values_are_spelled_as_formatters_write_them(value: object, text: str) -> None:
    assert spell(value) == text


def test_a_long_value_is_broken_into_lines() -> None:
    words = tuple(f"word number {number}" for number in range(10))
    lines = spell(words).splitlines()
    assert lines == ["(", *(f'    "{word}",' for word in words), ")"]


def test_many_texts_fill_the_lines() -> None:
    characters = tuple(chr(number) for number in range(0x20, 0x20 + 95)) * 3
    text = spell(characters, 4)
    first, *lines, last = text.splitlines()
    assert (first, last) == ("(", "    )")
    assert ast.literal_eval(text) == characters
    assert all(line.startswith(" " * 8) for line in lines)
    # Each line but the last has no room for another character, of at most six columns.
    assert {len(line) > 94 for line in lines[:-1]} == {True}
    assert max(map(len, lines)) <= 100


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=8).map(tuple)
        | st.dictionaries(st.integers() | st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)


@pytest.mark.slow
@given(VALUES, st.integers(0, 8), st.integers(0, 120))
def test_any_value_is_spelled_so_that_python_reads_it_back(
    value: object, indent: int, used: int
) -> None:
    assert ast.literal_eval(spell(value, indent * 4, used)) == value


@given(
    st.floats(1e-300, 1e300),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3),
)
def test_numbers_of_steps_keep_every_digit(scale: float, mean: list[float]) -> None:
    step = Normalize(scale, tuple(mean))
    assert eval(spell(step), {"Normalize": Normalize}) == step


OPEN = {"preprocess": [{"letterbox": {"size": 64, "stride": 16}}, {"normalize": 255}]}


def handler(folder: Path, **changes: Any) -> dict[str, Any]:
    """The names in model_handler.py of a function with an open input size."""
    open_size_model(folder / "model.onnx")
    changed = {**OPEN, "labels": ["cat", "dog", "bird"], **changes}
    return run(model_handler(plan(write_manifest_to(folder, **changed)), DIGESTS))


def test_buckets_of_an_open_size_are_spelled_out(tmp_path: Path) -> None:
    backends = handler(tmp_path)["BACKENDS"]
    # Images of 1:1, 3:4 and 9:16 in 64x64; the shorter sides are 64, 48 and 36, rounded up to 16.
    buckets = ((48, 64), (64, 48), (64, 64))
    assert backends["gpu"].varying == {"model.onnx": VaryingInput(buckets, None, "DEFAULT")}
    assert backends["cpu"] == OpenVino(workers=2)


@pytest.mark.parametrize(
    ("declared", "buckets"),
    [([[32, 64], [64, 64]], ((32, 64), (64, 64))), ("none", ())],
)
def test_the_manifest_chooses_buckets(tmp_path: Path, declared: Any, buckets: Any) -> None:
    found = handler(tmp_path, variants={"gpu": {"buckets": declared}})["BACKENDS"]["gpu"]
    assert found.varying["model.onnx"].buckets == buckets


def test_only_inputs_of_varying_size_get_another_search(tmp_path: Path) -> None:
    settings = {"gpu": {"cudnn_conv_algo_search": "HEURISTIC"}}
    found = handler(tmp_path, variants=settings)["BACKENDS"]["gpu"]
    assert found.cuda.cudnn_conv_algo_search == "HEURISTIC"
    assert found.varying["model.onnx"].search == "HEURISTIC"
