"""The figures of a detector: metrics, tables and charts."""

from collections.abc import Sequence

import numpy as np

from builder.evaluation.average_precision import RECALLS, Detections
from builder.evaluation.evaluation import Chart, Line, Table, Value
from builder.evaluation.figures import figure, mean_figure
from builder.evaluation.matching import AREAS
from builder.evaluation.operating_points import LINES, OperatingPoints, f1_chart

_COLUMNS = (
    "annotations",
    "map50",
    "map50_95",
    "precision",
    "recall",
    "best_threshold",
    "best_f1",
)


class DetectionFigures:
    """The figures of all images together."""

    def __init__(
        self, names: Sequence[str], detections: Detections, points: OperatingPoints
    ) -> None:
        """Compute the average precision.

        Args:
            names: the labels.
            detections: of all images.
            points: of all images.
        """
        self._names = names
        self._detections = detections
        self._points = points
        precisions = [detections.precision(number) for number in range(len(names))]
        # (labels, areas, thresholds, 101) and (labels, thresholds)
        self._curves = np.array([it.curves for it in precisions])
        self._recalls = np.array([it.recall[0] for it in precisions])

    def metrics(self, limit: int) -> dict[str, float | None]:
        """Return the metrics.

        Args:
            limit: the most detections per label and image.
        """
        own, best = self._points.own(), self._points.best()
        return {
            "map50_95": mean_figure(self._curves[:, 0]),
            "map50": mean_figure(self._curves[:, 0, 0]),
            "map75": mean_figure(self._curves[:, 0, 5]),
            f"recall_at_{limit}": mean_figure(self._recalls),
            "precision": figure(own.precision),
            "recall": figure(own.recall),
            "f1": figure(own.f1),
            "threshold": own.threshold,
            "best_threshold": best.threshold if best else None,
            "best_f1": best.f1 if best else None,
        }

    def per_label(self) -> Table:
        """Return a row for each label."""
        rows = {name: self._row(number) for number, name in enumerate(self._names)}
        return Table("per_class", "Per label", _COLUMNS, rows)

    def per_size(self) -> Table:
        """Return a row for each of COCO's areas."""
        rows: dict[str, tuple[Value, ...]] = {
            name: (
                int(self._detections.truths[:, number].sum()),
                mean_figure(self._curves[:, number, 0]),
                mean_figure(self._curves[:, number]),
            )
            for number, name in enumerate(AREAS)
            if name != "all"
        }
        return Table("per_size", "Per size", _COLUMNS[:3], rows)

    def charts(self) -> tuple[Chart, ...]:
        """Return precision over recall and F1 over the threshold."""
        order = np.argsort(-self._detections.truths[:, 0], kind="stable")
        shown = [it for it in order.tolist() if self._detections.truths[it, 0]][:LINES]
        at50 = self._curves[:, 0, 0]
        with np.errstate(invalid="ignore"):
            every = np.nan_to_num(np.nanmean(at50, axis=0)) if shown else np.zeros(len(RECALLS))
        recalls = tuple(RECALLS.tolist())
        return (
            Chart(
                "Precision over recall at overlap 0.5",
                "recall",
                "precision",
                (
                    Line("mean of the labels", recalls, tuple(every.tolist())),
                    *(Line(self._names[it], recalls, tuple(at50[it].tolist())) for it in shown),
                ),
            ),
            f1_chart(self._points, {it: self._names[it] for it in shown}),
        )

    def _row(self, number: int) -> tuple[Value, ...]:
        """Return the row of a label."""
        curves = self._curves[number, 0]
        own, best = self._points.own(number), self._points.best(number)
        return (
            int(self._detections.truths[number, 0]),
            mean_figure(curves[0]),
            mean_figure(curves),
            figure(own.precision),
            figure(own.recall),
            best.threshold if best else None,
            best.f1 if best else None,
        )
