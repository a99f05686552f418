"""All checks of this machine, what a build needs first."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from builder.doctor import backends, cvat, disk, docker, nuctl, nvidia, python
from builder.doctor.check_result import CheckResult


def examine() -> Iterator[CheckResult]:
    """Yield the results of all checks, in a fixed order.

    The checks run at the same time, since they mostly wait for other programs.
    """
    checks = (
        python.check,
        *(partial(backends.check, module) for module in backends.modules()),
        *(nvidia.check, docker.check, nuctl.check, cvat.check, disk.check),
    )
    with ThreadPoolExecutor(len(checks)) as pool:
        for results in pool.map(lambda check: list(check()), checks):
            yield from results


def script(results: Iterable[CheckResult]) -> str:
    """Return the commands that fix what does not work, as lines of a shell script.

    What no command fixes is a comment. Nothing is run.
    """
    lines = []
    done: set[str] = set()
    for result in results:
        if result.severity == "ok":
            continue
        lines.append(f"# {result.subject}: {result.what}")
        new = [it for it in result.commands if it not in done]
        done.update(new)
        lines += new or [f"# {result.remedy}"]
    return "".join(f"{line}\n" for line in lines)
