"""Run both sides over the images, and add up the differences."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from builder.diagnostics.errors import BuiltError, CommandLineError
from builder.diagnostics.problem import Problem
from builder.diagnostics.progress import Counter
from builder.evaluation.measure import Unanswered
from builder.evaluation.parity.measures import Limits
from builder.evaluation.parity.pictures import File, files_of, pictures
from builder.evaluation.parity.reference import Reference
from builder.evaluation.parity.report import Report, joined
from builder.evaluation.parity.side import SIDES, Side
from builder.evaluation.parity.tally import Tally
from builder.manifest.variants import VariantName
from builder.run.predict import check_prompts
from builder.run.predict.prediction import Prompts
from builder.run.process import FunctionProcess
from builder.targets.built import built_variants


@dataclass(frozen=True, slots=True)
class Subject:
    """A variant of a built function.

    Attributes:
        folder: the function's directory, as the user named it.
        variant: the variant to run; it may run on another device, see FunctionProcess.
    """

    folder: Path
    variant: VariantName


def subjects_of(
    function: Path, variant: VariantName | None, against: Path | None, reference: Path | None
) -> tuple[Subject, Subject | Path]:
    """Return the two sides that the options of the command line name.

    Args:
        function: a function's directory.
        variant: the value of --variant.
        against: the directory of another function.
        reference: the file of a reference.

    Raises:
        CommandLineError: the options cannot be combined, or the function has one variant only.
    """
    if against is not None and reference is not None:
        what = "--against and --reference cannot be combined"
        raise CommandLineError(Problem(what, hint="compare one after the other"))
    built = built_variants(function)
    if against is None and reference is None:
        if variant is not None:
            what = "--variant needs --against or --reference"
            hint = "without them, the variants cpu and gpu are compared"
            raise CommandLineError(Problem(what, found=f"--variant {variant}", hint=hint))
        if len(built) == 1:
            what = "there is nothing to compare with: the function has one variant"
            hint = "build both variants, or pass --against OTHER or --reference FILE"
            raise CommandLineError(Problem(what, file=function, found=built[0], hint=hint))
        return Subject(function, "cpu"), Subject(function, "gpu")
    first = Subject(function, variant or _first(built))
    if reference is not None:
        return first, reference
    assert against is not None
    return first, Subject(against, variant or _first(built_variants(against)))


def _first(built: Sequence[VariantName]) -> VariantName:
    """Return the variant to run of those that were built; cpu if there is none."""
    return next(iter(built), "cpu")


def compare_functions(
    one: Subject,
    other: Subject,
    images: Sequence[Path],
    prompts: Prompts,
    limits: Limits,
    counter: Counter,
) -> Report:
    """Compare the replies of two functions of the same type.

    Args:
        one, other: the functions.
        images: image files and folders.
        prompts: the options of the command line, for both sides.
        limits: the differences that are accepted.
        counter: shows the progress.

    Raises:
        CommandLineError: an image cannot be read, or a prompt is missing or not accepted.
        BuiltError: a function does not start, they are of different types, or a process ends.
    """
    files = files_of(images)
    with ExitStack() as stack:
        # Both processes load their models at the same time.
        started = [
            stack.enter_context(
                closing(
                    FunctionProcess(it.folder, it.variant, allow_fallback=True, low_memory=True)
                )
            )
            for it in (one, other)
        ]
        types = [function.type for function in started]
        if types[0] != types[1]:
            what = f"is of type {types[1]}; only functions of the same type can be compared"
            raise BuiltError(Problem(what, file=other.folder, found=f"{one.folder}: {types[0]}"))
        check_prompts(types[0], prompts)
        first, second = (
            SIDES[types[0]](name, function, prompts)
            for name, function in zip(_names(one, other), started, strict=True)
        )
        for function in started:
            function.wait_until_started()
        tally = _tally((first, second), files, first.IMAGES, limits, counter)
        notes = (first.description, second.description, *first.notes)
        notes += _other_types((first.name, second.name), tally)
    return Report(str(one.folder), (first.name, second.name), notes, tally)


def compare_reference(
    subject: Subject,
    file: Path,
    images: Sequence[Path],
    prompts: Prompts,
    limits: Limits,
    counter: Counter,
) -> Report:
    """Compare the replies of a detector with saved answers; see compare_functions.

    Images without an answer are left out, and counted in the notes.

    Args:
        subject: the function.
        file: see builder.evaluation.parity.reference.
        images, prompts, limits, counter: see compare_functions. Without a threshold, the one of
            the file is sent.

    Raises:
        CommandLineError: see compare_functions; or the file has no answer for any image.
        DatasetError: the file is invalid.
        BuiltError: see compare_functions; or the function is not a detector.
    """
    files = files_of(images)
    with FunctionProcess(subject.folder, subject.variant, allow_fallback=True) as function:
        if function.type != "detector":
            what = f"is of type {function.type}; --reference compares detectors"
            hint = "compare two functions with --against"
            raise BuiltError(Problem(what, file=subject.folder, hint=hint))
        check_prompts(function.type, prompts)
        reference = Reference(file, function.labels)
        known = [it for it in files if reference.has(it)]
        if not known:
            what = "has no answer for any of the images"
            allowed = joined(reference.unused)
            raise CommandLineError(Problem(what, file=file, found=files[0].name, allowed=allowed))
        if prompts.threshold is None:
            prompts = Prompts(threshold=reference.threshold)
        side = SIDES["detector"](subject.variant, function, prompts)
        tally = _tally((side, reference), known, side.IMAGES, limits, counter)
        notes = [side.description, reference.description]
    absent = [it.name for it in files if not reference.has(it)]
    if absent:
        notes.append(f"images without an answer in {file}, left out: {joined(absent)}")
    if reference.unused:
        notes.append(f"answers in {file} without an image, left out: {joined(reference.unused)}")
    return Report(str(subject.folder), (side.name, reference.name), tuple(notes), tally)


def _tally(
    sides: tuple[Side, Side],
    files: Sequence[File],
    together: int,
    limits: Limits,
    counter: Counter,
) -> Tally:
    """Ask both sides for all images; `together` of them are one request.

    Raises:
        CommandLineError: there are too few or too many images, or one cannot be read.
        BuiltError: a function gives no HTTP response.
    """
    if len(files) % together:
        what, found = "functions of type reid compare two images", f"{len(files)} images"
        raise CommandLineError(Problem(what, found=found, allowed="IMAGE IMAGE --boxes FILE"))
    tally = Tally(limits, sides[0].threshold)
    total = len(files) // together
    for done, picture in enumerate(pictures(files, together), 1):
        try:
            one, other = (side(picture) for side in sides)
        except Unanswered as reason:
            tally.add_failure(picture.name, str(reason))
        else:
            tally.add(picture.name, one, other)
        counter.show(done, total)
    counter.close()
    return tally


def _other_types(names: tuple[str, str], tally: Tally) -> tuple[str, ...]:
    """Return notes about labels whose items differ in type, so that they cannot be paired."""
    return tuple(
        f"items of the types {one} ({names[0]}) and {other} ({names[1]}) cannot be paired: "
        "compare functions that return the same shapes"
        for one, other in tally.other_types()
    )


def _names(one: Subject, other: Subject) -> tuple[str, str]:
    """Return names that tell two functions apart."""
    if one.folder == other.folder:
        return one.variant, other.variant
    if one.folder.name != other.folder.name:
        return one.folder.name, other.folder.name
    return str(one.folder), str(other.folder)
