import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from builder.lint.examine import plan
from builder.plan.plan import Plan
from builder.targets.nuclio.function_yaml import function_config
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.state import MAX_BYTES
from runtimes.tracker import Tracker
from runtimes.trackers.siamfc import Siamfc
from runtimes.trackers.siamrpn import Siamrpn
from tests.builder.conftest import failure
from tests.runtimes.trackers import correlators
from tests.unseen import check_without_model

Write: TypeAlias = Callable[..., Path]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model.onnx, and with encoder.onnx and decoder.onnx."""
    folder = tmp_path_factory.mktemp("trackers")
    correlators.siamfc(folder)
    correlators.nanotrack(folder)
    return folder


@pytest.fixture
def write(tmp_path: Path, models: Path) -> Write:
    """Writes a tracker's manifest with some keys changed; None takes a key out."""

    def write_manifest(**changes: Any) -> Path:
        data = {
            "name": "follow",
            "type": "tracker",
            "model": "model.onnx",
            "preprocess": ["normalize"],
            "postprocess": [{"siamfc": {"stride": 4, "activation": "none"}}],
            **changes,
        }
        for key in ("model", "encoder", "decoder"):
            if data.get(key):
                data[key] = str(models / data[key])
        path = tmp_path / "follow.yaml"
        path.write_text(yaml.safe_dump({key: it for key, it in data.items() if it is not None}))
        return path

    return write_manifest


def tracker_of(made: Plan) -> Tracker:
    assert isinstance(made.function, Tracker)
    return made.function


PAIR: dict[str, Any] = {
    "model": None,
    "encoder": "encoder.onnx",
    "decoder": "decoder.onnx",
    "postprocess": [
        {
            "siamrpn": {
                "template_size": correlators.correlate.TEMPLATE,
                "search_size": correlators.correlate.SEARCH,
            }
        }
    ],
}


def test_the_steps_are_bound_to_the_model(write: Write, models: Path) -> None:
    made = plan(
        write(supported_shape_types=["rectangle", "mask"], max_state_bytes=50_000, title="Follow")
    )
    found = tracker_of(made)
    step = Siamfc(
        stride=4,
        activation="none",
        output="response",
        template="template",
        search="search",
        template_size=correlators.correlate.TEMPLATE,
        search_size=correlators.correlate.SEARCH,
    )
    assert found.step == step
    assert found.preprocess == (Channels("rgb"), Normalize(), Layout("nchw"))
    assert (found.model, found.encoder) == ("model.onnx", None)
    assert (found.shape_types, found.max_state_bytes) == (("rectangle", "mask"), 50_000)
    assert set(made.files) == {"model.onnx"}
    assert made.labels == ()


def test_an_encoder_and_a_decoder_are_bound_to_each_other(write: Write) -> None:
    made = plan(write(**PAIR))
    found = tracker_of(made)
    step = found.step
    assert isinstance(step, Siamrpn)
    assert (step.image, step.embedding) == ("crop", "features")
    assert (step.template, step.search) == ("input1", "input2")
    assert (step.classes, step.boxes) == ("output1", "output2")
    assert (found.model, found.encoder) == ("decoder.onnx", "encoder.onnx")
    assert set(made.files) == {"decoder.onnx", "encoder.onnx"}


def test_omitted_keys_have_defaults(write: Write) -> None:
    found = tracker_of(plan(write(preprocess=[])))
    assert (found.shape_types, found.max_state_bytes) == (("rectangle",), MAX_BYTES)
    assert found.preprocess == (Channels("rgb"), Layout("nchw"))


@pytest.mark.parametrize(
    ("changes", "files"),
    [({}, ["model.onnx"]), (PAIR, ["encoder.onnx", "decoder.onnx"])],
    ids=["one model", "two models"],
)
def test_the_digest_is_that_of_all_models(
    write: Write, models: Path, changes: dict[str, Any], files: list[str]
) -> None:
    digests = [hashlib.sha256((models / name).read_bytes()).hexdigest() for name in files]
    whole = hashlib.sha256("".join(digests).encode()).hexdigest()
    assert tracker_of(plan(write(**changes))).digest == whole[:16]


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (None, "rectangle"),
        (["rectangle", "polygon", "mask"], "rectangle,polygon,mask"),
    ],
)
def test_annotations_have_the_supported_shape_types(
    write: Write, types: list[str] | None, expected: str
) -> None:
    config = function_config(plan(write(supported_shape_types=types)), "cpu")
    made = config.metadata.annotations.model_dump(exclude_none=True, exclude={"spec"})
    assert made == {"name": "follow", "type": "tracker", "supported_shape_types": expected}


def test_a_tracker_has_two_workers_on_the_cpu(write: Write) -> None:
    made = plan(write())
    assert function_config(made, "cpu").spec.triggers.myHttpTrigger.numWorkers == 2
    assert function_config(made, "gpu").spec.triggers.myHttpTrigger.numWorkers == 1


@pytest.mark.parametrize("step", ["letterbox", "resize", "center_crop", "resize_multiple"])
def test_steps_that_move_pixels_are_reported_without_the_model(write: Write, step: str) -> None:
    for look in (plan, check_without_model):
        file = write(preprocess=["normalize", step])
        (problem,) = failure(lambda look=look, file=file: look(file)).problems  # type: ignore[misc]
        assert (problem.place, problem.code) == (f"preprocess[1].{step}", "crop-moved")
        assert problem.allowed == "channels, normalize, layout"


def test_mistakes_in_both_lists_of_steps_are_reported(write: Write) -> None:
    file = write(preprocess=["resize"], postprocess=["transt"])
    problems = failure(lambda: plan(file)).problems
    assert {(it.place, it.code) for it in problems} == {
        ("preprocess[0].resize", "crop-moved"),
        ("postprocess[0].transt.logits", "output-missing"),
    }


def test_values_that_do_not_fit_the_input_are_reported(write: Write) -> None:
    (problem,) = failure(lambda: plan(write(preprocess=[{"channels": "gray"}]))).problems
    assert (problem.place, problem.code) == ("preprocess[0].channels.order", "input-values")


@pytest.mark.parametrize(
    "changes",
    [
        {"postprocess": ["siamfc", "siamfc"]},
        {"postprocess": []},
        {"supported_shape_types": []},
        {"supported_shape_types": ["ellipse"]},
        {"max_state_bytes": 100},
        {"threshold": 0.5},
        {"labels": ["a"]},
    ],
)
def test_invalid_values_are_refused(write: Write, changes: dict[str, Any]) -> None:
    (key,) = changes
    assert failure(lambda: plan(write(**changes))).problems[0].place.startswith(key)


def test_a_manifest_can_be_checked_without_its_models(write: Write) -> None:
    assert check_without_model(write(model="absent.onnx")).name == "follow"


def test_steps_are_spelled_out_with_every_tensor(write: Write) -> None:
    step = tracker_of(plan(write())).step
    assert eval(repr(step), {"Siamfc": Siamfc}) == step
