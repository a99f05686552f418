"""`cvatbuild evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli import console, options

if TYPE_CHECKING:
    from builder.evaluation.measure import Measure


def evaluate(
    function: Annotated[
        Path, typer.Argument(metavar="FUNCTION", help="Directory of a built function.")
    ],
    dataset: options.Dataset,
    images: options.Images = None,
    variant: Annotated[
        list[options.VariantOption] | None,
        typer.Option(
            "--variant", help="Variant to run; repeatable.  [default: cpu if it was built]"
        ),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option("--compare", metavar="FUNCTION", help="Evaluate another function as well."),
    ] = None,
    label_map: options.Map = None,
    measure: Annotated[
        str | None,
        typer.Option(
            "--measure",
            metavar="NAME",
            help="What is compared, such as boxes or masks.  [default: by labels and annotations]",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold", min=0, max=1, help="Lowest confidence to evaluate.  [default: 0.001]"
        ),
    ] = None,
    sigma: Annotated[
        float | None,
        typer.Option("--sigma", min=0.001, help="Sigma of OKS.  [default: COCO's, or 0.05]"),
    ] = None,
    store: options.Store = None,
    fail_under: options.FailUnder = None,
    write_threshold: Annotated[
        Path | None,
        typer.Option(
            "--write-threshold",
            metavar="MANIFEST",
            help="Write the threshold with the best F1 into the manifest of FUNCTION.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="DIR", help="Directory for a report with pictures."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per evaluated variant.")
    ] = False,
) -> None:
    """Measure the accuracy of a built function on labeled images."""
    with console.errors_reported():
        from builder.cli import arguments
        from builder.datasets.registry import open_dataset
        from builder.evaluation import manifest_threshold as manifests
        from builder.evaluation.evaluate import Options
        from builder.evaluation.evaluate import evaluate as run
        from builder.evaluation.limits import limits_of, require_reachable, violations
        from builder.evaluation.text import as_json as json_of
        from builder.evaluation.text import as_text, difference
        from builder.targets.built import describe

        limits = limits_of(fail_under or ())

        def check_limits(started: "Measure") -> None:
            require_reachable(limits, started.result().metrics)

        if write_threshold:
            manifests.require_manifest_of(write_threshold, function)
        pairs = tuple(label_map or ())
        chosen = Options(pairs, measure, threshold, sigma, store, pictures=html is not None)
        evaluations = []
        runs = [
            (folder, name)
            for folder in ((function, compare) if compare else (function,))
            for name in arguments.built_variants_of(folder, variant or ())
        ]
        for folder, name in runs:
            describe(folder, name)
        if html:
            arguments.require_output_directory("--html", html)
        with open_dataset(dataset, images) as opened:
            for folder, name in runs:
                counter = console.counter(f"{folder} ({name})", "samples")
                try:
                    done = run(folder, name, opened, chosen, counter, check_limits)
                except KeyboardInterrupt:
                    counter.stopped()
                    raise
                evaluations.append(done)
                if as_json:
                    console.print_utf8(json_of(done))
                else:
                    typer.echo(("\n" if len(evaluations) > 1 else "") + as_text(done))
        for other in evaluations[1:] if not as_json else ():
            typer.echo("\n" + difference(evaluations[0], other))
        if html:
            from builder.evaluation.report.page import write_report

            typer.echo(f"wrote {write_report(html, evaluations)}", err=True)
        best = evaluations[0].result.metrics.get("best_threshold")
        if write_threshold and best is None:
            typer.echo("error: there is no best threshold to write", err=True)
            raise typer.Exit(1)
        if write_threshold and best is not None:
            manifests.write_threshold(write_threshold, best)
            typer.echo(f"wrote threshold {best:g} to {write_threshold}; build it again", err=True)
        missed = [text for done in evaluations for text in violations(limits, done)]
        for text in missed:
            typer.echo(f"error: {text}", err=True)
        if missed:
            raise typer.Exit(1)
