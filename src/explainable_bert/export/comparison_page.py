"""The page of a comparison: verdicts, paired differences, all models' numbers, example pictures and curves."""

from dataclasses import replace
from pathlib import Path

from explainable_bert.errors import InputError
from explainable_bert.export.curves import curves_figure
from explainable_bert.export.definitions import definitions
from explainable_bert.export.measurement_origin import measured_origin
from explainable_bert.export.measures_table import measures_table
from explainable_bert.export.pages import page_from
from explainable_bert.export.pairs_table import glance, pair_tables
from explainable_bert.results import ComparisonReport, short_names
from explainable_bert.writing import write_text


def write_comparison(report: ComparisonReport, folder: Path) -> None:
    """Write report.html into `folder`; it needs nothing from elsewhere.

    Raises InputError where a metric is not defined or a picture has no gold label, FileError if the place cannot be
    written.
    """
    if len(report.gold_labels) != len(report.pictures):
        raise InputError(
            f"gold_labels: {len(report.gold_labels)} given for {len(report.pictures)} pictured texts;"
            " one per text is needed"
        )
    evaluation = report.evaluation
    used = [*(row.metric for row in (*evaluation.rows, *report.costs)), *(pair.metric for pair in report.pairs)]
    defined = definitions(used, evaluation.metrics)
    models = list(dict.fromkeys((row.model, row.design) for row in evaluation.rows))
    short = short_names(
        [*(model for model, _ in models), *(name for pair in report.pairs for name in (pair.a, pair.b))]
    )
    pairs = [replace(pair, a=short[pair.a], b=short[pair.b]) for pair in report.pairs]
    rows = [replace(row, model=short[row.model]) for row in (*evaluation.rows, *report.costs)]
    tables = pair_tables(pairs, defined)
    shown = [explanation for pictures in report.pictures for explanation in pictures]
    page = page_from(
        "comparison.html.j2",
        measured_origin(models, evaluation.settings, shown),
        report=evaluation,
        verdicts=report.verdicts,
        models=models,
        tables=tables,
        glance=glance(tables),
        measured=measures_table(rows, defined, column=lambda row: row.model, line=lambda row: row.method or ""),
        pictures=list(zip(report.gold_labels, report.pictures, strict=True)),
        figure=curves_figure(evaluation.curves),
        definitions=list(defined.values()),
    )
    write_text(folder / "report.html", page)
