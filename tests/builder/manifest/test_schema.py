from typing import Any

import pytest

from builder.manifest.reading import ManifestFile
from runtimes.preprocess.resize import Letterbox, Resize
from runtimes.preprocess.values import Channels, Normalize
from runtimes.refine.suppress import MinSize, Nms, TopK
from runtimes.step import Step
from tests.builder.manifest.conftest import Read, Refused


def steps(read: ManifestFile[Any], section: Any = "postprocess") -> list[Step]:
    return list(read.steps(section).values())


@pytest.mark.parametrize(
    ("key", "default"),
    [("title", None), ("description", ""), ("threshold", 0.25), ("cvat", "2.60")],
)
def test_optional_keys_have_defaults(read: Read, key: str, default: object) -> None:
    assert getattr(read().manifest, key) == default


def test_every_key_is_read(read: Read) -> None:
    manifest = read(
        title="Boxes & more",
        description="Finds boxes.",
        threshold=0.5,
        cvat="2.15",
        resources={"memory": "4Gi", "cpu": "2"},
        variants={
            "cpu": {"runtime": "onnxruntime", "workers": 3, "threads": 4, "apt": ["libgomp1"]},
            "gpu": {
                "cuda": 13,
                "allow_cpu_fallback": True,
                "pip": ["a-b[c]==1.0"],
                "env": {"A": "b c"},
                "event_timeout": "1m30s",
                "readiness_timeout": 300,
                "port": 32001,
                "base_image": "registry.local:5000/python:3.11",
            },
        },
    ).manifest
    assert (manifest.title, manifest.description) == ("Boxes & more", "Finds boxes.")
    assert (manifest.threshold, manifest.cvat) == (0.5, "2.15")
    assert (manifest.resources.memory, manifest.resources.cpu) == ("4Gi", "2")
    cpu, gpu = manifest.variants.cpu, manifest.variants.gpu
    assert cpu
    assert gpu
    assert (cpu.runtime, cpu.workers, cpu.threads, cpu.apt) == (
        "onnxruntime",
        3,
        4,
        ("libgomp1",),
    )
    assert (gpu.cuda, gpu.allow_cpu_fallback, gpu.pip) == (13, True, ("a-b[c]==1.0",))
    assert (gpu.env, gpu.event_timeout, gpu.readiness_timeout) == ({"A": "b c"}, "1m30s", 300)
    assert (gpu.port, gpu.base_image) == (32001, "registry.local:5000/python:3.11")


@pytest.mark.parametrize("name", ["a", "a1", "yolo-v8", "a" * 56])
def test_valid_function_names(read: Read, name: str) -> None:
    assert read(name=name).manifest.name == name


@pytest.mark.parametrize(
    "name",
    ["", "A", "1a", "-a", "a-", "a_b", "a.b", "a b", "a\n", "a/b", "../a", "ä", "a" * 57],
)
def test_invalid_function_names(refused: Refused, name: str) -> None:
    assert refused(name=name).place == "name"


@pytest.mark.parametrize(
    "name",
    ["dashboard", "controller", "dlx", "scaler", "pth-facebookresearch-sam-vit-h"],
)
def test_reserved_function_names(refused: Refused, name: str) -> None:
    problem = refused(name=name)
    assert problem.place == "name"
    assert problem.found == name


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("type", "Detector"),
        ("type", "classifier"),
        ("title", ""),
        ("title", "x" * 129),
        ("title", 5),
        ("title", "a\nb"),
        ("title", 'a\n"""\nimport os'),
        ("title", "a\r\nb"),
        ("title", "\u2028"),
        ("title", "\x85"),
        ("title", "a\x00b"),
        ("title", "\x1b[31m"),
        ("description", "\x1b[31m"),
        ("description", "\u2028"),
        ("description", "x" * 4097),
        ("threshold", -0.01),
        ("threshold", 1.01),
        ("threshold", "0.5"),
        ("threshold", True),
        ("threshold", float("nan")),
        ("cvat", 2.6),
        ("cvat", "2"),
        ("cvat", "2.60.1"),
        ("model", ""),
        ("model", 5),
        ("labels", ""),
        ("labels", {}),
        ("postprocess", []),
        ("postprocess", "yolo"),
        ("preprocess", {"letterbox": 64}),
    ],
)
def test_values_of_keys_that_are_refused(refused: Refused, key: str, value: object) -> None:
    assert refused(**{key: value}).place == key


INJECTIONS = [
    "numpy==1; rm -rf /",
    "numpy==1 && id",
    "numpy==1\nUSER root",
    "numpy==$(id)",
    "numpy==`id`",
    "numpy==1|id",
    "numpy==1 --index-url=http://evil",
    "numpy==1'",
    'numpy==1"',
    "numpy==1\\",
    "--index-url=http://evil==1",
    "-r==1",
    "git+https://evil/x==1",
    "./local==1",
]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("pip", [text]) for text in INJECTIONS),
        ("pip", ["numpy"]),
        ("pip", ["numpy>=1"]),
        ("pip", ["numpy==1.*"]),
        ("pip", "numpy==1"),
        *(("apt", [text.replace("==", "=")]) for text in INJECTIONS[:10]),
        ("apt", ["-y"]),
        ("apt", ["--allow-unauthenticated"]),
        ("apt", ["lib gomp"]),
        ("base_image", "python:3.11\nRUN id"),
        ("base_image", "python:3.11 AS x"),
        ("base_image", "Python:3.11"),
        ("base_image", "$(id)"),
        ("base_image", "--platform=x"),
        ("base_image", ""),
        ("env", {"A B": "x"}),
        ("env", {"1A": "x"}),
        ("env", {"A=B": "x"}),
        ("env", {"A;id": "x"}),
        ("env", {"": "x"}),
        ("env", {"A": "it's"}),
        ("env", {"A": "'; rm -rf /; '"}),
        ("env", {"A": "x\ny"}),
        ("env", {"A": "x\ry"}),
        ("env", {"A": "x\x00y"}),
        ("env", {"A": 1}),
        ("env", {"A": True}),
        ("env", {"CVATBUILD_VARIANT": "gpu"}),
        ("env", ["A=b"]),
        ("event_timeout", 30),
        ("event_timeout", "30"),
        ("event_timeout", ""),
        ("event_timeout", "s"),
        ("event_timeout", "-30s"),
        ("event_timeout", "30 s"),
        # Nuclio refuses to start a function whose timeout is not above zero.
        ("event_timeout", "0s"),
        ("event_timeout", "0m0s"),
        ("readiness_timeout", 0),
        ("readiness_timeout", 3601),
        ("readiness_timeout", "180"),
        ("max_request_size", 33554432),
        ("max_request_size", "32 MiB"),
        ("max_request_size", "32M"),
        ("max_request_size", "0Mi"),
        ("max_request_size", "8191Ki"),
        ("max_request_size", "2Gi"),
        ("workers", 0),
        ("workers", 65),
        ("workers", "2"),
        ("workers", 2.0),
        ("workers", True),
        ("threads", -1),
        ("threads", 1025),
        ("port", 0),
        ("port", 65536),
        ("port", "80"),
        ("memory", "4 Gi"),
        ("memory", "4gb"),
        ("memory", "-1Gi"),
        ("memory", 4),
        ("memory", "4Gi --privileged"),
        ("cpu", 2),
        ("cpu", "two"),
        ("cpu", "1;id"),
        ("runtime", "tensorrt"),
    ],
)
def test_settings_that_are_refused(refused: Refused, key: str, value: object) -> None:
    problem = refused(variants={"cpu": {key: value}})
    assert problem.place.startswith(f"variants.cpu.{key}")


@pytest.mark.parametrize(
    ("key", "value"), [("cuda", 11), ("cuda", "12"), ("allow_cpu_fallback", "yes")]
)
def test_settings_of_the_gpu_variant_that_are_refused(
    refused: Refused, key: str, value: object
) -> None:
    assert refused(variants={"gpu": {key: value}}).place == f"variants.gpu.{key}"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pip", ["numpy==2.4.6", "opencv-python-headless==5.0.0.93", "a[b,c]==1!2.0+cu12"]),
        ("apt", ["libgl1", "g++", "libc6=2.36-9+deb12u4"]),
        ("env", {"A_1": "", "_B": 'a "b" $c \\ `d`', "C": "é"}),
        ("event_timeout", "1h"),
        ("event_timeout", "1h2m3s"),
        ("memory", "1.5Gi"),
        ("cpu", "500m"),
        ("base_image", "a.b/c:1@sha256:" + "0" * 64),
    ],
)
def test_valid_settings(read: Read, key: str, value: object) -> None:
    cpu = read(variants={"cpu": {key: value}}).manifest.variants.cpu
    found = getattr(cpu, key)
    assert (list(found) if isinstance(found, tuple) else found) == value


@pytest.mark.parametrize(
    ("section", "short", "step"),
    [
        ("postprocess", "nms", Nms(0.45, True, 300, 30000)),
        ("postprocess", {"nms": None}, Nms(0.45, True, 300, 30000)),
        ("postprocess", {"nms": {}}, Nms(0.45, True, 300, 30000)),
        ("postprocess", {"nms": 0.6}, Nms(0.6, True, 300, 30000)),
        ("postprocess", {"nms": 1}, Nms(1.0, True, 300, 30000)),
        ("postprocess", {"nms": {"iou": 0.6}}, Nms(0.6, True, 300, 30000)),
        ("postprocess", {"nms": {"per_class": False}}, Nms(0.45, False, 300, 30000)),
        ("postprocess", "top_k", TopK(100)),
        ("postprocess", {"top_k": 7}, TopK(7)),
        ("postprocess", "min_size", MinSize(4.0)),
        ("preprocess", "letterbox", Letterbox(None, 114, "center", None)),
        ("preprocess", {"letterbox": 640}, Letterbox(640, 114, "center", None)),
        ("preprocess", {"letterbox": [480, 640]}, Letterbox((480, 640), 114, "center", None)),
        (
            "preprocess",
            {"letterbox": {"fill": 0, "align": "top_left"}},
            Letterbox(None, 0, "top_left", None),
        ),
        ("preprocess", "resize", Resize(None)),
        ("preprocess", {"channels": "bgr"}, Channels("bgr")),
        ("preprocess", "normalize", Normalize(255.0, (0.0,), (1.0,))),
        ("preprocess", {"normalize": 1}, Normalize(1.0, (0.0,), (1.0,))),
        (
            "preprocess",
            {"normalize": {"mean": [1, 2, 3], "std": [0.5]}},
            Normalize(255.0, (1.0, 2.0, 3.0), (0.5,)),
        ),
    ],
)
def test_short_and_long_forms_of_steps(read: Read, section: str, short: Any, step: Step) -> None:
    entries = ["yolo", short, "rectangle"] if section == "postprocess" else [short]
    found = steps(read(**{section: entries}), section)
    assert found[1 if section == "postprocess" else 0] == step


@pytest.mark.parametrize(
    ("section", "entry", "path"),
    [
        ("preprocess", "yolo", "preprocess[0].yolo"),
        ("preprocess", {"letterbox": 0}, "preprocess[0].letterbox.size"),
        ("preprocess", {"letterbox": 16385}, "preprocess[0].letterbox.size"),
        ("preprocess", {"letterbox": [640]}, "preprocess[0].letterbox.size"),
        ("preprocess", {"letterbox": {"fill": 256}}, "preprocess[0].letterbox.fill"),
        ("preprocess", {"letterbox": {"align": "left"}}, "preprocess[0].letterbox.align"),
        ("preprocess", {"normalize": 0}, "preprocess[0].normalize.scale"),
        ("preprocess", {"normalize": {"mean": [1, 2]}}, "preprocess[0].normalize"),
        ("preprocess", {"normalize": {"mean": []}}, "preprocess[0].normalize"),
        ("preprocess", {"normalize": {"std": [0]}}, "preprocess[0].normalize.std[0]"),
        ("preprocess", {"channels": "RGB"}, "preprocess[0].channels.order"),
    ],
)
def test_fields_of_steps_that_are_refused(
    refused: Refused, section: str, entry: Any, path: str
) -> None:
    assert refused(**{section: [entry]}).place.startswith(path)
