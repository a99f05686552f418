"""Measures: one module per sort of annotation; see builder.evaluation.measure."""
