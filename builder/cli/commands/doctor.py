"""`cvatbuild doctor`."""

import typer

from builder.cli import console, options


def doctor(as_json: options.Json = False) -> None:
    """Check what works on this machine, and how to fix the rest."""
    with console.errors_reported():
        from builder.doctor.examination import examine

        with console.progress().step("checking this machine"):
            findings = list(examine())
        for finding in findings:
            console.print_utf8(finding.as_json()) if as_json else console.print_finding(finding)
        if any(finding.severity == "error" for finding in findings):
            raise typer.Exit(1)
