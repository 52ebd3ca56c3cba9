"""A planted word decides the label: which methods rank it first, on models trained to read it, and which cannot."""

import numpy as np
import pytest
import torch

from explainable_bert import ExplainableBertConfig, ExplainableBertForSequenceClassification, ExplainableClassifier
from explainable_bert.attribution.methods import EXPLAINERS
from explainable_bert.model.configuration import DESIGNS
from test_attribution_batch import LONG, SHORT, attribute, kept, scores_of, token_batch
from tiny import SIZES, VOCABULARY

DECISIVE = ("awful", "great")  # labels 0 and 1; label 2 is that of texts with neither
OTHERS = "the a film movie is was good bad dull plot very writer 3 5".split()
MIXED = ("vanilla", "single-head", "additive", "lexical")
# And one with its values read from the embeddings, so that nothing is mixed below them.
MODELS = {**{design: {"design": design} for design in MIXED}, "embeddings": {"design": "explainable", "value_layer": 0}}

# The share of texts whose decisive word a method ranks first is 0.9 or more (observed: 1.0), but for those below, which
# cannot promise it; what they reach depends on where training happens to put things (observed over three seeds).
UNABLE = {
    # They score places of the states that the final block reads. There every state holds something of every word, and
    # nothing in training ties a place to the word that stands there: 0.0 to 1.0. With values from the embeddings,
    # where a place holds its own word alone, they reach 1.0.
    "built-in": MIXED,
    "attention": MIXED,
    "attention-max": MIXED,
    "attention-product": MIXED,
    "attention-x-gradient": MIXED,
    "value-weighted-norm": MIXED,
    # It zeroes what attention brings, not the residual: a word that stays in its place counts for nothing in the blocks
    # below, where rows are normalised however little others send there. With these weights 1.0 all the same; with
    # initial weights of 0.05 the final block's row is right, and the share 0.5.
    "value-zeroing": ("additive", "lexical"),
    # Of a gradient before a layer norm (see the last test here): the scores are those of positions, negated.
    "input-x-gradient": (*MIXED, "embeddings"),
    "random": (*MIXED, "embeddings"),
}
# The slope where the text is may be small for the very word that has already decided: 0.86 to 1.0.
LOCAL_SLOPES, LOCAL_SHARE = {"saliency", "smoothgrad"}, 0.6


def planted_texts(n, seed):
    """Random words, five to ten, and the decisive one among them; every third text has none."""
    generator, texts = np.random.default_rng(seed), []
    for index in range(n):
        words, label = generator.choice(OTHERS, size=generator.integers(5, 11)).tolist(), index % 3
        if label < 2:
            words.insert(generator.integers(len(words) + 1), DECISIVE[label])
        texts.append((" ".join(words), label))
    return texts


def train(tokenizer, **design):
    """A tiny model of its own weights that has learnt what decides: 90 steps, with words masked as in training here."""
    torch.manual_seed(0)
    config = ExplainableBertConfig(**SIZES, num_labels=3, special_token_ids=[0, 2, 3], **design)
    model = ExplainableBertForSequenceClassification(config).train()
    texts = planted_texts(1500, seed=1)
    encoded = tokenizer([text for text, _ in texts], padding=True, return_tensors="pt")
    labels = torch.tensor([label for _, label in texts])
    optimiser, generator = torch.optim.Adam(model.parameters(), lr=3e-3), torch.Generator().manual_seed(0)
    special = torch.tensor([VOCABULARY[token] for token in ("[PAD]", "[CLS]", "[SEP]")])
    decisive = torch.tensor([VOCABULARY[word] for word in DECISIVE])
    for _ in range(90):
        rows = torch.randint(len(texts), (48,), generator=generator)
        ids = encoded["input_ids"][rows]
        masked = (torch.rand(ids.shape, generator=generator) < 0.15) & ~torch.isin(ids, special)
        # A text whose decisive word is masked is one without: so [MASK] means that nothing is there.
        lost = (masked & torch.isin(ids, decisive)).any(dim=1)
        ids = ids.masked_fill(masked, VOCABULARY["[MASK]"])
        targets = torch.where(lost, 2, labels[rows])
        loss = model(input_ids=ids, attention_mask=encoded["attention_mask"][rows], labels=targets).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return ExplainableClassifier(model, tokenizer, name="planted")


@pytest.fixture(scope="module")
def planted(tokenizer):
    """Models by their names in MODELS, each trained once."""
    trained = {}

    def model(name):
        if name not in trained:
            trained[name] = train(tokenizer, **MODELS[name])
        return trained[name]

    return model


HELD_OUT = [(text, label) for text, label in planted_texts(33, seed=99) if label < 2]


def share_found(clf, method):
    """The share of held-out texts whose highest score is that of the decisive word."""
    explanations = clf.explain([text for text, _ in HELD_OUT], method)
    first = [found.attribution.units[int(np.argmax(found.attribution.scores))].text for found in explanations]
    return np.mean([word == DECISIVE[label] for word, (_, label) in zip(first, HELD_OUT, strict=True)])


@pytest.mark.parametrize("name", MODELS)
def test_the_models_have_learnt_what_decides(planted, name):
    clf = planted(name)
    predictions = clf.predict([text for text, _ in HELD_OUT])
    assert len(HELD_OUT) == 22
    assert [prediction.label for prediction in predictions] == [f"LABEL_{label}" for _, label in HELD_OUT]
    # Without the word they say so: nothing else decides.
    without = clf.predict([" ".join(set(text.split()) - {*DECISIVE}) for text, _ in HELD_OUT])
    assert np.mean([prediction.label == "LABEL_2" for prediction in without]) >= 0.9


@pytest.mark.parametrize(
    ("method", "name"),
    [
        (method, name)
        for method, explainer in EXPLAINERS.items()
        for name, config in MODELS.items()
        if explainer.refusal(DESIGNS[config["design"]]) is None and name not in UNABLE.get(method, ())
    ],
)
def test_the_decisive_word_is_ranked_first(planted, method, name):
    assert share_found(planted(name), method) >= (LOCAL_SHARE if method in LOCAL_SLOPES else 0.9)


def test_chance_finds_it_seldom(planted):
    assert share_found(planted("vanilla"), "random") < 0.5  # one of six to eleven words


def test_a_word_elsewhere_has_the_additive_designs_contribution_and_the_words_own_where_values_are_its_own(planted):
    """Why `built-in` may not find it: swapped for its opposite, a word changes the value of other places, too."""
    great, awful = (f"the film is {word} 3 plot" for word in ("great", "awful"))
    moved = {}
    for name in ("additive", "embeddings"):
        values = []
        for text in (great, awful):
            found = attribute(planted(name), "built-in", [text], target="LABEL_1")
            values.append((found.scores / found.attention)[0, 1:-1])  # a contribution less its weight
        moved[name] = (values[0] - values[1]).abs()
    elsewhere = [0, 1, 2, 4, 5]
    assert moved["embeddings"][elsewhere].max() < 1e-4 * moved["embeddings"][3]
    assert moved["additive"][elsewhere].min() > 0.1 * moved["additive"][3]


@pytest.mark.parametrize("design", DESIGNS)
def test_input_x_gradient_of_words_is_that_of_their_positions_negated(classifier, design):
    """Why `input-x-gradient` may not find it.

    The first thing that BERT does to e + p + t (word, position, text) is a layer norm, which no scale changes: so
    (e + p + t) · ∂y/∂e = 0, and e · ∂y/∂e = -(p + t) · ∂y/∂e.
    """
    clf = kept(classifier, design)
    embeddings, batch = clf.model.bert.embeddings, token_batch(clf, [LONG], target="LABEL_1")
    words = embeddings.word_embeddings(batch.input_ids).detach().requires_grad_()
    logit = clf.model(inputs_embeds=words, **batch.context).logits[0, 1]
    (gradient,) = torch.autograd.grad(logit, words)
    others = embeddings.position_embeddings.weight[:13] + embeddings.token_type_embeddings.weight[0]
    expected = -(others * gradient[0]).sum(dim=-1).detach()
    found = attribute(clf, "input-x-gradient", [LONG, SHORT], target="LABEL_1").scores[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert np.abs(scores_of(clf, "input-x-gradient", LONG, target="LABEL_1")).max() > 1e-2
