"""All checks, in the order in which a person would go about it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from builder.doctor import disk, docker, nuctl, nvidia, onnxruntime, openvino, python
from builder.doctor.finding import Finding

_CHECKS = (python, openvino, onnxruntime, nvidia, docker, nuctl, disk)


def examine() -> Iterator[Finding]:
    """Everything that is found, in the order of the checks.

    Most of the time is spent waiting for other programs, so the checks run at once.
    """
    with ThreadPoolExecutor(len(_CHECKS)) as pool:
        for findings in pool.map(lambda module: list(module.check()), _CHECKS):
            yield from findings
