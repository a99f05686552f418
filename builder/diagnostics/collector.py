"""The collector of a manifest's diagnostics."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from builder.diagnostics.errors import CvatbuildError
from builder.diagnostics.path import Path_, is_within
from builder.diagnostics.problem import Problem


class Diagnostics:
    """Collects the problems of one manifest, and drops follow-up problems.

    After an error the stages go on with a replacement for the invalid value. They report the
    location with `recover`. A problem at or below a recovered location comes from the replacement,
    so it is dropped here; no stage has to filter its own problems.
    """

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._recovered: set[Path_] = set()
        self._incomplete: set[Path_] = set()

    def add(self, problems: Iterable[Problem], *, whole: bool = False) -> None:
        """Add problems, except those that follow from a recovered value.

        Args:
            problems: what was found.
            whole: whether each problem judges everything below its location, so that a recovered
                value below it makes it doubtful, too.
        """
        self._problems += [it for it in problems if not self._is_follow_up(it, whole)]

    def add_lint(self, problems: Iterable[Problem]) -> None:
        """Add the problems of lint rules, except under keys in which errors were found before."""
        failed = {
            it.path[:1]
            for it in self._problems
            if it.rule and it.rule.stops_lint and not self.is_recovered(it.path)
        }
        blocked = failed | self._incomplete
        self.add(it for it in problems if not any(is_within(it.path, above) for above in blocked))

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Add the problems of a CvatbuildError that ends the block."""
        try:
            yield
        except CvatbuildError as error:
            self.add(error.problems)

    def recover(self, path: Path_) -> None:
        """Note that the value at `path` was replaced or left out."""
        self._recovered.add(path)

    def mark_incomplete(self, path: Path_) -> None:
        """Note that a list of steps lacks a step, so that the list as a whole cannot be judged."""
        self._incomplete.add(path)

    def is_recovered(self, path: Path_) -> bool:
        """Whether the value at `path`, or one above it, was recovered."""
        return any(is_within(path, above) for above in self._recovered)

    def is_affected(self, path: Path_, depth: int | None = None) -> bool:
        """Whether a value was recovered at `path`, above it, or up to `depth` keys below it.

        Args:
            path: the location.
            depth: None stands for any depth.
        """
        return self.is_recovered(path) or any(
            is_within(it, path) and (depth is None or len(it) <= len(path) + depth)
            for it in self._recovered
        )

    def in_order(self, file: Path) -> tuple[Problem, ...]:
        """Errors, then warnings, in the order of `file`'s lines; then those of other files."""
        return tuple(
            sorted(
                self._problems,
                key=lambda it: (not it.is_error, it.file != file, it.line, it.column),
            )
        )

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems in the order in which they were added."""
        return tuple(self._problems)

    @property
    def has_errors(self) -> bool:
        """Whether a problem is an error."""
        return any(it.is_error for it in self._problems)

    def _is_follow_up(self, problem: Problem, whole: bool) -> bool:
        """Whether a problem comes from a replacement and not from the manifest."""
        depends_on = problem.rule.depends_on if problem.rule else None
        return (
            self.is_recovered(problem.path)
            or problem.path in self._incomplete
            or (whole and self.is_affected(problem.path))
            or (depends_on is not None and self.is_affected((depends_on,)))
        )
