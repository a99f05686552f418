"""Measure how many small faults in runtimes/ the tests notice.

    pip install cosmic-ray
    python benchmarks/mutation.py [--sample 400] [--seed 0] [MODULE...]

Takes a random sample of the mutants of the modules (see benchmarks/mutants.py), and runs the quick
tests of the mutated module against each, in a copy of the repository, until one fails. A mutant is
caught if a test fails or the tests take too long. Each result is appended to a JSON-lines file;
mutants with a result in it are not run again, except survivors with `--again`.

benchmarks/mutation_equivalents.yaml lists mutants that behave as the original, with the reason.
They are not run, and not counted. The last line printed is the share of the others that is caught.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Lock

import yaml

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.mutants import Mutant, change, mutants

ROOT = Path(__file__).parent.parent
EQUIVALENTS = ROOT / "benchmarks" / "mutation_equivalents.yaml"

MODULES = (
    "runtimes/decoders",
    "runtimes/preprocess",
    "runtimes/refine",
    "runtimes/shapes",
    *(
        f"runtimes/{name}.py"
        for name in (
            "contours",
            "geometry",
            "instances",
            "masks",
            "rle",
            "rotated",
            "skeletons",
            "state",
            "stretch",
            "tracked",
        )
    ),
)
"""Modules and packages that are mutated by default."""

MORE_TESTS = {
    "runtimes/decoders/yolo.py": ("tests/runtimes/decoders/test_yolo_tasks.py",),
    "runtimes/decoders/yolo_end2end.py": (
        "tests/runtimes/decoders/test_yolo.py",
        "tests/runtimes/decoders/test_yolo_tasks.py",
    ),
    "runtimes/decoders/yolo_objectness.py": ("tests/runtimes/decoders/test_yolo.py",),
    "runtimes/decoders/saliency.py": ("tests/runtimes/decoders/test_semantic.py",),
    "runtimes/refine/suppress.py": ("tests/runtimes/refine/test_suppress_rotated.py",),
    "runtimes/shapes/rectangle.py": ("tests/runtimes/shapes/test_ellipse.py",),
}
"""Module -> the test files that it has beside its own, tests/runtimes/x/test_y.py."""

MEMORY = 8 * 2**30
"""Bytes of address space for the tests of one mutant."""

Key = tuple[str, str, str, str]
"""Module, definition, removed and added lines: identifies a mutant while other code changes."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the tests found."""

    module: str
    definition: str
    removed: str
    added: str
    operator: str
    line: int
    outcome: str
    """`killed`, `timeout`, `survived` or `equivalent`."""
    seconds: float = 0
    reason: str = ""
    """Why an equivalent mutant behaves as the original."""

    @property
    def key(self) -> Key:
        """See Key."""
        return self.module, self.definition, self.removed, self.added

    def __str__(self) -> str:
        name = f"{self.module}:{self.line} {self.definition} [{self.operator}]"
        lines = [f"- {line}" for line in self.removed.splitlines()]
        lines += [f"+ {line}" for line in self.added.splitlines()]
        return "\n    ".join([name, *lines, *([self.reason] if self.reason else [])])


def sources(root: Path, names: list[str]) -> Iterator[str]:
    """Yield the paths of all modules in files and packages, except `__init__.py`."""
    for name in names:
        path = root / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            if file.name != "__init__.py":
                yield file.relative_to(root).as_posix()


def tests(module: str) -> list[str]:
    """Return the test files of a module."""
    path = Path("tests", module)
    own = path.with_name(f"test_{path.name}").as_posix()
    return [own, *MORE_TESTS.get(module, ())]


def sample(originals: dict[str, str], count: int, seed: int) -> Iterator[tuple[Mutant, str]]:
    """Yield `count` mutants of modules with their source, each with the same probability."""
    every = [mutant for module, source in originals.items() for mutant in mutants(module, source)]
    print(f"{len(every)} mutants in {len(originals)} modules, seed {seed}", flush=True)
    random.Random(seed).shuffle(every)  # noqa: S311
    for mutant in every:
        if count <= 0:
            return
        source = mutant.source(originals[mutant.module])
        if source is not None:
            count -= 1
            yield mutant, source


def equivalents() -> dict[Key, str]:
    """Return the listed mutants that behave as the original, and why."""
    listed = yaml.safe_load(EQUIVALENTS.read_text("utf-8")) if EQUIVALENTS.exists() else None
    return {
        (module, definition, entry["line"], added): entry["reason"]
        for module, definitions in (listed or {}).items()
        for definition, entries in definitions.items()
        for entry in entries
        for added in entry["becomes"]
    }


class Copy:
    """A copy of the repository whose modules are mutated, for one job at a time."""

    def __init__(self, folder: Path) -> None:
        """Copy what the tests need."""
        self.root = folder
        self.serial = 0
        ignored = shutil.ignore_patterns("__pycache__", ".hypothesis")
        for name in ("builder", "runtimes", "tests", "manifests"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", folder)

    def write(self, module: str, source: str) -> None:
        """Replace a module.

        Its modification time, by which Python recognizes stale bytecode, is one second later each
        time.
        """
        self.serial += 1
        path = self.root / module
        path.write_text(source, "utf-8")
        os.utime(path, (self.serial, self.serial))

    def run(self, module: str, source: str, limit: float | None) -> tuple[str, float]:
        """Run the tests of a module with another source; return outcome and seconds."""
        original = (self.root / module).read_text("utf-8")
        shutil.rmtree(self.root / ".hypothesis", ignore_errors=True)
        self.write(module, source)
        arguments = ["-q", "-x", "-p", "no:cacheprovider", "--hypothesis-seed=0", *tests(module)]
        start = time.monotonic()
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "pytest", *arguments],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": ""},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
        )
        try:
            outcome = "killed" if process.wait(limit) else "survived"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            outcome = "timeout"
        finally:
            self.write(module, original)
        return outcome, time.monotonic() - start


class Bench:
    """Copies of the repository, one for each job; sources; time limits; the file of results."""

    def __init__(self, folder: Path, jobs: int, file: Path, names: list[str]) -> None:
        self.file = file
        self.lock = Lock()
        self.copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(jobs):
            copy = Copy(folder / str(number))
            self.copies.put(copy)
        # The checkout may change during the run.
        modules = sources(copy.root, names)
        self.originals = {it: (copy.root / it).read_text("utf-8") for it in modules}
        self.limits: dict[str, float] = {}

    def measure(self, module: str) -> None:
        """Run the tests of an unchanged module, and set the time limit for its mutants.

        Raises:
            SystemExit: a test fails without any mutation.
        """
        copy = self.copies.get()
        outcome, seconds = copy.run(module, self.originals[module], None)
        self.copies.put(copy)
        if outcome != "survived":
            raise SystemExit(f"the tests of the unchanged {module} fail: {tests(module)}")
        self.limits[module] = 10 + 5 * seconds

    def key(self, mutant: Mutant, source: str) -> Key:
        """Return the key of a mutant with its source."""
        return mutant.module, mutant.definition, *change(self.originals[mutant.module], source)

    def judge(self, mutant: Mutant, source: str, known: dict[Key, str]) -> Result:
        """Run the tests of a mutated module, unless the mutant is equivalent; store the result."""
        key = self.key(mutant, source)
        outcome, seconds, reason = "equivalent", 0.0, known.get(key, "")
        if key not in known:
            copy = self.copies.get()
            outcome, seconds = copy.run(mutant.module, source, self.limits[mutant.module])
            self.copies.put(copy)
        result = Result(*key, mutant.operator, mutant.line, outcome, round(seconds, 2), reason)
        with self.lock, self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(result)) + "\n")
        return result


def read(file: Path) -> dict[Key, Result]:
    """Return the last result of each mutant in a file."""
    if not file.exists():
        return {}
    found = (Result(**json.loads(line)) for line in file.read_text("utf-8").splitlines())
    return {result.key: result for result in found}


def report(results: list[Result]) -> None:
    """Print the counts, the equivalent mutants with reasons, the survivors, and the rate."""
    for outcome in ("equivalent", "survived"):
        print(f"\n{outcome}:")
        for result in results:
            if result.outcome == outcome:
                print(result)
    counts = Counter(result.outcome for result in results)
    judged = len(results) - counts["equivalent"]
    caught = counts["killed"] + counts["timeout"]
    print(
        f"\n{len(results)} mutants: {counts['killed']} killed, {counts['timeout']} timeouts, "
        f"{counts['survived']} survived, {counts['equivalent']} equivalent"
    )
    print(f"{caught} of {judged} caught: {caught / max(judged, 1):.1%}")


def main() -> None:
    """Run the sample and print the report."""
    parser = argparse.ArgumentParser(description="Mutation test of runtimes/.")
    parser.add_argument("modules", nargs="*", default=MODULES, metavar="MODULE")
    parser.add_argument("--sample", type=int, default=400, help="number of mutants")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="run the survivors of RESULTS again")
    parser.add_argument("--results", type=Path, help="default: out/mutation-SEED.jsonl")
    options = parser.parse_args()
    file = options.results or ROOT / "out" / f"mutation-{options.seed}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    known, done = equivalents(), read(file)
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        bench = Bench(Path(folder), options.jobs, file, options.modules)
        todo = []
        for mutant, source in sample(bench.originals, options.sample, options.seed):
            key = bench.key(mutant, source)
            old = done.get(key)
            if old and key not in known and not (old.outcome == "survived" and options.again):
                results.append(old)
            else:
                todo.append((mutant, source))
        for module in sorted({mutant.module for mutant, _ in todo}):
            bench.measure(module)
        waiting = [pool.submit(bench.judge, *it, known) for it in todo]
        for number, future in enumerate(waiting, 1):
            result = future.result()
            results.append(result)
            if result.outcome == "survived":
                print(f"{number}/{len(waiting)} {result}", flush=True)
    report(results)


if __name__ == "__main__":
    main()
