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
        list[options.VariantOption] | None,
        typer.Option(
            "--variant",
            help="Variant to measure; repeatable. Without a GPU, the GPU variant runs on the CPU.  "
            "[default: each whose device this machine has]",
        ),
    ] = None,
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
        wanted = arguments.selected_variants(variant)
        variants = wanted if variant else built_variants(function)
        for name in variants or wanted:
            describe(function, name)
        prompts = Prompts(threshold, *arguments.parse_places(pos, neg, box), boxes)
        workload = benchmark.Workload([read(image) for image in images], prompts, repeat, is_mixed)
        results = []
        for name in variants:
            missing = "" if variant else benchmark.missing_device(name)
            if missing:
                hint = f"--variant {name} measures it on the CPU"
                typer.echo(f"the {name} variant is not measured: {missing}; {hint}", err=True)
                continue
            if variant and (missing := benchmark.missing_device(name)):
                console.print_fallback(missing)
            with closing(console.counter(noun="rounds")) as counter:
                result = benchmark.measure(function, name, workload, counter)
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
