"""Training: the loss by hand, the folder it leaves, and runs that are stopped and started again."""

import dataclasses
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel

from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier
from explainable_bert.data.corpora import load_corpus
from explainable_bert.data.files import write_table
from explainable_bert.errors import FileError, InputError, ModelError
from explainable_bert.text.encoding import encode
from explainable_bert.training import run, run_folder, trainer
from explainable_bert.training.report import TrainingReport
from explainable_bert.training.run import train
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from explainable_bert.training.trainer import (
    UNLABELLED,
    ClassifierTrainer,
    Row,
    _texts_per_pass,
    collate,
    distillation_loss,
    draw_mask,
    draw_weights,
    labelled_loss,
)
from tiny import DESIGNS, SIZES, toy_corpus

SETTINGS = TrainingSettings(epochs=2, batch_size=8, learning_rate=3e-3, masked_fine_tuning=True)


def request(stock_folder, design="single-head", **fields):
    return ModelRequest(base=str(stock_folder), design=design, **fields)


def weights(folder):
    return load_file(folder / "model.safetensors")


def test_masking_draws_a_share_of_the_words_of_a_share_of_the_rows():
    maskable = torch.ones(4000, 23, dtype=torch.bool)
    maskable[:, 0] = False
    drawn = draw_mask(maskable, 0.5, torch.Generator().manual_seed(0))
    assert not drawn[:, 0].any()
    shares = drawn[:, 1:].float().mean(dim=1)
    # Half of the rows are masked, each at a uniform rate: a quarter of the tokens in all, a third of the squares / 2.
    assert (shares > 0).float().mean().item() == pytest.approx(0.5 * 22 / 23, abs=0.03)
    assert shares.mean().item() == pytest.approx(0.25, abs=0.02)
    assert shares[shares > 0].std().item() == pytest.approx(math.sqrt(1 / 12), abs=0.03)
    assert torch.equal(drawn, draw_mask(maskable, 0.5, torch.Generator().manual_seed(0)))
    assert not draw_mask(maskable, 0.0, torch.Generator().manual_seed(0)).any()


def test_distillation_loss_by_hand():
    # At temperature 2, logits (2 ln 3, 0) give (3/4, 1/4) and (0, 0) give (1/2, 1/2):
    # KL = 3/4 ln(3/2) + 1/4 ln(1/2), times 4.
    teacher = torch.tensor([[2 * math.log(3), 0.0]])
    expected = 4 * (0.75 * math.log(1.5) + 0.25 * math.log(0.5))
    assert distillation_loss(torch.zeros(1, 2), teacher, 2.0).item() == pytest.approx(expected, rel=1e-5)
    assert distillation_loss(teacher, teacher, 2.0).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("taught", [False, True])
def test_the_loss_of_a_step(build, tokenizer, tmp_path, masked, taught):
    model, teacher = build("single-head"), build("vanilla")
    encodings = encode(tokenizer, [("the film is good", None), ("a very dull movie", None)], 41)
    rows = [Row(encoding=e, label=k, text=k, input_ids=e.input_ids) for e, k in zip(encodings, (2, 0), strict=True)]
    settings = TrainingSettings(masked_fine_tuning=masked, masked_share=1.0, distillation_weight=0.25)
    mask_id = tokenizer.mask_token_id
    trainer = ClassifierTrainer(
        model, settings, tmp_path, (rows, rows), (0, mask_id), teacher if taught else None, None
    )
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    inputs = collate(rows, 0)
    before = inputs["input_ids"].clone()
    shown = []
    model.register_forward_pre_hook(lambda _, __, given: shown.append(given), with_kwargs=True)
    model.train()
    loss = trainer.compute_loss(model, inputs)
    for trainer.state.global_step in range(1, 12):
        trainer.compute_loss(model, inputs)
    assert torch.equal(inputs["input_ids"], before)
    changed = [step["input_ids"] != before for step in shown]
    assert torch.stack(changed).any() == masked
    assert len({tuple(step.flatten().tolist()) for step in changed}) > 5 * masked
    for step, places in zip(shown, changed, strict=True):
        assert (step["input_ids"][places] == mask_id).all()
        assert not places[inputs["special_tokens_mask"].bool()].any()
    model.eval()
    with torch.no_grad():
        output = model(**shown[0], labels=inputs["labels"])
        expected = output.loss
        if taught:
            told = teacher(**shown[0]).logits
            expected = 0.75 * output.loss + 0.25 * distillation_loss(output.logits, told, 2.0)
        torch.testing.assert_close(loss, expected)
        read = {name: value for name, value in inputs.items() if name != "texts"}
        torch.testing.assert_close(trainer.compute_loss(model, inputs), model(**read).loss)


def test_random_weights_are_a_flat_draw_from_what_is_kept():
    kept = torch.ones(4000, 3, dtype=torch.bool)
    kept[:, 1] = False
    drawn = draw_weights(kept, torch.Generator().manual_seed(0))
    assert not drawn[:, 1].any()
    torch.testing.assert_close(drawn.sum(dim=1), torch.ones(4000))
    # Two shares that sum to one, all mixes alike: uniform in [0, 1].
    assert drawn[:, 0].mean().item() == pytest.approx(1 / 2, abs=0.02)
    assert drawn[:, 0].var().item() == pytest.approx(1 / 12, abs=0.005)
    assert not draw_weights(torch.zeros(2, 3, dtype=torch.bool), torch.Generator()).any()


def test_rows_without_a_label_count_as_rows_and_cost_nothing():
    logits = torch.tensor([[0.0, math.log(3)], [5.0, -5.0]])
    labelled = labelled_loss(logits[:1], torch.tensor([0]))
    assert labelled.item() == pytest.approx(math.log(4))
    assert labelled_loss(logits, torch.tensor([0, UNLABELLED])).item() == pytest.approx(math.log(4) / 2)
    assert labelled_loss(logits, torch.tensor([UNLABELLED, UNLABELLED])).item() == 0


@pytest.mark.parametrize("taught", [False, True])
def test_values_apart_learn_from_random_words_only(build, tokenizer, tmp_path, monkeypatch, taught):
    model, teacher = build("additive"), build("vanilla")
    encodings = encode(tokenizer, [("the film is good", None), ("a very dull movie", None)], 41)
    rows = [Row(encoding=e, label=k, text=k, input_ids=e.input_ids) for e, k in zip(encodings, (2, 0), strict=True)]
    settings = TrainingSettings(values_apart=True, distillation_weight=0.25)
    trainer = ClassifierTrainer(
        model, settings, tmp_path, (rows, rows), (0, tokenizer.mask_token_id), teacher if taught else None, None
    )
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    inputs = collate(rows, 0)
    model.train()
    attention, block = model.final_block.attention.self, model.final_block.attention
    monkeypatch.setattr(trainer, "_values_loss", lambda *_: 0)
    trainer.compute_loss(model, inputs).backward()
    assert attention.query.weight.grad.abs().max() > 0
    for apart in (attention.value.weight, block.output.dense.weight, model.classifier.weight):
        assert apart.grad is None
    model.zero_grad()
    monkeypatch.undo()
    monkeypatch.setattr(trainer, "_loss", lambda *_: 0)
    trainer._pass = (-1, 0)
    loss = trainer.compute_loss(model, inputs)
    loss.backward()
    assert attention.query.weight.grad is None
    for apart in (attention.value.weight, block.output.dense.weight, model.classifier.weight):
        assert apart.grad.abs().max() > 0
    # The same loss, put together again from what was drawn.
    trainer._pass = (-1, 0)
    generator = trainer._generator()
    maskable = inputs["attention_mask"].bool() & ~inputs["special_tokens_mask"].bool()
    left_out = draw_mask(maskable, 1.0, generator)
    drawn = draw_weights(maskable & ~left_out, generator)
    texts = {name: value for name, value in inputs.items() if name not in ("labels", "texts")}
    with torch.no_grad():
        mixed = model.classifier.bias + torch.einsum("bk,bkl->bl", drawn, model(**texts).value_scores)
        alone = {**texts, "input_ids": inputs["input_ids"].masked_fill(left_out, tokenizer.mask_token_id)}
        expected = labelled_loss(mixed, inputs["labels"])
        if taught:
            expected = distillation_loss(mixed, teacher(**alone).logits, 2.0)
    torch.testing.assert_close(loss.detach(), expected)


def test_values_apart_from_what(stock_folder, tmp_path):
    with pytest.raises(
        InputError, match=r"^values_apart: given for design 'vanilla'; accepted: additive, lexical, explainable$"
    ):
        train(
            request(stock_folder, "vanilla"),
            toy_corpus(),
            tmp_path / "x",
            TrainingSettings(values_apart=True),
        )
    assert not (tmp_path / "x").exists()


READOUT = (
    "bert.encoder.layer.4.attention.self.value.",
    "bert.encoder.layer.4.attention.output.dense.",
    "classifier.",
)


def trainer_of(model, tokenizer, folder, settings):
    """A trainer of eight rows, which are one step."""
    encodings = encode(tokenizer, [(example.text, None) for example in toy_corpus(n_train=8).train], 41)
    rows = [Row(encoding=e, label=index % 3, text=index, input_ids=e.input_ids) for index, e in enumerate(encodings)]
    return ClassifierTrainer(model, settings, folder, (rows, rows), (0, tokenizer.mask_token_id), None, None)


@pytest.mark.parametrize("design", ["vanilla", "lexical"])
def test_the_readout_has_a_rate_of_its_own(build, tokenizer, tmp_path, design):
    settings = TrainingSettings(learning_rate=2e-3, readout_rate=5.0, weight_decay=0.03)
    model = build(design)
    trainer = trainer_of(model, tokenizer, tmp_path, settings)
    groups = trainer.create_optimizer().param_groups
    grouped = [weight for group in groups for weight in group["params"]]
    assert len({id(weight) for weight in grouped}) == len(grouped) == len(list(model.parameters()))
    of_weight = {id(weight): group for group in groups for weight in group["params"]}
    n_apart = 0
    for name, weight in model.named_parameters():
        is_apart, is_decayed = name.startswith(READOUT), not name.endswith("bias") and "LayerNorm" not in name
        n_apart += is_apart
        assert of_weight[id(weight)]["lr"] == pytest.approx(1e-2 if is_apart else 2e-3), name
        assert of_weight[id(weight)]["weight_decay"] == (0.03 if is_decayed else 0), name
    # Weights and biases of all three, but that additive designs have no biases below the classifier.
    assert n_apart == (6 if design == "vanilla" else 4)
    others = [{k: v for k, v in group.items() if k not in ("params", "lr", "weight_decay")} for group in groups]
    assert all(other == others[0] for other in others)
    # The linear fall of the rate keeps the factor.
    trainer.create_scheduler(num_training_steps=8)
    for _ in range(4):
        trainer.optimizer.step()
        trainer.lr_scheduler.step()
    rates = sorted({group["lr"] for group in groups})
    assert len(rates) == 2
    assert 0 < rates[0] < 2e-3
    assert rates[1] == pytest.approx(5 * rates[0])


def test_a_high_rate_moves_the_readout_further(build, tokenizer, tmp_path):
    """The first step of Adam moves almost every weight by its rate, whatever the gradient."""
    moved = {}
    for factor in (1.0, 20.0):
        model = build("lexical")
        before = {name: weight.clone() for name, weight in model.state_dict().items()}
        settings = TrainingSettings(
            epochs=1, batch_size=8, learning_rate=1e-4, warmup_share=0.0, weight_decay=0.0, readout_rate=factor
        )
        trainer_of(model, tokenizer, tmp_path / str(factor), settings).train()
        moved[factor] = {
            name: (weight - before[name]).abs().median().item() for name, weight in model.named_parameters()
        }
    for name, distance in moved[20.0].items():
        if name.startswith(READOUT):
            assert moved[1.0][name] == pytest.approx(1e-4, rel=0.05), name
            assert distance == pytest.approx(2e-3, rel=0.05), name
        else:
            assert distance == pytest.approx(moved[1.0][name], rel=0.05, abs=1e-6), name


def test_a_continued_run_keeps_the_rates_and_ends_like_an_unbroken_one(stock_folder, tmp_path):
    settings = dataclasses.replace(SETTINGS, epochs=3, readout_rate=10.0, early_stopping_patience=3)

    def stop(progress):
        if progress.step == 5:  # three steps an epoch: in the second
            raise KeyboardInterrupt

    asked = request(stock_folder, "lexical")
    train(asked, toy_corpus(), tmp_path / "unbroken", settings)
    with pytest.raises(KeyboardInterrupt):
        train(asked, toy_corpus(), tmp_path / "broken", settings, stop)
    assert train(asked, toy_corpus(), tmp_path / "broken", settings).resumed
    unbroken = weights(tmp_path / "unbroken")
    for name, weight in weights(tmp_path / "broken").items():
        torch.testing.assert_close(weight, unbroken[name], atol=1e-6, rtol=0)


@pytest.mark.usefixtures("without_type_checks")
@pytest.mark.parametrize("bf16", [False, True])
def test_bf16_reaches_the_trainer(build, tokenizer, tmp_path, bf16):
    model = build("additive")
    trainer = trainer_of(model, tokenizer, tmp_path, TrainingSettings(epochs=1, batch_size=8, bf16=bf16))
    assert trainer.args.bf16 == bf16
    shown = []
    below = model.bert.encoder.layer[0].attention.self.query
    below.register_forward_hook(lambda _, __, output: shown.append(output.dtype))
    trainer.train()
    assert set(shown) == {torch.bfloat16 if bf16 else torch.float32}
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}


@pytest.mark.usefixtures("without_type_checks")
@pytest.mark.parametrize("design", ["vanilla", "explainable"])
def test_training_in_bf16(stock_folder, tmp_path, design):
    settings = dataclasses.replace(SETTINGS, epochs=1, bf16=True)
    asked = request(stock_folder, design)
    if design == "explainable":
        train(request(stock_folder, "vanilla"), toy_corpus(), tmp_path / "teacher", settings)
        asked, settings = (
            dataclasses.replace(asked, teacher=str(tmp_path / "teacher")),
            dataclasses.replace(settings, values_apart=True, readout_rate=10.0),
        )
    report = train(asked, toy_corpus(), tmp_path / "x", settings)
    (epoch,) = report.epochs
    assert math.isfinite(epoch.train_loss)
    assert math.isfinite(epoch.validation_loss)
    assert report.run["settings"]["bf16"] is True
    saved = weights(tmp_path / "x")
    assert {weight.dtype for weight in saved.values()} == {torch.float32}
    assert all(weight.isfinite().all() for weight in saved.values())
    plain = train(asked, toy_corpus(), tmp_path / "plain", dataclasses.replace(settings, bf16=False))
    (other,) = plain.epochs
    assert epoch.train_loss != other.train_loss
    assert epoch.train_loss == pytest.approx(other.train_loss, rel=0.1)


def test_texts_without_labels(stock_folder, tmp_path):
    corpus, settings = toy_corpus(), dataclasses.replace(SETTINGS, values_apart=True)
    train(request(stock_folder, "vanilla"), corpus, tmp_path / "teacher", SETTINGS)
    asked = request(stock_folder, "additive", teacher=str(tmp_path / "teacher"))
    more = [f"the film is {word}" for word in ("quite good", "very dull", "so so")]
    without = train(asked, corpus, tmp_path / "without", settings)
    report = train(asked, corpus, tmp_path / "with", settings, unlabelled=more)
    assert report.run["unlabelled"]["texts"] == 3
    assert without.run["unlabelled"]["texts"] == 0
    assert report.epochs != without.epochs
    with pytest.raises(FileError, match="holds another run"):
        train(asked, corpus, tmp_path / "with", settings, unlabelled=more[:2])
    with pytest.raises(InputError, match=r"^unlabelled: 3 texts given, but no teacher"):
        train(request(stock_folder, "additive"), corpus, tmp_path / "x", settings, unlabelled=more)
    seen = f"  {corpus.test[0].text.upper()} "
    with pytest.raises(InputError, match=r"^unlabelled: 1 texts given that .* is validated or tested on"):
        train(asked, corpus, tmp_path / "x", settings, unlabelled=[*more, seen])


@pytest.mark.parametrize("design", DESIGNS)
def test_a_run_leaves_a_model_folder(stock_folder, tmp_path, design):
    corpus = toy_corpus()
    seen = []
    report = train(request(stock_folder, design), corpus, tmp_path / "x", SETTINGS, seen.append)
    names = {path.name for path in (tmp_path / "x").iterdir()}
    assert names >= {"config.json", "model.safetensors", "tokenizer.json", "training_report.json", "README.md"}
    assert not {name for name in names if name.startswith(".") or "checkpoint" in name or "request" in name}
    assert TrainingReport.load(tmp_path / "x" / "training_report.json") == report
    classifier = ExplainableClassifier.load(tmp_path / "x")
    assert classifier.labels == ("negative", "positive")
    for split, accuracy in ((corpus.validation, report.validation_accuracy), (corpus.test, report.test_accuracy)):
        predicted = [prediction.label for prediction in classifier.predict([example.text for example in split])]
        right = [label == example.label for label, example in zip(predicted, split, strict=True)]
        assert sum(right) / len(right) == accuracy
    assert [epoch.epoch for epoch in report.epochs] == [1, 2]
    assert report.validation_accuracy == max(epoch.validation_accuracy for epoch in report.epochs)
    assert report.n_parameters == classifier.model.num_parameters()
    assert report.run["corpus"]["fingerprint"] == corpus.fingerprint
    assert (report.value_layer, report.resumed) == (1 if design == "lexical" else 4, False)
    assert [progress.step for progress in seen if progress.validation_accuracy is None] == [1, 2, 3]
    assert (seen[-1].step, seen[-1].n_steps, seen[-1].epoch) == (6, 6, 2.0)
    assert design in (tmp_path / "x" / "README.md").read_text()


def test_it_learns(stock_folder, tmp_path):
    settings = TrainingSettings(epochs=12, batch_size=8, learning_rate=1e-2, early_stopping_patience=12)
    report = train(
        request(stock_folder, "lexical", value_layer=0), toy_corpus(n_train=64, n_test=40), tmp_path / "x", settings
    )
    assert report.test_accuracy == 1.0
    assert report.epochs[-1].train_loss < report.epochs[0].train_loss / 2


@pytest.mark.parametrize("design", ["additive", "lexical"])
def test_what_speaks_for_one_of_two_labels_speaks_against_the_other(stock_folder, tmp_path, design):
    """The classifier starts with weights that sum to zero over the labels, and cross-entropy keeps them so."""
    train(request(stock_folder, design), toy_corpus(), tmp_path / "x", SETTINGS)
    classifier = ExplainableClassifier.load(tmp_path / "x")
    (against,) = classifier.explain(["the film is great"], target="negative")
    (towards,) = classifier.explain(["the film is great"], target="positive")
    assert max(map(abs, towards.attribution.scores)) > 1e-3
    assert against.attribution.scores == pytest.approx([-score for score in towards.attribution.scores], abs=1e-5)


def test_a_finished_run_is_not_trained_again(stock_folder, tmp_path, monkeypatch):
    report = train(request(stock_folder), toy_corpus(), tmp_path / "x", SETTINGS)
    monkeypatch.setattr(run, "ClassifierTrainer", None)
    assert train(request(stock_folder), toy_corpus(), tmp_path / "x", SETTINGS) == report
    with pytest.raises(FileError, match=r"holds another run \(settings seed 0 there, 1 asked for\)"):
        train(request(stock_folder), toy_corpus(), tmp_path / "x", dataclasses.replace(SETTINGS, seed=1))
    with pytest.raises(FileError, match=r"holds another run \(corpus rows train 24 there, 25 asked for\)"):
        train(request(stock_folder), toy_corpus(n_train=25), tmp_path / "x", SETTINGS)


def test_repeated_rows_are_written_down_and_decide_nothing(stock_folder, tmp_path):
    corpus = dataclasses.replace(toy_corpus(), n_duplicates=7)
    report = train(request(stock_folder), corpus, tmp_path / "x", SETTINGS)
    assert report.run["corpus"]["n_duplicates"] == 7
    card = (tmp_path / "x" / "README.md").read_text()
    assert "training rows; rows left out as their text was there already: 7\n- corpus fingerprint" in card
    assert train(request(stock_folder), toy_corpus(), tmp_path / "x", SETTINGS) == report


def test_the_same_seed_gives_the_same_model(stock_folder, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(request(stock_folder), toy_corpus(), tmp_path / name, dataclasses.replace(SETTINGS, seed=seed))
    first, same, other = (weights(tmp_path / name) for name in "abc")
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["classifier.weight"], other["classifier.weight"])


def test_a_student_listens_to_its_teacher(stock_folder, tmp_path):
    train(request(stock_folder, "vanilla"), toy_corpus(), tmp_path / "teacher", SETTINGS)
    taught = request(stock_folder, "lexical", teacher=str(tmp_path / "teacher"))
    report = train(taught, toy_corpus(), tmp_path / "taught", SETTINGS)
    train(request(stock_folder, "lexical"), toy_corpus(), tmp_path / "alone", SETTINGS)
    name = "classifier.weight"
    assert not torch.equal(weights(tmp_path / "taught")[name], weights(tmp_path / "alone")[name])
    teacher = ExplainableClassifier.load(tmp_path / "teacher")
    assert report.run["request"]["teacher_fingerprint"] == teacher.provenance.fingerprint
    elsewhere = dataclasses.replace(taught, teacher=f"{tmp_path}/./teacher")
    assert train(elsewhere, toy_corpus(), tmp_path / "taught", SETTINGS) == report


def test_teachers_that_cannot_teach(stock_folder, tmp_path, tokenizer, build):
    with pytest.raises(ModelError, match=r"^teacher: 'nowhere' given; accepted: a model folder"):
        train(request(stock_folder, teacher="nowhere"), toy_corpus(), tmp_path / "x", SETTINGS)
    build("vanilla").save_pretrained(tmp_path / "teacher")
    with pytest.raises(InputError, match=r"knows labels LABEL_0, LABEL_1, LABEL_2; accepted: negative, positive"):
        train(request(stock_folder, teacher=str(tmp_path / "teacher")), toy_corpus(), tmp_path / "x", SETTINGS)
    model = ExplainableBertForSequenceClassification.from_base(stock_folder)
    model.config.id2label = {0: "negative", 1: "positive"}
    model.save_pretrained(tmp_path / "teacher")
    other = type(tokenizer)(vocab={**tokenizer.get_vocab(), "extra": 99})
    other.save_pretrained(tmp_path / "teacher")
    with pytest.raises(InputError, match=r"has another vocabulary than base"):
        train(request(stock_folder, teacher=str(tmp_path / "teacher")), toy_corpus(), tmp_path / "x", SETTINGS)
    assert not (tmp_path / "x").exists()


def test_designs_with_a_twin_need_a_teacher(stock_folder, tmp_path):
    message = r"^teacher: none given for design 'explainable'; accepted: a trained model's folder, or training.twin"
    with pytest.raises(InputError, match=message):
        train(request(stock_folder, "explainable"), toy_corpus(), tmp_path / "x", SETTINGS)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("fields", [{"value_layer": 5}, {"design": "triple"}, {"base": "no-such-folder"}])
def test_requests_that_do_not_fit_leave_no_folder(stock_folder, tmp_path, fields):
    wrong = dataclasses.replace(request(stock_folder, "lexical"), **fields)
    with pytest.raises(ModelError, match=next(iter(fields))):
        train(wrong, toy_corpus(), tmp_path / "x", SETTINGS)
    assert not (tmp_path / "x").exists()


def test_outputs_that_hold_something_else(stock_folder, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileError, match=r"^output: .* is a file"):
        train(request(stock_folder), toy_corpus(), tmp_path / "file", SETTINGS)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "diary.txt").write_text("mine")
    with pytest.raises(FileError, match=r"^output: folder .* holds something else"):
        train(request(stock_folder), toy_corpus(), tmp_path / "folder", SETTINGS)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["diary.txt"]
    (tmp_path / "empty").mkdir()
    assert train(request(stock_folder), toy_corpus(), tmp_path / "empty", SETTINGS).resumed is False


def test_only_complete_checkpoints_are_taken(tmp_path):
    described = {"request": {"base": "minilm", "teacher": None}, "settings": {"seed": 0}}
    assert run_folder.prepare(tmp_path, described) is None
    for step in (9, 10, 11):
        folder = run_folder.checkpoints_folder(tmp_path) / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        if step < 11:
            run_folder.mark_complete(folder)
    assert run_folder.prepare(tmp_path, described).name == "checkpoint-10"
    assert not (run_folder.checkpoints_folder(tmp_path) / "checkpoint-11").exists()
    with pytest.raises(FileError, match=r"holds another run \(settings seed 0 there, 7 asked for\)"):
        run_folder.prepare(tmp_path, {**described, "settings": {"seed": 7}})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", -1),
        ("learning_rate", 0.0),
        ("masked_share", 1.5),
        ("distillation_temperature", 0.0),
        ("max_length", 2),
        ("seed", -1),
        ("weight_decay", 1.0),
        ("readout_rate", 0.0),
        ("readout_rate", -1.0),
        ("readout_rate", 1000.5),
    ],
)
def test_settings_out_of_range(field, value):
    with pytest.raises(InputError, match=f"^{field}: {value} given; accepted: "):
        TrainingSettings(**{field: value})


def command(stock_folder, data, output, epochs):
    return [
        *(sys.executable, "-m", "explainable_bert", "train", "--design", "lexical", "--base", str(stock_folder)),
        *("--data", str(data), "--output", str(output), "--masked-fine-tuning", "--batch-size", "8"),
        *("--epochs", str(epochs), "--early-stopping-patience", str(epochs), "--learning-rate", "0.003"),
    ]


def one_thread():
    """A gradient that is zero but for rounding, the key bias's, differs with the number of threads."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def finish(arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, env=one_thread(), timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    return done


def wait_for_a_checkpoint(process, folder):
    deadline = time.monotonic() + 120
    while not list(folder.glob("checkpoints/*/manifest.json")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def data(tmp_path):
    corpus = toy_corpus(n_train=60, n_validation=20, n_test=20)
    rows = {example.text: example for example in (*corpus.train, *corpus.validation, *corpus.test)}
    numbered = [
        {"text": f"{text} {'!' * n}", "label": example.label} for text, example in rows.items() for n in range(5)
    ]
    write_table(numbered, tmp_path / "toy.csv")
    return tmp_path / "toy.csv"


def test_a_killed_training_is_continued_and_ends_like_an_unbroken_one(stock_folder, data, tmp_path):
    epochs = 6
    finish(command(stock_folder, data, tmp_path / "unbroken", epochs))
    arguments = command(stock_folder, data, tmp_path / "killed", epochs)
    killed = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=one_thread())
    wait_for_a_checkpoint(killed, tmp_path / "killed")
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not (tmp_path / "killed" / "training_report.json").exists()
    finish(command(stock_folder, data, tmp_path / "killed", epochs))
    report = TrainingReport.load(tmp_path / "killed" / "training_report.json")
    expected = TrainingReport.load(tmp_path / "unbroken" / "training_report.json")
    assert report.resumed
    assert [epoch.epoch for epoch in report.epochs] == list(range(1, epochs + 1))
    for epoch, unbroken_epoch in zip(report.epochs, expected.epochs, strict=True):
        assert dataclasses.astuple(epoch) == pytest.approx(dataclasses.astuple(unbroken_epoch), abs=1e-6)
    ended, unbroken_weights = weights(tmp_path / "killed"), weights(tmp_path / "unbroken")
    for name, weight in ended.items():
        torch.testing.assert_close(weight, unbroken_weights[name], atol=1e-6, rtol=0)


LAUNCH = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def test_two_processes_train_as_one_does(stock_folder, data, tmp_path):
    """The same steps of the same number of texts; other batches, so that numbers agree to noise."""
    epochs = 4
    done = finish([*LAUNCH, *command(stock_folder, data, tmp_path / "two", epochs)[1:]])
    finish(command(stock_folder, data, tmp_path / "one", epochs))
    n_steps = epochs * math.ceil(len(load_corpus(str(data)).train) / 8)
    assert f"step {n_steps} of {n_steps}, epoch {epochs}.0" in done.stderr
    assert done.stdout.count("validation accuracy") == 1
    two, one = (TrainingReport.load(tmp_path / name / "training_report.json") for name in ("two", "one"))
    assert [epoch.epoch for epoch in two.epochs] == [1, 2, 3, 4]
    assert min(two.validation_accuracy, one.validation_accuracy) > 0.85
    assert two.epochs[-1].train_loss == pytest.approx(one.epochs[-1].train_loss, abs=0.15)
    assert ExplainableClassifier.load(tmp_path / "two").labels == ("negative", "positive")


def test_what_two_processes_began_one_ends(stock_folder, data, tmp_path):
    epochs = 4
    arguments = [*LAUNCH, *command(stock_folder, data, tmp_path / "x", epochs)[1:]]
    begun = psutil.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=one_thread())
    wait_for_a_checkpoint(begun, tmp_path / "x")
    for process in [begun, *begun.children(recursive=True)]:
        process.kill()
    begun.wait()
    assert not (tmp_path / "x" / "training_report.json").exists()
    finish(command(stock_folder, data, tmp_path / "x", epochs))
    report = TrainingReport.load(tmp_path / "x" / "training_report.json")
    assert report.resumed
    assert [epoch.epoch for epoch in report.epochs] == [1, 2, 3, 4]
    assert report.validation_accuracy > 0.85


def test_texts_that_cannot_be_shared_out(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    settings = dataclasses.replace(SETTINGS, batch_size=8, gradient_accumulation=2)
    with pytest.raises(InputError, match=r"batch_size: 8 given; accepted: a multiple of 6, the processes times"):
        _texts_per_pass(settings)


def test_passes_of_a_step_and_states_computed_twice_learn_the_same(stock_folder, tmp_path):
    """One step of all rows, without dropout: what the passes learn is what one pass learns."""
    base = shutil.copytree(stock_folder, tmp_path / "base")
    config = json.loads((base / "config.json").read_text())
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (base / "config.json").write_text(json.dumps({**config, **still}))
    whole = TrainingSettings(epochs=1, batch_size=24, learning_rate=3e-2, warmup_share=0.0)
    found = [
        train(request(base), toy_corpus(), tmp_path / str(number), dataclasses.replace(whole, **change)).epochs[0]
        for number, change in enumerate(({}, {"gradient_accumulation": 4}, {"gradient_checkpointing": True}))
    ]
    for epoch in found[1:]:
        assert epoch.train_loss == pytest.approx(found[0].train_loss, abs=1e-4)
        assert epoch.validation_loss == pytest.approx(found[0].validation_loss, abs=1e-3)


def test_every_pass_of_a_step_has_holes_of_its_own(stock_folder, tmp_path, monkeypatch):
    drawn = []
    draw = trainer.draw_mask
    monkeypatch.setattr(trainer, "draw_mask", lambda *given: drawn.append(draw(*given)) or drawn[-1])
    settings = dataclasses.replace(
        SETTINGS, epochs=1, gradient_accumulation=2, masked_fine_tuning=True, masked_share=1.0
    )
    train(request(stock_folder), toy_corpus(), tmp_path / "x", settings)
    assert not torch.equal(drawn[0], drawn[1])


def test_long_texts_are_learnt_window_by_window(stock_folder, tmp_path):
    """Every window has its text's label; accuracy is that of texts, as `predict` labels them."""
    corpus = toy_corpus(n_train=24, n_validation=8, n_test=8)
    long = dataclasses.replace(
        corpus,
        **{
            split: tuple(
                dataclasses.replace(example, text=f"{example.text}. {'the film . ' * 30} {example.text}")
                for example in getattr(corpus, split)
            )
            for split in ("train", "validation", "test")
        },
    )
    report = train(request(stock_folder), long, tmp_path / "x", dataclasses.replace(SETTINGS, epochs=3))
    assert report.n_tokens_dropped == 0
    classifier = ExplainableClassifier.load(tmp_path / "x")
    predictions = classifier.predict([example.text for example in long.test])
    assert all(prediction.n_windows > 2 for prediction in predictions)
    right = [found.label == example.label for found, example in zip(predictions, long.test, strict=True)]
    assert report.test_accuracy == pytest.approx(sum(right) / len(right))
    with pytest.raises(InputError, match=r"texts\[0\]: \d+ tokens given; accepted: at most 41"):
        train(request(stock_folder), long, tmp_path / "y", dataclasses.replace(SETTINGS, long="error"))


def test_other_base_weights_are_another_run(tmp_path, tokenizer):
    base = tmp_path / "base"
    for seed in (0, 1):
        torch.manual_seed(seed)
        BertModel(BertConfig(**SIZES)).save_pretrained(base)
        tokenizer.save_pretrained(base)
        if seed == 0:
            train(request(base), toy_corpus(), tmp_path / "x", SETTINGS)
    with pytest.raises(FileError, match=r"holds another run \(request base_fingerprint "):
        train(request(base), toy_corpus(), tmp_path / "x", SETTINGS)


def test_tokenizers_that_do_not_fit(tmp_path, tokenizer):
    base = tmp_path / "base"
    BertModel(BertConfig(**{**SIZES, "vocab_size": 20})).save_pretrained(base)
    tokenizer.save_pretrained(base)
    with pytest.raises(ModelError, match=r"the tokenizer of .* has \d+ tokens, its model knows 20"):
        train(request(base), toy_corpus(), tmp_path / "x", SETTINGS)
    assert not (tmp_path / "x").exists()


def test_the_trained_window_is_kept(stock_folder, tmp_path):
    settings = dataclasses.replace(SETTINGS, max_length=6, long="truncate")
    report = train(request(stock_folder), toy_corpus(), tmp_path / "x", settings)
    assert report.n_tokens_dropped > 0
    classifier = ExplainableClassifier.load(tmp_path / "x")
    assert classifier.window == 6


def test_early_stopping_counts_on_after_a_restart(stock_folder, tmp_path):
    """A rate of almost zero never improves: patience 2 ends after three epochs, broken off in the third or not."""
    settings = TrainingSettings(epochs=6, batch_size=8, learning_rate=1e-9, early_stopping_patience=2)
    unbroken = train(request(stock_folder), toy_corpus(), tmp_path / "unbroken", settings)
    assert len(unbroken.epochs) == 3

    def stop(progress):
        if progress.step == 7:  # three steps an epoch: in the third
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(request(stock_folder), toy_corpus(), tmp_path / "broken", settings, stop)
    continued = train(request(stock_folder), toy_corpus(), tmp_path / "broken", settings)
    assert continued.resumed
    assert len(continued.epochs) == 3


@pytest.mark.parametrize("content", ["{", "[]", '{"request": 3}'])
def test_damaged_requests_are_named(stock_folder, tmp_path, content):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "training_request.json").write_text(content)
    with pytest.raises(FileError, match=r"training_request.json' (is damaged|describes no run)"):
        train(request(stock_folder), toy_corpus(), tmp_path / "x", SETTINGS)
