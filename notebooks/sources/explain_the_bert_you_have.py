# %% [markdown]
# # Explain the BERT you already have
#
# You have a `BertForSequenceClassification` that someone trained. This notebook loads it as it is, explains it by
# several methods side by side, writes the pictures to files, and then trains an explainable model from it.

# %%
import os
from pathlib import Path

import pandas
import transformers
from transformers import BertConfig, BertForSequenceClassification

from explainable_bert import ExplainableClassifier, render, show
from explainable_bert.data.corpora import load_corpus
from explainable_bert.training.run import train
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from explainable_bert.training.twin import recipe, taught_by

QUICK = "EXPLAINABLE_BERT_QUICK" in os.environ  # continuous integration: does every cell run?
RUNS = Path("runs/notebooks")
# transformers would report each model that it loads.
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

# %% [markdown]
# ## A stock model
#
# Here one is made on the spot, from a short training: the weights of `vanilla` fit the stock class without a change.
# You have yours already: put its folder or hub name into `stock` and leave this cell out.

# %%
corpus = load_corpus("movie-snippets")
corpus = corpus.limited(n_train=48, n_held_out=24) if QUICK else corpus.limited(n_train=1600, n_held_out=400)
settings = TrainingSettings(epochs=1, batch_size=16, masked_fine_tuning=True)
train(ModelRequest("minilm", "vanilla"), corpus, RUNS / "vanilla", settings)

stock = RUNS / "stock"
trained = ExplainableClassifier.load(RUNS / "vanilla")
known = BertConfig().to_dict().keys() - {"model_type", "architectures"}
fields = {name: value for name, value in trained.model.config.to_dict().items() if name in known}
model = BertForSequenceClassification(BertConfig(**fields))
model.load_state_dict(trained.model.state_dict())
model.save_pretrained(stock)
trained.tokenizer.save_pretrained(stock)
print(sorted(path.name for path in stock.iterdir()))

# %% [markdown]
# ## Load, predict, explain
#
# A stock BERT loads as the design `vanilla`. Nothing is trained or changed.

# %%
classifier = ExplainableClassifier.load(stock)
text = "Slow at first, but never dull: a warm, funny film with one awful song."
prediction = classifier.predict([text])[0]
print(classifier.provenance.design, prediction.label, {k: round(v, 3) for k, v in prediction.probabilities.items()})

# %% [markdown]
# For `vanilla`, the `built-in` explanation is the final block's [CLS] attention, mean over heads. It is unsigned: it
# says where the last block looked, not for which label, and it is no sum that gives the logit. Other methods work on
# the same model. Signed ones say for or against; those that share out the logit say how well their words sum to it.

# %%
METHODS = ("built-in", "value-weighted-norm", "decompx", "integrated-gradients", "occlusion")
explanations = [classifier.explain([text], method=method)[0] for method in METHODS]
show(explanations)

# %% [markdown]
# Five methods, five pictures. The share of attention on special tokens is what `built-in` cannot show as a word. Which
# of the pictures is true to the model is a question to measure: [is it true?](is_it_true.ipynb)

# %%
pandas.DataFrame(
    {
        "method": one.attribution.method,
        "signed": one.attribution.signed,
        "strongest words": ", ".join(
            unit.text
            for _, unit in sorted(
                zip(one.attribution.scores, one.attribution.units, strict=True), key=lambda pair: -abs(pair[0])
            )[:3]
        ),
        "on special tokens": one.attribution.special_token_mass,
        "|bias + sum - logit|": one.attribution.completeness_error,
    }
    for one in explanations
).round(3)

# %% [markdown]
# ## Export
#
# The extension says what is written: pictures as `.html`, `.svg`, `.png` and `.pdf`, numbers as `.json`, `.csv` and
# `.parquet`. Each file says which model made it. Nothing in a page or picture is fetched from elsewhere.

# %%
for name in ("methods.html", "methods.svg", "methods.csv", "methods.json"):
    (path,) = render(explanations, RUNS / name)
    print(path.name)
pandas.read_csv(RUNS / "methods.csv")[["method", "unit", "start", "end", "score", "signed", "model", "design"]].head(3)

# %% [markdown]
# ## From explainer to explainable
#
# The stock model becomes the twin: `explainable` starts from its weights and is taught by it. It learns from texts
# of the kind that you will meet, here with labels; half of the rows, to be quick.

# %%
request = taught_by(ModelRequest(design="explainable"), stock)
report = train(request, corpus.limited(n_train=24 if QUICK else 800), RUNS / "from-stock", recipe(settings))
explainable = ExplainableClassifier.load(RUNS / "from-stock")
print(f"test accuracy {report.test_accuracy:.3f} ± {report.test_accuracy_se:.3f} (standard error)")

# %%
show(classifier.explain([text]), versus=explainable.explain([text], target=prediction.label), values=True)

# %%
(one,) = explainable.explain([text])
assert one.attribution.completeness_error < 1e-4
print(f"bias plus words is the logit, up to {one.attribution.completeness_error:.0e}")

# %% [markdown]
# Trained for one epoch on few rows, it is no match for a model of your own training: `explainable-bert train --teacher
# FOLDER` does it in full. Whether its accuracy is close enough is for `explainable-bert compare` to say.
