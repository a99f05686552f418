from typing import Any

import pytest

from builder.diagnostics.rule import Rule
from builder.lint.interactor import UNSHARED_EMBEDDINGS
from builder.lint.kubernetes import (
    DUPLICATE_VARIABLE,
    GPU_WITHOUT_GPU_VARIANT,
    NODE_PORT,
    PORT_ON_KUBERNETES,
    VOLUME_MODEL,
)
from tests.builder.lint.conftest import Lint


def test_only_the_gpu_variant_has_a_gpu(lint: Lint) -> None:
    settings = {"kubernetes": {"gpu_resource": "nvidia.com/gpu.shared"}}
    assert lint("detector", "yolo", variants={"gpu": settings}) == []
    assert lint("detector", "yolo", variants={"cpu": settings}) == [
        (GPU_WITHOUT_GPU_VARIANT, "variants.cpu.kubernetes.gpu_resource")
    ]


@pytest.mark.parametrize(
    ("port", "service", "rule"),
    [
        (29999, "NodePort", NODE_PORT),
        (30000, "NodePort", None),
        (32767, "NodePort", None),
        (32768, "NodePort", NODE_PORT),
        (30000, "ClusterIP", PORT_ON_KUBERNETES),
        (30000, "LoadBalancer", PORT_ON_KUBERNETES),
        (20000, None, None),  # for Docker
    ],
)
def test_the_port_of_a_service(
    lint: Lint, port: int, service: str | None, rule: Rule | None
) -> None:
    cluster = {"service_type": service} if service else {}
    found = lint("detector", "yolo", variants={"cpu": {"port": port, "kubernetes": cluster}})
    assert found == ([(rule, "variants.cpu.port")] if rule else [])


def test_a_variable_has_one_value(lint: Lint) -> None:
    secret = {"secret_env": {"A": {"name": "a", "key": "a"}}}
    settings: dict[str, Any] = {"env": {"A": "1"}, "kubernetes": secret}
    assert lint("detector", "yolo", variants={"gpu": settings}) == [
        (DUPLICATE_VARIABLE, "variants.gpu.kubernetes.secret_env.A")
    ]
    settings["env"] = {"B": "1"}
    assert lint("detector", "yolo", variants={"gpu": settings}) == []


@pytest.mark.parametrize(
    ("cluster", "key"),
    [
        ({"max_replicas": 2}, "max_replicas"),
        ({"min_replicas": 2}, "min_replicas"),
        ({"max_replicas": 1}, ""),
        ({"scale_to_zero": {"after": "1h"}}, ""),
    ],
)
def test_pods_of_an_interactor_do_not_share_embeddings(
    lint: Lint, cluster: dict[str, Any], key: str
) -> None:
    variants = {"cpu": False, "gpu": {"kubernetes": cluster}}
    found = [it for it in lint("interactor", "sam", variants=variants) if it[0] is not None]
    expected = [(UNSHARED_EMBEDDINGS, f"variants.gpu.kubernetes.{key}")] if key else []
    assert [it for it in found if it[0] is UNSHARED_EMBEDDINGS] == expected
    assert lint("detector", "yolo", variants=variants) == []


@pytest.mark.parametrize(
    ("variant", "settings", "name", "valid"),
    [
        ("cpu", {}, "model.onnx", True),
        ("cpu", {}, "modle.onnx", False),
        ("cpu", {}, "model-cpu.onnx", False),
        ("gpu", {"precision": "fp16"}, "model-gpu.onnx", True),
        ("gpu", {"precision": "fp16"}, "model.onnx", False),
        ("gpu", {"precision": "tf32"}, "model.onnx", True),
    ],
)
def test_a_volume_in_the_functions_folder_replaces_a_model_file(
    lint: Lint, variant: str, settings: dict[str, Any], name: str, valid: bool
) -> None:
    mounted = {"mount": f"/opt/nuclio/{name}", "sub_path": "a/model.onnx"}
    other = {"name": "data", "claim": "data", "mount": "/data"}
    volumes = [other, {"name": "weights", "claim": "weights", **mounted}]
    given = {variant: {**settings, "kubernetes": {"volumes": volumes}}}
    expected = [(VOLUME_MODEL, f"variants.{variant}.kubernetes.volumes[1].mount")]
    assert lint("detector", "yolo", variants=given) == ([] if valid else expected)
