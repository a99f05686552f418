"""The limits of --fail-under."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from builder.diagnostics.errors import CommandLineError
from builder.diagnostics.problem import Problem
from builder.diagnostics.text import did_you_mean
from builder.evaluation.evaluation import Evaluation
from builder.evaluation.measures.clicks import LIMIT, TARGETS


@dataclass(frozen=True, slots=True)
class Limit:
    """The least value of a metric."""

    metric: str
    least: float


def limits_of(given: Sequence[str]) -> tuple[Limit, ...]:
    """Parse the values of --fail-under, each `METRIC=VALUE`.

    Raises:
        CommandLineError: a value is not of this form.
    """
    return tuple(_limit(text) for text in given)


def require_reachable(limits: Iterable[Limit], metrics: Iterable[str]) -> None:
    """Check that all limits are on metrics that exist and that can reach them.

    Raises:
        CommandLineError: a metric is unknown, or a limit is above its highest value.
    """
    known = list(metrics)
    for limit in limits:
        if limit.metric not in known:
            raise CommandLineError(
                Problem(
                    "--fail-under names an unknown metric",
                    found=limit.metric,
                    allowed=", ".join(known),
                    hint=did_you_mean(limit.metric, known),
                )
            )
        # All metrics are fractions, except the numbers of clicks.
        highest = LIMIT if limit.metric in TARGETS else 1
        if limit.least > highest:
            is_percent = highest == 1 and limit.least <= 100
            raise CommandLineError(
                Problem(
                    "--fail-under is above the highest value of the metric",
                    found=f"{limit.metric}={limit.least:g}",
                    allowed=f"at most {highest}",
                    hint=f"write {limit.metric}={limit.least / 100:g}" if is_percent else "",
                )
            )


def violations(limits: Iterable[Limit], evaluation: Evaluation) -> list[str]:
    """Return one sentence for each limit that an evaluation does not reach.

    A metric that is not defined reaches no limit.
    """
    found = []
    for limit in limits:
        value = evaluation.result.metrics[limit.metric]
        if value is None or value < limit.least:
            name = f"{evaluation.function} ({evaluation.variant})"
            shown = "not defined" if value is None else f"{value:.4f}"
            found.append(f"{name}: {limit.metric} is {shown}, below {limit.least:g}")
    return found


def _limit(text: str) -> Limit:
    """Parse one value.

    Raises:
        CommandLineError: it is not METRIC=VALUE.
    """
    name, _, value = text.partition("=")
    try:
        least = float(value)
    except ValueError:
        least = math.nan
    if not name or not math.isfinite(least):
        raise CommandLineError(
            Problem(
                "--fail-under needs a metric and a number",
                found=text,
                allowed="METRIC=VALUE",
                hint="for example --fail-under map50=0.6",
            )
        )
    return Limit(name.strip(), least)
