"""All checks of this machine, what a build needs first."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from builder.doctor import backends, disk, docker, nuctl, nvidia, python
from builder.doctor.check_result import CheckResult


def examine() -> Iterator[CheckResult]:
    """Yield the results of all checks, in a fixed order.

    The checks run at the same time, since they mostly wait for other programs.
    """
    checks = (
        python.check,
        *(partial(backends.check, module) for module in backends.modules()),
        *(nvidia.check, docker.check, nuctl.check, disk.check),
    )
    with ThreadPoolExecutor(len(checks)) as pool:
        for results in pool.map(lambda check: list(check()), checks):
            yield from results
