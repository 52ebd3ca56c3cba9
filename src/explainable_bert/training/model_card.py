"""The README of a model folder, filled in from its training report."""

from explainable_bert.training.report import TrainingReport

_WHAT_IT_SHOWS = {
    "pooler": (
        "Its built-in explanation is the [CLS] row of the final attention: where the model looked, not why it decided."
    ),
    "additive": (
        "Its built-in explanation is exact: the logits are the bias plus the sum of the words' contributions. "
        "Each contribution is that of a position, whose state has read its neighbours."
    ),
}


def model_card(report: TrainingReport) -> str:
    """A short card in Markdown: what the model is, how it was trained, how well it does, how to run it."""
    run = report.run
    request, settings, corpus = run["request"], run["settings"], run["corpus"]
    tested = "not tested: the corpus has no test split"
    if report.test_accuracy is not None:
        tested = (
            f"{report.test_accuracy:.3f} ± {report.test_accuracy_se:.3f} (standard error) "
            f"on {corpus['rows']['test']} test rows, one seed"
        )
    teacher = ""
    if request["teacher"]:
        n_texts = run["unlabelled"]["texts"]
        apart = ", values learnt apart from the attention" if settings["values_apart"] else ""
        teacher = f"- teacher: `{request['teacher']}`, on the training rows and {n_texts} texts without labels{apart}\n"
    return f"""---
library_name: explainable-bert
pipeline_tag: text-classification
---
# {request["design"]} BERT for {", ".join(corpus["labels"])}

A BERT text classifier of design **{request["design"]}** (values from layer {report.value_layer},
{report.n_parameters:,} parameters), made with explainable-bert {report.versions["explainable_bert"]}.
{_WHAT_IT_SHOWS[report.readout]}

- base: `{request["base"]}`
{teacher}- corpus: `{corpus["name"]}`, {corpus["rows"]["train"]} training rows
- corpus fingerprint: `{corpus["fingerprint"]}`
- epochs: {len(report.epochs)} of at most {settings["epochs"]}, best {report.best_epoch} by validation accuracy
- masked fine-tuning: {"yes" if settings["masked_fine_tuning"] else "no"}; seed {settings["seed"]}
- validation accuracy: {report.validation_accuracy:.3f}
- test accuracy: {tested}

```python
from explainable_bert import ExplainableClassifier

classifier = ExplainableClassifier.load("this/folder")
classifier.predict(["A text."])
classifier.explain(["A text."])
```
"""
