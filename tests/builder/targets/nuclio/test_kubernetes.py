from typing import Any

import pytest
from pydantic import ValidationError

from builder.diagnostics.errors import Refused
from builder.diagnostics.rule import Rule
from builder.manifest.validation import validate_strictly
from builder.targets.nuclio.kubernetes import (
    NOTHING_TO_SCALE,
    REPLICA_RANGE,
    SCALE_TO_ZERO,
    TWO_SCALING_TARGETS,
    Kubernetes,
)
from builder.targets.nuclio.scheduling import TOLERATION
from builder.targets.nuclio.volumes import VOLUME_MOUNT, VOLUME_SOURCE


def read(**keys: Any) -> Kubernetes:
    """Settings from YAML."""
    return validate_strictly(Kubernetes, keys)


def refused(**keys: Any) -> tuple[Rule | None, str]:
    """The rule that settings violate, and the path of the key."""
    with pytest.raises(ValidationError) as caught:
        read(**keys)
    (detail,) = caught.value.errors()
    error = detail["ctx"]["error"]
    assert isinstance(error, Refused)
    return error.problem.rule, ".".join(map(str, (*detail["loc"], *error.problem.path)))


def invalid(**keys: Any) -> None:
    """Check that a value has the wrong form."""
    with pytest.raises(ValidationError):
        read(**keys)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, (1, 1)),
        ({"max_replicas": 4}, (1, 4)),
        ({"min_replicas": 3}, (3, 3)),
        ({"min_replicas": 0}, (0, 1)),
        ({"min_replicas": 2, "max_replicas": 2}, (2, 2)),
        ({"scale_to_zero": {"after": "10m"}}, (0, 1)),
        ({"scale_to_zero": {"after": "1h"}, "max_replicas": 3}, (0, 3)),
    ],
)
def test_the_range_of_replicas(keys: dict[str, Any], expected: tuple[int, int]) -> None:
    assert read(**keys).replicas() == expected


def test_contradictions_about_replicas_are_refused() -> None:
    zero = {"after": "10m"}
    assert refused(min_replicas=3, max_replicas=2) == (REPLICA_RANGE, "max_replicas")
    assert refused(scale_to_zero=zero, min_replicas=1) == (SCALE_TO_ZERO, "scale_to_zero")
    assert read(scale_to_zero=zero, min_replicas=0).replicas() == (0, 1)


def test_a_target_needs_a_range_of_replicas() -> None:
    metrics = [{"name": "gpu", "average": "70"}]
    assert refused(target_cpu=60) == (NOTHING_TO_SCALE, "target_cpu")
    assert refused(metrics=metrics) == (NOTHING_TO_SCALE, "metrics")
    assert refused(metrics=metrics, min_replicas=2) == (NOTHING_TO_SCALE, "metrics")
    # Between no pod and one, Nuclio's autoscaler decides, not Kubernetes'.
    zero = {"after": "10m"}
    assert refused(target_cpu=60, scale_to_zero=zero) == (NOTHING_TO_SCALE, "target_cpu")
    assert read(target_cpu=60, max_replicas=2).target_cpu == 60
    assert refused(target_cpu=60, metrics=metrics, max_replicas=2) == (
        TWO_SCALING_TARGETS,
        "target_cpu",
    )


@pytest.mark.parametrize(
    ("toleration", "path"),
    [
        ({"key": "a", "operator": "Exists", "value": "b"}, "tolerations.0.value"),
        ({"value": "b"}, "tolerations.0"),
        ({"key": "a", "value": "b", "seconds": 5}, "tolerations.0.seconds"),
        (
            {"key": "a", "operator": "Exists", "effect": "NoSchedule", "seconds": 5},
            "tolerations.0.seconds",
        ),
    ],
)
def test_tolerations_that_kubernetes_refuses(toleration: dict[str, Any], path: str) -> None:
    assert refused(tolerations=[toleration]) == (TOLERATION, path)


@pytest.mark.parametrize(
    "toleration",
    [
        {"operator": "Exists"},
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "pool", "value": "gpu"},
        {"key": "pool", "value": "gpu", "effect": "NoExecute", "seconds": 0},
    ],
)
def test_tolerations_that_kubernetes_accepts(toleration: dict[str, Any]) -> None:
    assert len(read(tolerations=[toleration]).tolerations) == 1


@pytest.mark.parametrize(
    ("condition", "valid"),
    [
        ({"key": "zone", "values": ["a", "b"]}, True),
        ({"key": "zone"}, False),
        ({"key": "zone", "operator": "NotIn", "values": ["a"]}, True),
        ({"key": "zone", "operator": "Exists"}, True),
        ({"key": "zone", "operator": "Exists", "values": ["a"]}, False),
        ({"key": "zone", "operator": "DoesNotExist", "values": ["a"]}, False),
        ({"key": "memory", "operator": "Gt", "values": ["16"]}, True),
        ({"key": "memory", "operator": "Gt", "values": ["16", "32"]}, False),
        ({"key": "memory", "operator": "gt", "values": ["16"]}, False),
        ({"key": "a b", "operator": "Exists"}, False),
    ],
)
def test_conditions_on_nodes(condition: dict[str, Any], valid: bool) -> None:
    affinity = {"required": [condition]}
    if valid:
        assert read(node_affinity=affinity).node_affinity.required[0].key == condition["key"]
    else:
        invalid(node_affinity=affinity)


@pytest.mark.parametrize(
    "keys",
    [
        {"registry": "https://registry.example.com"},
        {"registry": "registry.example.com/"},
        {"registry": "Registry.example.com"},
        {"registry": "a b"},
        {"gpu_resource": "gpu"},
        {"gpu_resource": "nvidia.com/"},
        {"priority_class": "High Priority"},
        {"pull_secret": ""},
        {"service_type": "nodePort"},
        {"scale_to_zero": {"after": "0m"}},
        {"scale_to_zero": {"after": "30s"}},
        {"scale_to_zero": {"after": "10m", "metric": "no spaces"}},
        {"ingress": {"host": "https://a.example.com"}},
        {"ingress": {"host": "a.example.com", "paths": []}},
        {"ingress": {"host": "a.example.com", "paths": ["models"]}},
        {"node_selector": {"-gpu": "a"}},
        {"node_selector": {"gpu": "a b"}},
        {"metrics": [{"name": "gpu", "average": 70}], "max_replicas": 2},
        {"metrics": [{"name": "gpu", "average": "0"}], "max_replicas": 2},
        {"secret_env": {"A-B": {"name": "a", "key": "b"}}},
        {"secret_env": {"A": {"name": "a", "key": "../b"}}},
        {"secret_env": {"A": "b"}},
        {"target_cpu": 0, "max_replicas": 2},
        {"target_cpu": 101, "max_replicas": 2},
        {"max_replicas": 0},
        {"min_replicas": -1},
    ],
)
def test_values_that_kubernetes_would_refuse(keys: dict[str, Any]) -> None:
    invalid(**keys)


@pytest.mark.parametrize(
    "name",
    ["nvidia.com/gpu", "nvidia.com/gpu.shared", "nvidia.com/mig-1g.10gb", "example.com/gpu-mem"],
)
def test_names_of_gpu_resources(name: str) -> None:
    assert read(gpu_resource=name).gpu_resource == name


@pytest.mark.parametrize(
    "registry",
    ["localhost:5000", "registry.example.com", "123.dkr.ecr.eu-west-1.amazonaws.com/team/cvat_a"],
)
def test_names_of_registries(registry: str) -> None:
    assert read(registry=registry, run_registry=registry).registry == registry


@pytest.mark.parametrize(
    ("mount", "sub_path", "valid"),
    [
        ("/weights", None, True),
        ("/data/models", "yolo", True),
        ("/opt/weights", None, True),
        ("/opt/nuclio/model.onnx", "yolo/best.onnx", True),
        ("/opt/nuclio/model.onnx", None, False),
        ("/opt/nuclio/main.py", "main.py", False),
        ("/opt/nuclio/runtimes/detector.py", "detector.py", False),
        ("/opt/nuclio/runtimes", "runtimes", False),
        ("/opt/nuclio", None, False),
        ("/opt/nuclio/", "a", False),
        ("/opt", None, False),
        ("/opt/other/../nuclio", None, False),
        ("/", None, False),
        ("/usr/local/lib", None, False),
        ("/etc", None, False),
        ("/etcetera", None, True),
    ],
)
def test_places_of_volumes(mount: str, sub_path: str | None, valid: bool) -> None:
    volume = {"name": "weights", "claim": "weights", "mount": mount}
    if sub_path is not None:
        volume["sub_path"] = sub_path
    if valid:
        assert read(volumes=[volume]).volumes[0].mount == mount
    else:
        assert refused(volumes=[volume]) == (VOLUME_MOUNT, "volumes.0.mount")


def test_the_folder_of_temporary_files_stays_writable() -> None:
    for source in ({"claim": "scratch"}, {"host_path": "/scratch"}):
        volume: dict[str, Any] = {"name": "scratch", "mount": "/tmp/", **source}
        assert refused(volumes=[volume]) == (VOLUME_MOUNT, "volumes.0.mount")
        assert read(volumes=[volume | {"read_only": False}]).volumes
    for source in ({"config_map": "scratch"}, {"secret": "scratch"}):
        volume = {"name": "scratch", "mount": "/tmp", "read_only": False, **source}
        assert refused(volumes=[volume]) == (VOLUME_MOUNT, "volumes.0.mount")


def test_a_secret_sets_no_variable_of_cvatbuild() -> None:
    secret = {"name": "store", "key": "token"}
    invalid(secret_env={"CVATBUILD_VARIANT": secret})
    assert read(secret_env={"OPENBLAS_NUM_THREADS": secret}).secret_env


def test_a_volume_has_exactly_one_source() -> None:
    volume = {"name": "weights", "mount": "/weights"}
    assert refused(volumes=[volume]) == (VOLUME_SOURCE, "volumes.0")
    two = {**volume, "claim": "a", "secret": "b"}
    assert refused(volumes=[two]) == (VOLUME_SOURCE, "volumes.0")
    for source in ("claim", "secret", "config_map"):
        assert getattr(read(volumes=[{**volume, source: "a"}]).volumes[0], source) == "a"
    assert read(volumes=[{**volume, "host_path": "/srv/weights"}]).volumes[0].read_only


def test_volumes_that_contradict_each_other() -> None:
    one = {"name": "one", "claim": "one", "mount": "/weights"}
    other = {"name": "two", "claim": "two", "mount": "/weights/"}
    assert refused(volumes=[one, other]) == (VOLUME_MOUNT, "volumes")
    renamed = {"name": "one", "claim": "two", "mount": "/other"}
    assert refused(volumes=[one, renamed]) == (VOLUME_SOURCE, "volumes")
    again = {**one, "mount": "/other"}
    assert len(read(volumes=[one, again]).volumes) == 2


@pytest.mark.parametrize("path", ["../secrets", "a/../../b", "/a", "a b"])
def test_paths_that_leave_a_volume(path: str) -> None:
    volume = {"name": "one", "claim": "one", "mount": "/weights", "sub_path": path}
    invalid(volumes=[volume])
