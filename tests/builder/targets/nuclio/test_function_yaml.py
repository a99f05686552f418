import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from builder.lint.examine import plan
from builder.manifest.variants import VariantName
from builder.plan.cvat_labels import label_spec
from builder.plan.plan import Plan
from builder.targets.nuclio.function_yaml import FunctionConfig, function_config
from builder.targets.nuclio.yaml_text import to_yaml
from tests.builder.conftest import WriteManifest

Config = Callable[..., dict[str, Any]]


@pytest.fixture
def config(write_manifest: WriteManifest) -> Config:
    """A variant's function.yaml, parsed."""

    def parse(variant: VariantName = "cpu", **changes: Any) -> dict[str, Any]:
        text = to_yaml(function_config(plan(write_manifest(**changes)), variant), "note")
        data: dict[str, Any] = yaml.safe_load(text)
        return data

    return parse


def test_the_whole_cpu_configuration(config: Config) -> None:
    data = config(title="My boxes", description="Finds boxes.")
    spec = data["metadata"]["annotations"].pop("spec")
    assert json.loads(spec) == [
        {"id": 0, "name": "cat", "type": "rectangle"},
        {"id": 1, "name": "dog", "type": "rectangle"},
        {"id": 2, "name": "bird", "type": "rectangle"},
    ]
    (pip,) = [it for it in data["spec"]["build"]["directives"]["preCopy"] if it["kind"] == "RUN"]
    assert data == {
        "metadata": {
            "name": "boxes",
            "namespace": "cvat",
            "annotations": {"name": "My boxes", "type": "detector"},
        },
        "spec": {
            "description": "Finds boxes.",
            "runtime": "python:3.11",
            "handler": "main:handler",
            "eventTimeout": "30s",
            "readinessTimeoutSeconds": 180,
            "env": [
                {"name": "CVATBUILD_VARIANT", "value": "cpu"},
                {"name": "OPENBLAS_NUM_THREADS", "value": "1"},
            ],
            "build": {
                "image": "cvat.boxes",
                "baseImage": "python:3.11-slim",
                "directives": {
                    "preCopy": [{"kind": "USER", "value": "root"}, pip],
                    "postCopy": [
                        {
                            "kind": "RUN",
                            "value": "find /opt/nuclio ! -perm -o=r -exec chmod -c a+rX {} +",
                        },
                        {"kind": "USER", "value": "1000:1000"},
                    ],
                },
            },
            "triggers": {
                "myHttpTrigger": {
                    "kind": "http",
                    "numWorkers": 2,
                    "maxWorkers": 2,
                    "workerAvailabilityTimeoutMilliseconds": 10000,
                    "attributes": {"maxRequestBodySize": 33554432},
                }
            },
            "platform": {
                "attributes": {"restartPolicy": {"name": "always", "maximumRetryCount": 3}}
            },
        },
    }


def test_how_the_gpu_configuration_differs(config: Config) -> None:
    cpu, gpu = config("cpu"), config("gpu")
    assert gpu["spec"]["env"] == [
        {"name": "CVATBUILD_VARIANT", "value": "gpu"},
        {"name": "OPENBLAS_NUM_THREADS", "value": "1"},
    ]
    assert gpu["spec"]["build"]["image"] == "cvat.boxes:gpu"
    assert gpu["spec"]["resources"] == {"limits": {"nvidia.com/gpu": 1}}
    trigger = gpu["spec"]["triggers"]["myHttpTrigger"]
    assert (trigger["numWorkers"], trigger["maxWorkers"]) == (1, 1)
    assert gpu["spec"]["build"]["directives"]["preCopy"][:3] == [
        {"kind": "USER", "value": "root"},
        {"kind": "ENV", "value": "NVIDIA_VISIBLE_DEVICES=all"},
        {"kind": "ENV", "value": "NVIDIA_DRIVER_CAPABILITIES=compute,utility"},
    ]
    # The same name and labels: one variant replaces the other and mappings stay.
    assert gpu["metadata"] == cpu["metadata"]
    for part in ("env", "build", "triggers", "resources"):
        cpu["spec"].pop(part, None)
        gpu["spec"].pop(part, None)
    assert gpu == cpu


def test_settings_of_a_variant_reach_its_configuration(config: Config) -> None:
    settings = {
        "workers": 5,
        "base_image": "registry.local:5000/py:3.11",
        "env": {"A": "b c", "EMPTY": "", "NUMBER": "1"},
        "event_timeout": "2m",
        "readiness_timeout": 600,
        "port": 32001,
        "max_request_size": "64Mi",
        "memory": "4Gi",
        "cpu": "1500m",
    }
    spec = config("gpu", variants={"gpu": settings})["spec"]
    trigger = spec["triggers"]["myHttpTrigger"]
    assert (trigger["numWorkers"], trigger["maxWorkers"]) == (5, 5)
    assert trigger["attributes"] == {"maxRequestBodySize": 67108864, "port": 32001}
    assert spec["build"]["baseImage"] == "registry.local:5000/py:3.11"
    assert spec["env"] == [
        {"name": "CVATBUILD_VARIANT", "value": "gpu"},
        {"name": "OPENBLAS_NUM_THREADS", "value": "1"},
        {"name": "A", "value": "b c"},
        {"name": "EMPTY", "value": ""},
        {"name": "NUMBER", "value": "1"},
    ]
    assert (spec["eventTimeout"], spec["readinessTimeoutSeconds"]) == ("2m", 600)
    assert spec["resources"] == {"limits": {"cpu": "1500m", "memory": "4Gi", "nvidia.com/gpu": 1}}


def test_limits_of_a_variant_win_over_those_of_both(config: Config) -> None:
    resources = {"memory": "2Gi", "cpu": "1"}
    changes = {"resources": resources, "variants": {"gpu": {"memory": "8Gi"}}}
    assert config("cpu", **changes)["spec"]["resources"]["limits"] == {"cpu": "1", "memory": "2Gi"}
    assert config("gpu", **changes)["spec"]["resources"]["limits"] == {
        "cpu": "1",
        "memory": "8Gi",
        "nvidia.com/gpu": 1,
    }


def test_a_quantity_that_looks_like_a_number_stays_text(config: Config) -> None:
    limits = config("cpu", resources={"memory": "1000000000", "cpu": "2"})["spec"]["resources"]
    assert limits == {"limits": {"cpu": "2", "memory": "1000000000"}}


def test_there_is_always_a_description(config: Config) -> None:
    # CVAT's server fails for all functions where one has none.
    assert config(title="My boxes")["spec"]["description"] == "My boxes"
    assert config()["spec"]["description"] == "boxes"


HOSTILE_TEXTS = [
    "yes",
    "no",
    "2",
    "1.10",
    "null",
    "~",
    "a: b",
    "a # b",
    "- a",
    "{a: b}",
    "*a",
    "&a",
    "!a b",
    "%a",
    "@a",
    "it's",
    '"',
    '"""',
    "\\",
    "\\n",
    "a\nb: c",
    "---",
    "\t",
    " a ",
    "é 猫 \U0001f600",
    "2024-01-01",
    "x" * 128,
]


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=repr)
def test_texts_survive_being_written(config: Config, text: str) -> None:
    # A title is one line; a description may have several.
    title = text if text.isprintable() else "title"
    data = config(title=title, description=text)
    assert data["metadata"]["annotations"]["name"] == title
    assert data["spec"]["description"] == text


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=repr)
@pytest.mark.parametrize("variant", ["cpu", "gpu"])
def test_every_annotation_is_quoted_or_a_block(
    write_manifest: WriteManifest, text: str, variant: VariantName
) -> None:
    title = text if text.isprintable() else "title"
    config = function_config(plan(write_manifest(title=title, description=text)), variant)
    root = yaml.compose(to_yaml(config, "note"), yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    nodes = {key.value: value for key, value in root.value}
    annotations = dict(nodes["metadata"].value[2][1].value)
    styles = {key.value: value.style for key, value in annotations.items()}
    assert styles == {"name": '"', "type": '"', "spec": "|"}
    env = next(value for key, value in nodes["spec"].value if key.value == "env")
    written = [value.style for item in env.value for key, value in item.value[1:]]
    assert written == ['"'] * len(env.value)


def test_the_note_is_a_comment_on_the_first_line(ready_plan: Plan) -> None:
    lines = to_yaml(function_config(ready_plan, "cpu"), "made by hand").splitlines()
    assert lines[0] == "# made by hand"
    assert lines[1] == "metadata:"


@pytest.mark.parametrize("name", ["cat", "it's", '"', "a\\b", "é", "猫", "{", "a: b #", "</x>"])
def test_labels_are_json_one_a_line(config: Config, name: str) -> None:
    labels = [name, {"name": "two", "type": "any"}, "three"]
    spec = config(labels=labels)["metadata"]["annotations"]["spec"]
    lines = spec.splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("[", "]", 5)
    assert json.loads(lines[1].rstrip(",")) == {"id": 0, "name": name, "type": "rectangle"}
    assert [label["name"] for label in json.loads(spec)] == [name, "two", "three"]
    assert json.loads(spec)[1]["type"] == "any"


def test_attributes_have_all_that_cvat_requires(config: Config) -> None:
    attributes = [
        {"name": "size", "input_type": "select", "values": ["small", "large"]},
        {"name": "age", "input_type": "number", "values": [0, 100, 1]},
        {"name": "seen", "input_type": "checkbox", "values": [False]},
        {"name": "note", "input_type": "text"},
    ]
    labels = [{"name": "a", "attributes": attributes}, "b", "c"]
    (first, second, _) = json.loads(config(labels=labels)["metadata"]["annotations"]["spec"])
    assert first["attributes"] == [
        {"name": "size", "input_type": "select", "values": ["small", "large"]},
        {"name": "age", "input_type": "number", "values": ["0", "100", "1"]},
        {"name": "seen", "input_type": "checkbox", "values": ["false"]},
        {"name": "note", "input_type": "text", "values": []},
    ]
    assert "attributes" not in second


def test_ids_are_the_models_own(config: Config) -> None:
    labels = [{"name": "bird", "id": 2}, {"name": "cat", "id": 0}]
    spec = json.loads(config(labels=labels)["metadata"]["annotations"]["spec"])
    assert [(label["id"], label["name"]) for label in spec] == [(2, "bird"), (0, "cat")]


def changed(ready_plan: Plan, path: str, value: object) -> dict[str, Any]:
    """A configuration's data with the value at a dotted path set."""
    data: dict[str, Any] = function_config(ready_plan, "gpu").model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    *above, last = path.split("/")
    part: Any = data
    for key in above:
        part = part[int(key)] if isinstance(part, list) else part[key]
    part[last] = value
    return data


def test_what_is_written_is_what_the_model_takes(ready_plan: Plan) -> None:
    data = changed(ready_plan, "metadata/name", "boxes")
    assert FunctionConfig.model_validate_json(json.dumps(data)).metadata.name == "boxes"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("annotation", {}),
        ("metadata/annotation", {}),
        ("metadata/annotations/framework", "onnx"),
        ("metadata/annotations/type", "Detector"),
        ("metadata/annotations/name", 5),
        ("metadata/annotations/spec", "[{},]"),
        ("metadata/annotations/spec", "{}"),
        ("metadata/name", "Boxes"),
        ("spec/eventtimeout", "30s"),
        ("spec/eventTimeout", 30),
        ("spec/readinessTimeoutSeconds", "180"),
        ("spec/description", ""),
        ("spec/runtime", "python:3.12"),
        ("spec/runtime", "python"),
        ("spec/handler", "main.handler"),
        ("spec/build/commands", []),
        ("spec/build/image", "Cvat.boxes"),
        ("spec/build/image", "host:5000/cvat:gpu"),
        ("spec/build/directives/precopy", []),
        ("spec/build/directives/preCopy/0/kind", "COPY"),
        ("spec/build/directives/preCopy/0/value", "root\nRUN id"),
        ("spec/triggers/other", {}),
        ("spec/triggers/myHttpTrigger/maxworkers", 1),
        ("spec/triggers/myHttpTrigger/numWorkers", "1"),
        ("spec/triggers/myHttpTrigger/attributes/maxRequestBodySize", 4194304),
        ("spec/triggers/myHttpTrigger/attributes/maxRequestBodySize", 2**31),
        ("spec/resources/requests", {}),
        ("spec/resources/limits/nvidia", 1),
        ("spec/resources/limits/nvidia.com/gpu", "1"),
        ("spec/platform/attributes/mountMode", "volume"),
        ("spec/platform/attributes/restartPolicy/name", "never"),
        ("spec/env/0/value", "it's"),
        ("spec/env/0/value", "a\nb"),
        ("spec/env/0/valueFrom", {}),
        ("spec/env/0/valueFrom", {"secretKeyRef": {"name": "a", "key": "b"}}),
        ("spec/resources/limits", {"memory": 4}),
        ("spec/minReplicas", "1"),
        ("spec/maxreplicas", 1),
        ("spec/nodeSelector", ["a"]),
        ("spec/tolerations", [{"key": "a", "operator": "exists"}]),
        ("spec/volumes", []),
        ("spec/affinity", {"nodeAffinities": {}}),
        ("spec/build/registries", "a"),
        ("spec/triggers/myHttpTrigger/attributes/ingresses", []),
    ],
)
def test_what_nuclio_would_ignore_or_trip_over_is_refused(
    ready_plan: Plan, path: str, value: object
) -> None:
    # The key of the GPU limit holds the slash that paths are made of.
    if path.endswith("nvidia.com/gpu"):
        data = changed(ready_plan, "spec/resources/limits", {"nvidia.com/gpu": value})
    else:
        data = changed(ready_plan, path, value)
    with pytest.raises(ValidationError):
        FunctionConfig.model_validate_json(json.dumps(data))


def test_a_spec_without_attributes_has_no_empty_list_of_them(ready_plan: Plan) -> None:
    assert "attributes" not in label_spec(ready_plan.labels)
