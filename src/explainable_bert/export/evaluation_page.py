"""The page of an evaluation: every metric of a model and its explanations with its interval, and the curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from explainable_bert.export.curves import CurvesFigure, curves_figure
from explainable_bert.export.definitions import Definition, definitions
from explainable_bert.export.measurement_origin import measured_origin
from explainable_bert.export.measures_table import Table, measures_table
from explainable_bert.export.origins import Origin
from explainable_bert.export.pages import page_from
from explainable_bert.results import EvaluationReport, SummaryRow
from explainable_bert.writing import write_text


@dataclass(frozen=True)
class _MethodsTable:
    """What one model's explanations score, with a column per method."""

    model: str
    design: str
    table: Table


def write_evaluation(report: EvaluationReport, folder: Path) -> None:
    """Write report.html into `folder`, and curves.svg where there are curves; both need nothing from elsewhere.

    Raises InputError where a row's metric is not defined, FileError if the place cannot be written.
    """
    defined = definitions((row.metric for row in report.rows), report.metrics)
    models = _models(report.rows)
    came_from = measured_origin(models, report.settings)
    figure = curves_figure(report.curves)
    page = page_from(
        "evaluation.html.j2",
        came_from,
        report=report,
        models=models,
        alone=_alone(report.rows, defined),
        by_methods=_by_methods(report.rows, defined),
        figure=figure,
        definitions=list(defined.values()),
    )
    write_text(folder / "report.html", page)
    if figure is not None:
        write_text(folder / "curves.svg", _drawing(figure, came_from))


def _models(rows: Sequence[SummaryRow]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((row.model, row.design) for row in rows))


def _alone(rows: Sequence[SummaryRow], defined: Mapping[str, Definition]) -> Table:
    """What concerns no explanation, with a column per model."""
    return measures_table(
        [row for row in rows if row.method is None], defined, column=lambda row: row.model, line=lambda _: ""
    )


def _by_methods(rows: Sequence[SummaryRow], defined: Mapping[str, Definition]) -> list[_MethodsTable]:
    explained = [row for row in rows if row.method is not None]
    found = []
    for model, design in _models(explained):
        own = [row for row in explained if (row.model, row.design) == (model, design)]
        table = measures_table(own, defined, column=lambda row: row.method or "", line=lambda _: "")
        found.append(_MethodsTable(model, design, table))
    return found


def _drawing(figure: CurvesFigure, came_from: Origin) -> str:
    return page_from("curves.svg.j2", came_from, figure=figure)
