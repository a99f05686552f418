"""`cvatbuild bench`."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from builder.cli import console, options


def bench(
    function: Annotated[
        Path, typer.Argument(metavar="FUNCTION", help="Directory of a built function.")
    ],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files.")],
    variant: Annotated[
        options.VariantOption | None,
        typer.Option(
            "--variant", help="Variant to measure.  [default: each that this machine can run]"
        ),
    ] = None,
    cpu_fallback: Annotated[
        bool,
        typer.Option("--cpu-fallback", help="Measure the GPU variant on the CPU without a GPU."),
    ] = False,
    repeat: Annotated[
        int,
        typer.Option(
            "--repeat", metavar="N", min=1, max=100_000, help="Measured requests per image."
        ),
    ] = 20,
    is_mixed: Annotated[
        bool, typer.Option("--mixed/--no-mixed", help="Also measure images of different sizes.")
    ] = True,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", min=0, help="Threshold to send.  [default: none]"),
    ] = None,
    pos: options.Pos = None,
    neg: options.Neg = None,
    box: options.Box = None,
    boxes: options.Boxes = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per variant and image.")
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="PNG file for a picture of the stages."),
    ] = None,
) -> None:
    """Measure the time of each stage of a request, and the memory of a built function.

    The medians and 95th percentiles exclude the first requests.
    """
    with console.errors_reported():
        from builder.cli import arguments
        from builder.run.bench import benchmark, chart
        from builder.run.bench.pictures import read
        from builder.run.predict.prediction import Prompts
        from builder.targets.built import built_variants, describe

        if plot is not None:
            chart.prepare(plot)
        variants = built_variants(function) if variant is None else (variant.value,)
        describe(function, next(iter(variants), "cpu"))
        prompts = Prompts(threshold, *arguments.parse_places(pos, neg, box), boxes)
        workload = benchmark.Workload([read(image) for image in images], prompts, repeat, is_mixed)
        results = []
        for name in variants:
            missing = "" if cpu_fallback else benchmark.missing_device(name)
            if missing and variant is None:
                hint = "--cpu-fallback runs it on the CPU"
                typer.echo(f"the {name} variant is not measured: {missing}; {hint}", err=True)
                continue
            with closing(console.counter(noun="rounds")) as counter:
                result = benchmark.measure(
                    function, name, workload, counter, cpu_fallback=cpu_fallback
                )
            results.append(result)
            if as_json:
                for line in result.as_json():
                    console.print_utf8(line)
            else:
                typer.echo(("\n" if len(results) > 1 else "") + result.as_text())
        if plot is not None and results:
            chart.save(results, plot)
            typer.echo(f"drawn: {plot}", err=True)
        if not results:
            raise typer.Exit(1)
