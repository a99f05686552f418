import pytest

from builder.deploy.causes import CAUSES, likely_cause

# Lines as the programs write them.
LOGS = {
    "Error response from daemon: client version 1.42 is too old. Minimum supported API version is "
    "1.44, please upgrade your client to a newer version": "API version 1.42",
    "permission denied while trying to connect to the Docker daemon socket": "engine",
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.": "engine",
    'docker: Error response from daemon: could not select device driver "" with capabilities: '
    "[[gpu]].": "Container Toolkit",
    "Bind for 0.0.0.0:20017 failed: port is already allocated.": "uses the port",
    'Service "nuclio-yolo" is invalid: spec.ports[0].nodePort: Invalid value: 30017: provided port '
    "is already allocated": "uses the port",
    "dial tcp: lookup quay.io on 10.0.0.2:53: no such host": "quay.io",
    "write /var/lib/docker/tmp/x: no space left on device": "disk is full",
    "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.": "another file",
    "ERROR: No matching distribution found for msgpack": "base image",
    "ERROR: No matching distribution found for onnxruntime-gpu==1.26.0": "onnxruntime-gpu==1.26.0",
    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed": "package index",
    "Failed to pull image: ErrImagePull": "cannot be pulled",
    "0/3 nodes are available: 3 Insufficient nvidia.com/mig-1g.10gb.": "nvidia.com/mig-1g.10gb",
    "0/3 nodes are available: 1 node(s) had untolerated taint {gpu: true}": "no node matches",
    "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version": "driver",
    "CUDA error: no kernel image is available for execution on the device": "no code for this GPU",
    "CUBLAS_STATUS_ALLOC_FAILED": "memory of the GPU",
    "State: Terminated, Reason: OOMKilled": "memory limit",
    "Wrapper process exited unexpectedly with: exit status 137": "memory limit",
    "the model file model.onnx is not the one that the function was built with": "model file",
    "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from a.onnx failed": "damaged",
    "ModuleNotFoundError: No module named 'nuclio_sdk'": "`python` and `python3`",
    "ModuleNotFoundError: No module named 'shapely.geometry'": "shapely.geometry",
    "ImportError: libGL.so.1: cannot open shared object file: No such file": "libGL.so.1",
    "the GPU variant cannot use a GPU: no CUDA device": "no CUDA device",
    "Project does not exist": "no project",
    "Container wasn't healthy in time": "did not start in time",
}


@pytest.mark.parametrize(("line", "expected"), LOGS.items())
def test_a_line_of_a_log_names_its_cause(line: str, expected: str) -> None:
    found = likely_cause("some other text", f"before\n{line}\nafter")
    assert found is not None
    assert expected in found[0]
    assert found[1]


def test_every_cause_has_an_example() -> None:
    whats = {likely_cause(line) for line in LOGS}
    assert len(whats) >= len(CAUSES)


def test_the_most_specific_cause_wins() -> None:
    text = "Container wasn't healthy in time\nModuleNotFoundError: No module named 'shapely'"
    found = likely_cause(text)
    assert found is not None
    assert "shapely" in found[0]


@pytest.mark.parametrize("text", ["", "INFO started", "GET /ready 200"])
def test_other_texts_have_no_cause(text: str) -> None:
    assert likely_cause(text) is None
