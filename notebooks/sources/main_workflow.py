# %% [markdown]
# # Main workflow
#
# From a pretrained BERT to a text classifier whose explanation is part of its computation: what is changed, how it is
# trained, what its maps look like beside vanilla BERT's, how the two compare, and what happens if a word goes away.
#
# Everything is small here, so that it runs in minutes on two cores: few rows, one or two epochs, one seed. Numbers that
# carry weight are in [docs/results.md](docs/results.md). `make notebooks` runs this notebook and writes its outputs.

# %%
import os
from pathlib import Path

import numpy as np
import pandas
import transformers
from scipy.special import softmax

from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier, show
from explainable_bert.comparison.arms import load_arms
from explainable_bert.comparison.run import ComparisonSettings, compare
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
# ## The architecture
#
# BERT stays BERT, but for its **final block**:
#
# ![Stock BERT's final block beside those of single-head and explainable](docs/architecture.svg)
#
# - `vanilla` is stock BERT, the twin for every comparison.
# - `single-head` reads the final block's attention as one head of full width: same parameters, same names, one map.
# - `explainable`, the default, goes further. Its logits are **the bias plus one contribution per word**, and nothing
#   comes after that sum. Values are read from early states, so that a contribution stays close to its word.
#
# With α the [CLS] row of the final attention and x_j the early state of word piece j:
#
# $$\text{logit}_c = b_c + \sum_j \alpha_j \, w_c^\top W_O W_V x_j$$

# %%
rows = []
for design in ("vanilla", "single-head", "explainable"):
    model = ExplainableBertForSequenceClassification.from_base("minilm", design=design)
    config = model.config
    rows.append(
        {
            "design": design,
            "blocks": config.num_hidden_layers,
            "heads below": config.num_attention_heads,
            "heads in the final block": config.n_final_heads,
            "readout": config.readout,
            "values from states after block": config.values_from,
            "parameters": f"{model.num_parameters():,}",
        }
    )
pandas.DataFrame(rows).set_index("design")

# %% [markdown]
# The additive design has fewer parameters: without a residual, feed-forward part, layer norm and pooler after the sum,
# their weights are not needed.
#
# ## The training pipeline
#
# Sentences from movie reviews, rated by people, split by a hash of each text. `explainable` trains in two steps: first
# its vanilla twin, then, from the twin's weights, the design itself, taught by the twin. (`explainable-bert train` does
# both with one command, `train_with_twin` with one call.) What is cut here: rows, epochs, and the texts without labels.

# %%
corpus = load_corpus("movie-snippets")
corpus = corpus.limited(n_train=48, n_held_out=24) if QUICK else corpus.limited(n_train=1600, n_held_out=400)
settings = TrainingSettings(epochs=1, batch_size=16, masked_fine_tuning=True)
print({"train": len(corpus.train), "validation": len(corpus.validation), "test": len(corpus.test)})
for example in corpus.train[:3]:
    print(f"{example.label:9}{example.text}")

# %%
twin = train(ModelRequest("minilm", "vanilla"), corpus, RUNS / "vanilla", settings)
request = taught_by(ModelRequest(design="explainable"), RUNS / "vanilla")
own = train(request, corpus, RUNS / "explainable", recipe(settings))

vanilla = ExplainableClassifier.load(RUNS / "vanilla")
explainable = ExplainableClassifier.load(RUNS / "explainable")
for name, report in (("vanilla", twin), ("explainable", own)):
    print(f"{name}: test accuracy {report.test_accuracy:.3f} ± {report.test_accuracy_se:.3f} (standard error)")

# %% [markdown]
# ## Three held-out examples
#
# The first test sentences of a readable length, labels in turn: chosen by a rule, not by how the pictures look.
# Neither model has seen them. Each sheet has vanilla's explanation (its final [CLS] attention, mean over heads: it says
# where the model looked, not for which label), the explainable one's (contributions: blue speaks for the target,
# orange against it), and their difference in shares.

# %%
readable = [example for example in corpus.test if 9 < len(example.text.split()) < 19]
positive = [example for example in readable if example.label == "positive"]
negative = [example for example in readable if example.label == "negative"]
examples = [positive[0], negative[0], positive[1]]
texts = [example.text for example in examples]
print([example.label for example in examples])

# %%
base = vanilla.explain(texts)
# The same label for both, so that they answer one question: the one that vanilla predicts.
ours = [explainable.explain([one.text], target=one.target)[0] for one in base]
show(base, versus=ours)

# %% [markdown]
# The whole map of the final block, for the first example: rows look at columns. Only the [CLS] row decides. The narrow
# column on the right is the share on special tokens, which the explainable design does not attend at all.

# %%
show(
    vanilla.explain(texts[:1], attention_map=True),
    versus=explainable.explain(texts[:1], target=base[0].target, attention_map=True),
)

# %% [markdown]
# ## The words sum to the decision
#
# Not a property to be believed, but one to be checked: bias plus contributions, beside the logit of the model itself.
# Vanilla's attention has no such sum.

# %%
checked = []
for one in ours:
    found = one.attribution
    logit = float(explainable.predict_erased([one.text], [np.ones((1, len(found.units)), dtype=bool)])[0][
        0, explainable.labels.index(one.target)
    ])  # fmt: skip
    checked.append({"target": one.target, "bias": found.bias, "sum of words": sum(found.scores), "logit": logit})
checked = pandas.DataFrame(checked)
checked["error"] = (checked["bias"] + checked["sum of words"] - checked["logit"]).abs()
assert checked["error"].max() < 1e-4
checked.round({"bias": 3, "sum of words": 3, "logit": 3}).assign(error=checked["error"].map("{:.0e}".format))

# %% [markdown]
# ## Comparison
#
# Both models on the same test texts: labels of all, explanations of some. Each interval is of 95 % over texts. With so
# few texts they are wide, and with one seed they leave out what another training would change: *no difference shown*
# does not mean *equal*. Faithfulness is range-normalised comprehensiveness: 0 is a random order of words, 1 the best
# order that a search found.

# %%
compared = compare(
    load_arms([str(RUNS / "vanilla"), str(RUNS / "explainable")]),
    corpus.test,
    RUNS / "compared",
    ComparisonSettings(n_explained=2 if QUICK else 24),
)
wanted = {
    ("accuracy", None),
    ("effective-words", "built-in"),
    ("range-normalised-comprehensiveness", "built-in"),
    ("range-normalised-comprehensiveness", "integrated-gradients"),
    ("range-normalised-comprehensiveness", "random"),
}
shown = [row for row in compared.evaluation.rows if (row.metric, row.method) in wanted]
pandas.DataFrame(
    {
        "design": row.design,
        "metric": row.metric,
        "method": row.method or "",
        "value": "—" if row.value is None else f"{row.value:.3f}",
        "95 % interval": "—" if row.low is None else f"{row.low:.3f} to {row.high:.3f}",
        "texts": row.n,
    }
    for row in shown
)

# %%
for sentence in compared.verdicts[:4]:
    print("-", sentence)

# %% [markdown]
# ## What if
#
# Take the strongest word away and ask again. Three answers, for the label that was predicted:
#
# - **before**: the text as it is;
# - **forecast**: what the picture alone says. These words leave the final sum, and the attention of the others is
#   divided by what is left: $b_c + \sum_{j \notin S} \text{contribution}_j / (1 - \sum_{j \in S} \alpha_j)$;
# - **erased**: the word is masked, and the whole model reads the text anew. The states of the other words change too,
#   so this need not be the forecast.

# %%
table = []
for one in ours:
    target = explainable.labels.index(one.target)
    strongest = int(np.argmax(one.attribution.scores))
    stays = np.arange(len(one.attribution.units)) != strongest
    keeps = [np.array([np.ones_like(stays), stays])]
    before, erased = explainable.predict_erased([one.text], keeps)[0]
    forecast = explainable.forecast_erased([one.text], keeps)[0][1]
    chances = [softmax(logits)[target] for logits in (before, forecast, erased)]
    word = one.attribution.units[strongest].text
    table.append(
        {"target": one.target, "word": word, **dict(zip(("before", "forecast", "erased"), chances, strict=True))}
    )
pandas.DataFrame(table).round(3)

# %% [markdown]
# Or change a word, and see prediction and contributions follow. The sentence is made up.

# %%
show(
    explainable.explain(
        [
            "A warm, funny film with one awful song.",
            "A warm, funny film with one great song.",
            "A cold, tedious film with one great song.",
        ],
        target="positive",
    ),
    values=True,
)

# %% [markdown]
# ## What the picture does not say
#
# - **Sharper is not truer.** Fewer coloured words are easier to read; whether they decided is what erasing measures.
# - **The sum is exact, its terms are not causes.** A contribution belongs to a position, whose state has read something
#   of its neighbours. The gap between *forecast* and *erased* above is what the picture leaves out.
# - **Which words get weight** is decided by attention, which has read the whole sentence in all blocks. The picture
#   says how much each word got, not why.
# - **A contribution is to one label's logit.** With two labels, what speaks for one speaks against the other.
# - **One seed, few rows.** Train again and the pictures differ in part.
#
# Next: [explain the BERT you have](notebooks/explain_the_bert_you_have.ipynb), and
# [is it true?](notebooks/is_it_true.ipynb)
