# %% [markdown]
# # Is it true? Measuring an explanation
#
# A picture of words looks convincing whether it is true or not. *Faithfulness* asks whether the words it names are
# those that the model used: erase them and see. This notebook measures two models' explanations against a random
# control, audits them, and shows what came out badly as well.

# %%
import os
from pathlib import Path

import pandas
import transformers

from explainable_bert import ExplainableClassifier
from explainable_bert.audit import run_audit
from explainable_bert.data.corpora import load_corpus, sample
from explainable_bert.evaluation.run import evaluate
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.training.run import train
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from explainable_bert.training.twin import recipe, taught_by

QUICK = "EXPLAINABLE_BERT_QUICK" in os.environ  # continuous integration: does every cell run?
RUNS = Path("runs/notebooks")
# transformers would report each model that it loads.
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

# %%
corpus = load_corpus("movie-snippets")
corpus = corpus.limited(n_train=48, n_held_out=24) if QUICK else corpus.limited(n_train=1600, n_held_out=400)
settings = TrainingSettings(epochs=1, batch_size=16, masked_fine_tuning=True)
train(ModelRequest("minilm", "vanilla"), corpus, RUNS / "vanilla", settings)
train(taught_by(ModelRequest(design="explainable"), RUNS / "vanilla"), corpus, RUNS / "explainable", recipe(settings))
models = {name: ExplainableClassifier.load(RUNS / name) for name in ("vanilla", "explainable")}

# %% [markdown]
# Both were trained with masked fine-tuning: texts with holes are nothing new to them. Without that, erasing words would
# measure how strange [MASK] is to a model, too.
#
# ## Comprehensiveness and sufficiency
#
# - **Comprehensiveness**: how much the probability of the predicted label drops when the words ranked highest are
#   erased. Higher is better: they were needed.
# - **Sufficiency**: how much it drops when *only* these words are kept. Lower is better: they were enough.
#
# Both are means over several sizes (AOPC). The **random control** ranks words by chance: erasing anything drops the
# probability, so a number says something only beside the control's on the same texts. Intervals are of 95 % over texts.

# %%
asked = EvaluationSettings(
    methods=("built-in", "integrated-gradients", "occlusion", "random"),
    metrics=("aopc-comprehensiveness", "aopc-sufficiency"),
)
examples = sample(corpus.test, 2 if QUICK else 24)
measured = {name: evaluate(model, examples, RUNS / f"measured-{name}", asked) for name, model in models.items()}
pandas.DataFrame(
    {
        "design": row.design,
        "method": row.method,
        "metric": row.metric,
        "value": round(row.value, 3),
        "95 % interval": f"{row.low:.3f} to {row.high:.3f}",
    }
    for report in measured.values()
    for row in report.rows
).pivot(index=["design", "method"], columns="metric", values=["value", "95 % interval"])

# %% [markdown]
# Compare rows of one design only: a model that is surer of itself has more probability to lose. Intervals that overlap
# are no proof of equality, and 24 texts are few.
#
# ## The negative results
#
# Computed, not chosen: a method whose interval overlaps that of the random control is *not shown* to be better than
# chance on these texts. That is a coarse rule: on the same texts a paired test, as `compare` makes it, finds more. With
# five seeds and more rows, the explainable design's own explanation is *not* better than integrated gradients at naming
# words that suffice: [docs/results.md](../docs/results.md).

# %%
for report in measured.values():
    for metric in ("aopc-comprehensiveness", "aopc-sufficiency"):
        of_metric = {row.method: row for row in report.rows if row.metric == metric}
        control = of_metric.pop("random")
        unproven = [method for method, row in of_metric.items() if row.low <= control.high and control.low <= row.high]
        best = (max if metric == "aopc-comprehensiveness" else min)(of_metric.values(), key=lambda row: row.value)
        print(f"{control.design}, {metric}: best {best.method}; overlaps chance: {', '.join(unproven) or 'none'}")

# %% [markdown]
# ## An audit
#
# Faithfulness by erasure is one test. The audit has others, of the `built-in` explanation: does it change when the
# model's parameters are drawn anew (it must)? Does it find a **planted shortcut**, a marker word that the top of the
# model is trained to decide by? Do other attention weights give the same prediction?

# %%
texts = [example.text for example in sample(corpus.test, 4 if QUICK else 100)]
audits = {name: run_audit(model, texts) for name, model in models.items()}
checks = pandas.DataFrame(
    {
        "check": check.name,
        "design": audit.design,
        "value": "—" if check.value is None else f"{check.value:.2g}",
        "passed": {True: "yes", False: "NO", None: "—"}[check.passed],
    }
    for audit in audits.values()
    for check in audit.checks
)
checks.pivot(index=["check"], columns="design", values=["value", "passed"])

# %% [markdown]
# What the checks that failed mean, in the audit's own words:

# %%
for audit in audits.values():
    for check in audit.checks:
        if check.passed is False:
            print(f"{audit.design}, {check.name}: {check.meaning}\n")

# %% [markdown]
# ## What to take from it
#
# - Measure beside a random control, on texts that the model has not seen, with an interval.
# - An exact sum (`completeness`) is not faithfulness: it holds for any model of the design, trained or not.
# - A check that fails is worth as much as one that passes: it says what the picture must not be used for.
# - On your model: `explainable-bert evaluate`, `explainable-bert audit`, `explainable-bert compare`.
