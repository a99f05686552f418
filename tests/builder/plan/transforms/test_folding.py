"""Folded functions, compared with unfolded ones."""

import hashlib
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from builder.families import init
from builder.lint.examine import plan
from builder.plan.content import read
from builder.plan.plan import Plan
from builder.plan.transforms import folding
from builder.plan.transforms.folding import with_folded_preprocessing
from builder.targets.build import build, diff
from builder.targets.lock import Lock
from runtimes.arrays import Array
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend
from runtimes.clock import Clock
from runtimes.interactor import Interactor
from runtimes.network import Network, Outputs
from runtimes.picture import Picture
from runtimes.preprocess.resize import Letterbox
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.tracker import Tracker
from tests.builder import models
from tests.builder.conftest import WriteManifest, detector_of
from tests.local_function import LocalFunction
from tests.openvino_models import save_ir
from tests.paths import ROOT
from tests.zoo import ENTRIES

BACKENDS: dict[str, Backend] = {"onnxruntime": OnnxRuntime("cpu"), "openvino": OpenVino()}
IMAGE_NET: Any = {"normalize": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}
EXAMPLES = ["masks", "oriented", "rcnn", "reid-demo", "semantic", "skeleton", "tags", "yolo"]


def photo(height: int = 96, width: int = 130) -> Array:
    """Squares with noise, (H, W, 3) uint8."""
    rng = np.random.default_rng(11)
    squares = np.kron(
        rng.integers(0, 200, (height // 8 + 1, width // 8 + 1, 3)), np.ones((8, 8, 1))
    )
    noise = rng.integers(0, 56, (height, width, 3))
    return np.asarray(squares[:height, :width] + noise, np.uint8)


def add_probe(path: Path) -> None:
    """Give a model's image input back as an output as well."""
    model = onnx.load(path)
    weights = {it.name for it in model.graph.initializer}
    image = next(it for it in model.graph.input if it.name not in weights)
    model.graph.node.append(helper.make_node("Identity", [image.name], ["probe"]))
    seen = model.graph.output.add()
    seen.CopyFrom(image)
    seen.name = "probe"
    onnx.save(model, path)


def write_draft(model: Path, manifest: Path) -> None:
    """Write the manifest that `init` drafts for a model beside it."""
    text = init.draft_manifest([model], manifest.parent).text
    init.write_manifest(text, manifest, force=False)


def outputs_of(network: Network, found: Plan, backend: str, folder: Path) -> Outputs:
    """The raw outputs of a plan's model for `photo`."""
    folder.mkdir(exist_ok=True)
    for name, content in found.files.items():
        (folder / name).write_bytes(read(content))
    opened = network.open(BACKENDS[backend], folder)
    outputs = opened.run(Picture.whole(photo()), Clock())
    # Copies, since the session owns the arrays.
    return replace(outputs, tensors={name: it.copy() for name, it in outputs.tensors.items()})


def check_equal(before: Plan, after: Plan, backend: str, folder: Path) -> None:
    """The outputs of an unfolded and of a folded model are equal, and so are their inputs."""
    function: Any = before.function
    add_probe(before.sources[function.network.file])
    one = outputs_of(function.network, before, backend, folder / "before")
    function = after.function
    other = outputs_of(function.network, after, backend, folder / "after")
    assert one.view == other.view
    assert one.tensors.keys() <= other.tensors.keys()
    for name, array in one.tensors.items():
        if array.dtype.kind == "f":
            scale = max(1.0, float(np.abs(array).max(initial=0)))
            np.testing.assert_allclose(other.tensors[name], array, rtol=1e-4, atol=1e-6 * scale)
        else:
            np.testing.assert_array_equal(other.tensors[name], array)


def test_value_steps_move_into_the_graph(write_manifest: WriteManifest) -> None:
    before = plan(write_manifest())
    after = with_folded_preprocessing(before)
    network = detector_of(after).network
    assert network.input == "images_pixels"
    assert network.preprocess == (Letterbox(size=(64, 64)), Channels("rgb"), Layout("nhwc"))
    assert str(after.models[0].signature.inputs[0]) == "images_pixels [1, 64, 64, 3] uint8"
    graph = onnx.ModelProto.FromString(read(after.files["model.onnx"])).graph
    assert [it.name for it in graph.input] == ["images_pixels"]
    assert [it.op_type for it in graph.node][:4] == ["Cast", "Constant", "Mul", "Transpose"]
    # The rest of the plan stays.
    assert after.models[0].signature.outputs == before.models[0].signature.outputs
    assert detector_of(after).decoder == detector_of(before).decoder


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("shape", "channels", "values"),
    [
        ((1, 3, 64, 64), "rgb", {"normalize": 255}),
        ((1, 3, 64, 64), "bgr", {"normalize": {"scale": 1, "mean": [1, 2, 3], "std": [4, 5, 6]}}),
        ((1, 3, "height", "width"), "rgb", IMAGE_NET),
        (("batch", 3, 64, 64), "bgr", {"normalize": {"mean": [0.5], "std": [0.5]}}),
        ((1, 64, 64, 3), "rgb", IMAGE_NET),
        ((1, 1, 64, 64), "gray", {"normalize": {"scale": 127.5, "mean": [1]}}),
    ],
)
def test_the_outputs_stay_the_same(
    write_manifest: WriteManifest,
    tmp_path: Path,
    backend: str,
    shape: Any,
    channels: str,
    values: Any,
) -> None:
    models.yolo_model(tmp_path / "model.onnx", shape=shape)
    steps = [{"letterbox": {"size": 64, "fill": [10, 20, 30]}}, {"channels": channels}, values]
    before = plan(write_manifest(preprocess=steps))
    after = with_folded_preprocessing(before)
    assert after is not before
    check_equal(before, after, backend, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ENTRIES)
def test_the_outputs_of_each_family_stay_the_same(name: str, backend: str, tmp_path: Path) -> None:
    file = ENTRIES[name].make(tmp_path / "model.onnx")
    write_draft(file, tmp_path / "zoo.yaml")
    before = plan(tmp_path / "zoo.yaml", accept_guess=True)
    check_equal(before, with_folded_preprocessing(before), backend, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_outputs_of_trained_models_stay_the_same(
    name: str, backend: str, tmp_path: Path
) -> None:
    before = plan(ROOT / "manifests" / f"{name}.yaml")
    after = with_folded_preprocessing(before)
    assert after is not before
    function: Any = before.function
    one = outputs_of(function.network, before, backend, tmp_path / "before")
    function = after.function
    other = outputs_of(function.network, after, backend, tmp_path / "after")
    for output, array in one.tensors.items():
        # A network amplifies the rounding of its input.
        scale = float(np.abs(array).max(initial=1e-6))
        np.testing.assert_allclose(other.tensors[output], array, rtol=1e-4, atol=1e-5 * scale)


def test_the_manifest_keeps_the_file(write_manifest: WriteManifest) -> None:
    before = plan(write_manifest(fold_preprocessing=False))
    assert with_folded_preprocessing(before) is before


def test_a_model_that_takes_pixels_stays_the_same_file(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    models.yolo_model(tmp_path / "model.onnx", shape=(1, 64, 64, 3))
    model = onnx.load(tmp_path / "model.onnx")
    (image,) = model.graph.input
    image.type.tensor_type.elem_type = TensorProto.UINT8
    (reader,) = [node for node in model.graph.node if image.name in node.input]
    reader.input[0] = "floats"
    cast = helper.make_node("Cast", [image.name], ["floats"], to=TensorProto.FLOAT)
    model.graph.node.insert(0, cast)
    onnx.save(model, tmp_path / "model.onnx")
    before = plan(write_manifest(preprocess=["letterbox"]))
    assert with_folded_preprocessing(before) is before


def test_an_ir_is_folded(write_manifest: WriteManifest, tmp_path: Path) -> None:
    name = models.openvino_model(tmp_path).name
    before = plan(
        write_manifest(
            model=name,
            labels=["a", "b", "c"],
            variants={"gpu": False},
            preprocess=["letterbox", IMAGE_NET],
        )
    )
    after = with_folded_preprocessing(before)
    assert list(after.contents) == ["model.xml", "model.bin"]
    network = detector_of(after).network
    assert network.input == "images"
    one = outputs_of(detector_of(before).network, before, "openvino", tmp_path / "before")
    other = outputs_of(network, after, "openvino", tmp_path / "after")
    np.testing.assert_array_equal(one.tensors["output0"], other.tensors["output0"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["yolov8", "yolov8_open", "ssd", "yolox"])
def test_the_outputs_of_an_ir_stay_the_same(name: str, tmp_path: Path) -> None:
    entry = ENTRIES[name]

    def make(path: Path) -> Path:
        entry.make(path)
        add_probe(path)
        return path

    write_draft(entry.make(tmp_path / "model.onnx"), tmp_path / "zoo.yaml")
    save_ir(make, tmp_path / "model.xml")
    text = (tmp_path / "zoo.yaml").read_text("utf-8").replace("model.onnx", "model.xml")
    (tmp_path / "zoo.yaml").write_text(f"{text}variants: {{gpu: false}}\n", "utf-8")
    before = plan(tmp_path / "zoo.yaml", accept_guess=True)
    after = with_folded_preprocessing(before)
    assert after is not before
    function: Any = before.function
    one = outputs_of(function.network, before, "openvino", tmp_path / "before")
    function = after.function
    other = outputs_of(function.network, after, "openvino", tmp_path / "after")
    assert "probe" in one.tensors
    for output, array in one.tensors.items():
        np.testing.assert_allclose(other.tensors[output], array, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("opset", [6, None])
def test_an_old_or_unknown_opset_stays_the_same_file(
    write_manifest: WriteManifest, tmp_path: Path, opset: int | None
) -> None:
    model = onnx.load(tmp_path / "model.onnx")
    if opset is None:
        model.opset_import[0].domain = "com.example"
    else:
        model.opset_import[0].version = opset
    onnx.save(model, tmp_path / "model.onnx")
    before = plan(write_manifest(variants={"gpu": False}))
    assert with_folded_preprocessing(before) is before


@pytest.mark.parametrize("opset", [7, 11, 13, 21])
@pytest.mark.parametrize("ir_version", [3, 8])
def test_old_opsets_and_file_formats(
    write_manifest: WriteManifest, tmp_path: Path, opset: int, ir_version: int
) -> None:
    model = onnx.load(tmp_path / "model.onnx")
    if opset > 17:
        # Since opset 18, the axes of ReduceMean are an input; the default is all axes.
        for node in model.graph.node:
            if node.op_type == "ReduceMean":
                del node.attribute[:]
                node.attribute.append(helper.make_attribute("keepdims", 0))
    model.opset_import[0].version, model.ir_version = opset, ir_version
    if ir_version < 4:
        # Weights are inputs, too, in these files.
        model.graph.input.extend(
            helper.make_tensor_value_info(it.name, it.data_type, it.dims)
            for it in model.graph.initializer
        )
    onnx.save(model, tmp_path / "model.onnx")
    before = plan(write_manifest(preprocess=["letterbox", {"channels": "bgr"}, IMAGE_NET]))
    after = with_folded_preprocessing(before)
    assert after is not before
    check_equal(before, after, "onnxruntime", tmp_path)


def test_a_name_that_exists(write_manifest: WriteManifest, tmp_path: Path) -> None:
    model = onnx.load(tmp_path / "model.onnx")
    for node in model.graph.node:
        node.input[:] = ["images_pixels/1" if it == "nothing" else it for it in node.input]
        node.output[:] = ["images_pixels/1" if it == "nothing" else it for it in node.output]
    onnx.save(model, tmp_path / "model.onnx")
    before = plan(write_manifest())
    after = with_folded_preprocessing(before)
    assert detector_of(after).network.input == "images_pixels_"
    check_equal(before, after, "onnxruntime", tmp_path)


@pytest.mark.parametrize("backend", BACKENDS)
def test_half_precision_inputs(write_manifest: WriteManifest, tmp_path: Path, backend: str) -> None:
    model = onnx.load(tmp_path / "model.onnx")
    (image,) = model.graph.input
    image.type.tensor_type.elem_type = TensorProto.FLOAT16
    (reader,) = [node for node in model.graph.node if image.name in node.input]
    reader.input[0] = "floats"
    cast = helper.make_node("Cast", [image.name], ["floats"], to=TensorProto.FLOAT)
    model.graph.node.insert(0, cast)
    onnx.save(model, tmp_path / "model.onnx")
    before = plan(write_manifest(preprocess=["letterbox", IMAGE_NET]))
    check_equal(before, with_folded_preprocessing(before), backend, tmp_path)


def test_weights_in_a_file_of_their_own(write_manifest: WriteManifest, tmp_path: Path) -> None:
    models.external_model(tmp_path / "model.onnx", "weights.data")
    before = plan(write_manifest())
    after = with_folded_preprocessing(before)
    assert list(after.contents) == ["model.onnx"]
    one, other = (
        outputs_of(detector_of(it).network, it, "onnxruntime", tmp_path / name)
        for it, name in ((before, "before"), (after, "after"))
    )
    np.testing.assert_array_equal(one.tensors["output0"], other.tensors["output0"])


@pytest.mark.slow
def test_the_lock_tells_whether_the_folded_file_would_change(
    write_manifest: WriteManifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, out = write_manifest(), tmp_path / "out"
    folder = build(plan(file), out, force=False).folder
    lock = Lock.read(folder)
    assert lock is not None
    path = "nuclio/model.onnx"
    written = (folder / path).read_bytes()
    assert lock.files[path] == hashlib.sha256(written).hexdigest()
    assert lock.sources[path] == hashlib.sha256((tmp_path / "model.onnx").read_bytes()).hexdigest()
    # Building again gives the same bytes.
    build(plan(file), out, force=False)
    assert (folder / path).read_bytes() == written
    assert Lock.read(folder) == lock
    with monkeypatch.context() as patch:
        patch.delattr(folding, "with_input_replaced")  # nothing is folded to compare
        assert diff(plan(file), out) == ""
    changed = diff(plan(write_manifest(preprocess=["letterbox", {"normalize": 1}])), out)
    assert f"-  {path}: {lock.files[path]}" in changed
    models.yolo_model(tmp_path / "model.onnx", metadata={"names": models.NAMES, "note": "new"})
    assert f"-  {path}: {lock.files[path]}" in diff(plan(write_manifest()), out)


def test_a_single_model_of_an_interactor_stays_the_same_file() -> None:
    # It runs for each click on an image that is preprocessed once.
    before = plan(ROOT / "manifests" / "sam-demo.yaml")
    assert isinstance(before.function, Interactor)
    before = replace(before, function=replace(before.function, decoder=None))
    assert with_folded_preprocessing(before) is before


def test_a_model_file_near_the_limit_of_protocol_buffers_stays_the_same(
    write_manifest: WriteManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = plan(write_manifest())
    monkeypatch.setattr(folding, "MAX_BYTES", before.sources["model.onnx"].stat().st_size)
    assert with_folded_preprocessing(before) is before


def test_an_input_that_a_branch_and_an_output_read(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    models.yolo_model(tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    image, value = model.graph.input[0], helper.make_tensor_value_info
    branches = [
        helper.make_graph(
            [helper.make_node(op, [image.name], ["branch"])],
            op,
            [],
            [value("branch", TensorProto.FLOAT, None)],
        )
        for op in ("Neg", "Abs")
    ]
    model.graph.node.extend(
        [
            helper.make_node("Constant", [], ["yes"], value=helper.make_tensor("", 9, [], [1])),
            helper.make_node(
                "If", ["yes"], ["turned"], then_branch=branches[0], else_branch=branches[1]
            ),
        ]
    )
    sizes = [1, 3, 64, 64]
    model.graph.output.extend(value(name, 1, sizes) for name in ("turned", image.name))
    onnx.save(model, tmp_path / "model.onnx")
    before = plan(write_manifest())
    after = with_folded_preprocessing(before)
    for backend in BACKENDS:
        outputs = outputs_of(detector_of(after).network, after, backend, tmp_path / backend)
        expected = outputs_of(detector_of(before).network, before, backend, tmp_path / "before")
        for name in ("turned", image.name):
            np.testing.assert_allclose(
                outputs.tensors[name], expected.tensors[name], rtol=1e-6, atol=1e-6
            )


@pytest.mark.slow
def test_a_manifest_for_a_folded_model_has_no_normalization(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    after = with_folded_preprocessing(plan(write_manifest()))
    folder = tmp_path / "folded"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(read(after.files["model.onnx"]))
    write_draft(folder / "model.onnx", folder / "m.yaml")
    drafted = detector_of(plan(folder / "m.yaml"))
    assert drafted.network == replace(detector_of(after).network, file="model.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sam-demo", "tracker-demo", "text"])
def test_the_other_types_and_second_models_are_folded(name: str) -> None:
    after = with_folded_preprocessing(plan(ROOT / "manifests" / f"{name}.yaml"))
    function: Any = after.function
    if isinstance(function, Interactor):
        assert list(after.contents) == [function.network.file]
        assert function.network.input == "image_pixels"
        return
    if isinstance(function, Tracker):
        assert Normalize not in map(type, function.preprocess)
        taken = {it.name: it.dtype for it in after.models[0].signature.inputs}
        assert taken == {function.step.template: "uint8", function.step.search: "uint8"}
        return
    assert list(after.contents) == ["model.onnx", "then-1.onnx"]
    for network in (function.network, function.then[0].network):
        assert network.input.endswith("_pixels")


@pytest.mark.slow
def test_replies_stay_the_same(tmp_path: Path) -> None:
    scenes = sorted((ROOT / "manifests" / "scenes" / "images").rglob("*.jpg"))[:3]
    assert scenes
    replies = []
    for is_folded in (True, False):
        text = (ROOT / "manifests" / "yolo.yaml").read_text("utf-8")
        text = text.replace("models/", f"{ROOT / 'manifests' / 'models'}/")
        file = tmp_path / "yolo.yaml"
        file.write_text(f"fold_preprocessing: {str(is_folded).lower()}\n{text}", "utf-8")
        folder = build(plan(file), tmp_path / str(is_folded), force=False).folder
        replies.append(
            [
                LocalFunction(folder, variant)(scene.read_bytes()).body
                for variant in ("cpu", "gpu")
                for scene in scenes
            ]
        )
    folded, unfolded = replies
    assert [len(it) for it in folded] == [len(it) for it in unfolded]
    assert any(folded)
    for one, other in zip(chain(*folded), chain(*unfolded), strict=True):
        assert one["label"] == other["label"]
        np.testing.assert_allclose(one["points"], other["points"], atol=0.011)
        assert one["confidence"] == pytest.approx(other["confidence"], abs=2e-5)
