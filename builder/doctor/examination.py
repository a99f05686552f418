"""All checks, in the order in which a person would go about it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from builder.doctor import backends, disk, docker, nuctl, nvidia, python
from builder.doctor.finding import Finding


def examine() -> Iterator[Finding]:
    """Everything that is found, in the order of the checks.

    Most of the time is spent waiting for other programs, so the checks run at once.
    """
    checks = (
        python.check,
        *(partial(backends.check, module) for module in backends.modules()),
        *(nvidia.check, docker.check, nuctl.check, disk.check),
    )
    with ThreadPoolExecutor(len(checks)) as pool:
        for findings in pool.map(lambda check: list(check()), checks):
            yield from findings
