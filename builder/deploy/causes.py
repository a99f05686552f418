"""Likely causes of failed deployments, found in the output of programs and in containers' logs."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """A known cause.

    Attributes:
        sign: regular expression of a text that only this cause writes. Its groups fill `what`.
        what: the cause, in one sentence without a full stop.
        hint: what to do.
    """

    sign: str
    what: str
    hint: str


CAUSES = (
    Cause(
        r"client version ([\d.]+) is too old",
        "Nuclio's Docker client, of API version {0}, is too old for this Docker engine",
        "use a newer Nuclio, such as the 1.16 of newer CVAT releases; until then, set "
        '`"min-api-version": "1.24"` in /etc/docker/daemon.json and restart Docker',
    ),
    Cause(
        r"(?:permission denied while trying to connect to the Docker daemon|"
        r"Cannot connect to the Docker daemon)",
        "the Docker engine cannot be reached",
        "run `cvatbuild doctor`",
    ),
    Cause(
        r"could not select device driver .*gpu",
        "Docker cannot pass GPUs to containers: the NVIDIA Container Toolkit is missing",
        "install the NVIDIA Container Toolkit, then run `cvatbuild doctor`",
    ),
    Cause(
        r"(?:port is already allocated|address already in use|provided port is already)",
        "another program uses the port",
        "pass another one with --port, or end the other program",
    ),
    Cause(
        r"lookup (\S+) on \S+: no such host",
        "the registry {0} cannot be reached",
        "check the network, or pass --no-pull if the images are on this machine",
    ),
    Cause(
        r"no space left on device",
        "the disk is full",
        "remove unused images: docker image prune",
    ),
    Cause(
        r"DO NOT MATCH THE HASHES",
        "pip got another file than the one that was tested",
        "use an index with PyPI's own files; do not install the package otherwise",
    ),
    Cause(
        r"No matching distribution found for (?:msgpack|nuclio-sdk)",
        "the Python of the base image is not the one that Nuclio's wheels are for",
        "remove `base_image` from the manifest, or use an image with Python 3.11",
    ),
    Cause(
        r"No matching distribution found for (\S+)",
        "the package index has no wheel of {0} for this machine",
        "on an ARM machine, write `platform: arm64` in the manifest; with a mirror, check that it "
        "has the package",
    ),
    Cause(
        r"(?:CERTIFICATE_VERIFY_FAILED|Could not resolve host|Temporary failure in name resolution|"
        r"Network is unreachable|ProxyError|Cannot connect to proxy)",
        "the image build cannot reach the package index",
        "set the proxy, the mirror or the certificate under `sources` in the manifest",
    ),
    Cause(
        r"(?:ImagePullBackOff|ErrImagePull|pull access denied|manifest unknown)",
        "an image cannot be pulled",
        "check `kubernetes.registry`, `run_registry` and `pull_secret` in the manifest, and that "
        "the image was pushed",
    ),
    Cause(
        r"\d Insufficient ([\w./-]*\w)",
        "no node has enough {0} left",
        "lower `replicas` or limits, free the resource, or change `kubernetes.gpu_resource`",
    ),
    Cause(
        r"(?:didn't match Pod's node affinity/selector|had untolerated taint|"
        r"didn't tolerate)",
        "no node matches the function's node selector, affinity and tolerations",
        "compare them with `kubectl describe nodes`",
    ),
    Cause(
        r"(?:CUDA driver version is insufficient|cudaErrorInsufficientDriver|"
        r"unsupported toolchain|CUDA failure 35)",
        "the NVIDIA driver is too old for the CUDA version of the function",
        "update the driver, or write `cuda: 12` in the manifest; `cvatbuild doctor` names versions",
    ),
    Cause(
        r"(?:no kernel image is available|cudaErrorNoKernelImageForDevice|CUDA failure 209)",
        "the CUDA version of the function has no code for this GPU",
        "write another `cuda` in the manifest; `cvatbuild doctor` names the one for the GPU",
    ),
    Cause(
        r"(?:CUDA_ERROR_OUT_OF_MEMORY|CUDA out of memory|CUBLAS_STATUS_ALLOC_FAILED|"
        r"Failed to allocate memory for requested buffer|CUDA failure 2:)",
        "the memory of the GPU does not suffice",
        "write `workers: 1`, undeploy other functions that use the GPU, or use a smaller model",
    ),
    Cause(
        r"(?:OOMKilled|\boom-kill|MemoryError|std::bad_alloc|signal: killed|"
        r"exit(?:ed|\s+code|\s+status)?[ :=]*137)",
        "the memory limit of the container does not suffice",
        "raise `memory` in the manifest, or write `workers: 1`",
    ),
    Cause(
        r"is not the one that the function was built with",
        "a model file is not the one that the function was built with",
        "build the function again, and deploy the directory that cvatbuild writes",
    ),
    Cause(
        r"(?:INVALID_PROTOBUF|Protobuf parsing failed|Unable to read the model)",
        "a model file is damaged",
        "build the function again",
    ),
    Cause(
        r"No module named '?(nuclio_sdk|msgpack)",
        "the module {0} is missing: `python` and `python3` of the base image are not the same",
        "remove `base_image` from the manifest",
    ),
    Cause(
        r"No module named '?([\w.]+)",
        "the Python module {0} is missing in the image",
        "add its package to `pip` in the manifest",
    ),
    Cause(
        r"(lib[\w.+-]+\.so[.\d]*): cannot open shared object file",
        "the library {0} is missing in the image",
        "add its Debian package to `apt` in the manifest",
    ),
    Cause(
        r"cannot use a GPU: ([^|\n\"]+)",
        "the function cannot use a GPU: {0}",
        "run `cvatbuild doctor`, or deploy the CPU variant",
    ),
    Cause(
        r"Project does not exist",
        "Nuclio has no project of this name",
        "nuctl create project cvat",
    ),
    Cause(
        r"(?:wasn't healthy in time|wasn't ready in time|context deadline exceeded)",
        "the function did not start in time",
        "raise `readiness_timeout` in the manifest",
    ),
)
"""The causes, the most specific first."""


def likely_cause(*texts: str) -> tuple[str, str] | None:
    """Return the first cause whose sign is in one of the texts.

    Args:
        texts: output of programs and logs.

    Returns:
        What is wrong, and what to do; None if no sign was found.
    """
    for cause in CAUSES:
        for text in texts:
            found = re.search(cause.sign, text, re.IGNORECASE)
            if found:
                return cause.what.format(*found.groups()), cause.hint
    return None
