"""The model family: parity with stock BERT, exact contributions, padding, dtypes, files, Hugging Face habits."""

import os
from dataclasses import fields

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    BertForMaskedLM,
    BertModel,
    DataCollatorWithPadding,
    PreTrainedConfig,
    RobertaConfig,
    Trainer,
    TrainingArguments,
    pipeline,
)

from explainable_bert import ExplainableBertConfig, ExplainableBertForSequenceClassification
from explainable_bert.errors import ModelError
from explainable_bert.model.checkpoint import fingerprint, read_config
from explainable_bert.model.configuration import DESIGNS as ALL_DESIGNS
from tiny import ADDITIVE, DESIGNS, SIZES, VOCABULARY


@torch.no_grad()
def run(model, **inputs):
    return model(**inputs)


def test_vanilla_equals_stock(build, stock, batch):
    expected = run(stock, **batch).logits
    assert expected.std() > 0.05
    torch.testing.assert_close(run(build("vanilla"), **batch).logits, expected, atol=1e-5, rtol=0)


def test_vanilla_equals_stock_on_pairs(build, stock, batch):
    token_type_ids = torch.zeros_like(batch["input_ids"])
    token_type_ids[:, 4:] = 1
    expected = run(stock, **batch, token_type_ids=token_type_ids).logits
    assert (expected - run(stock, **batch).logits).abs().max() > 1e-3
    actual = run(build("vanilla"), **batch, token_type_ids=token_type_ids).logits
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=0)


def test_single_head_has_the_parameters_of_stock(build, stock):
    expected = {name: tuple(weight.shape) for name, weight in stock.state_dict().items()}
    assert {name: tuple(weight.shape) for name, weight in build("single-head").state_dict().items()} == expected


@pytest.mark.parametrize("design", ["vanilla", "single-head"])
def test_absorbed_final_block_equals_the_plain_block(build, batch, design):
    """The stock forward of the final block over all queries, with the design's heads, then pooler and classifier."""
    model = build(design)
    plain = run(model.bert, **batch)
    expected = model.classifier(plain.pooler_output)
    torch.testing.assert_close(run(model, **batch).logits, expected, atol=1e-5, rtol=0)


def test_the_designs_differ(build, batch):
    logits = [run(build(design), **batch).logits for design in DESIGNS]
    for index, left in enumerate(logits):
        for right in logits[index + 1 :]:
            assert (left - right).abs().max() > 1e-3


@pytest.mark.parametrize("design", ADDITIVE)
@pytest.mark.parametrize("function", ["softmax", "entmax15", "sparsemax"])
def test_contributions_sum_to_the_logits(build, batch, design, function):
    model = build(design, attention_function=function)
    output = run(model, **batch)
    assert output.contributions.shape == (2, 11, 3)
    total = model.classifier.bias + output.contributions.sum(dim=1)
    torch.testing.assert_close(output.logits, total, atol=1e-5, rtol=0)
    assert output.contributions.abs().amax() > 1e-3
    special = torch.isin(batch["input_ids"], torch.tensor([VOCABULARY[t] for t in ("[PAD]", "[CLS]", "[SEP]")]))
    assert output.attention[special].abs().sum() == 0
    assert output.contributions[special].abs().sum() == 0
    torch.testing.assert_close(output.attention.sum(dim=1), torch.ones(2))


@pytest.mark.parametrize("value_layer", [0, 1, 3, 4])
def test_contributions_by_the_formula(build, batch, value_layer):
    """contribution_jc = α_j w_cᵀ W_O W_V x_j, with x_j the state after block k."""
    model = build("lexical", value_layer=value_layer)
    output = run(model, **batch, output_hidden_states=True)
    block = model.bert.encoder.layer[-1].attention
    for row, column in ((0, 3), (1, 5)):
        state = output.hidden_states[value_layer][row, column]
        value = model.classifier.weight @ (block.output.dense.weight @ (block.self.value.weight @ state))
        expected = output.attention[row, column] * value
        torch.testing.assert_close(output.contributions[row, column], expected, atol=1e-5, rtol=1e-5)


def test_lexical_at_the_last_layer_is_additive(build, batch):
    assert torch.equal(run(build("lexical", value_layer=4), **batch).logits, run(build("additive"), **batch).logits)


@pytest.mark.parametrize("value_layer", [0, 1, 4])
def test_explainable_is_lexical_by_its_forward_pass(build, batch, value_layer):
    """They differ in how they are trained, and in the value layer where none is given: a sixth of 5 blocks is none."""
    ours, lexical = build("explainable", value_layer=value_layer), build("lexical", value_layer=value_layer)
    assert fingerprint(ours) == fingerprint(lexical)
    output, expected = run(ours, **batch), run(lexical, **batch)
    for field in ("logits", "attention", "contributions"):
        assert torch.equal(output[field], expected[field])
    by_default = torch.equal(run(build("explainable"), **batch).logits, expected.logits)
    assert by_default == (value_layer == 0)


@pytest.mark.parametrize(
    ("n_blocks", "expected"),
    [
        (12, {"vanilla": 11, "single-head": 11, "additive": 11, "lexical": 4, "explainable": 2}),
        (6, {"vanilla": 5, "single-head": 5, "additive": 5, "lexical": 2, "explainable": 1}),
        (5, {"vanilla": 4, "single-head": 4, "additive": 4, "lexical": 1, "explainable": 0}),
    ],
)
def test_value_layers_by_default(n_blocks, expected):
    layers = {
        design: ExplainableBertConfig(design=design, num_hidden_layers=n_blocks).values_from for design in ALL_DESIGNS
    }
    assert layers == expected


def test_what_designs_may_do():
    traits = {name: (design.readout, design.free_value_layer, design.has_twin) for name, design in ALL_DESIGNS.items()}
    assert traits == {
        "vanilla": ("pooler", False, False),
        "single-head": ("pooler", False, False),
        "additive": ("additive", False, False),
        "lexical": ("additive", True, False),
        "explainable": ("additive", True, True),
    }
    config = ExplainableBertConfig(design="explainable")
    assert (config.readout, config.n_final_heads) == ("additive", 1)


@pytest.mark.parametrize("design", ADDITIVE)
def test_a_row_with_nothing_to_attend_gives_the_bias(build, batch, design):
    model = build(design)
    ids = torch.full((2, 11), VOCABULARY["[PAD]"])
    ids[0] = batch["input_ids"][0]
    ids[1, 0], ids[1, 1] = VOCABULARY["[CLS]"], VOCABULARY["[SEP]"]
    for mask in ((ids != 0).long(), (ids != 0).long() * torch.tensor([[1], [0]])):
        output = run(model, input_ids=ids, attention_mask=mask, return_attention_map=True)
        assert torch.equal(output.logits[1], model.classifier.bias)
        assert output.attention[1].abs().sum() == 0
        for values in (output.logits, output.contributions, output.attention_map):
            assert torch.isfinite(values).all()


@pytest.mark.parametrize("design", DESIGNS)
def test_padding_on_either_side_changes_nothing(build, batch, design):
    model = build(design)
    short = {name: values[1:, :7] for name, values in batch.items()}
    expected = run(model, **short)
    left = {name: torch.cat([torch.zeros(1, 4, dtype=torch.long), values], dim=1) for name, values in short.items()}
    for padded, columns in ((batch, slice(0, 7)), (left, slice(4, 11))):
        output = run(model, **padded, return_attention_map=True)
        torch.testing.assert_close(output.logits[-1:], expected.logits, atol=1e-5, rtol=0)
        torch.testing.assert_close(output.attention[-1:, columns], expected.attention, atol=1e-5, rtol=0)
        assert output.attention[-1].sum().item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("design", DESIGNS)
def test_the_whole_map_is_there_when_asked_for(build, batch, design):
    model = build(design)
    assert run(model, **batch).attention_map is None
    output = run(model, **batch, return_attention_map=True)
    assert output.attention_map.shape == (2, 11, 11)
    torch.testing.assert_close(output.attention_map[:, 0], output.attention, atol=1e-5, rtol=0)


@pytest.mark.parametrize("design", DESIGNS)
def test_eager_and_sdpa_below_agree(build, batch, design):
    model = build(design)
    expected = run(model, **batch).logits
    model.set_attn_implementation("eager")
    torch.testing.assert_close(run(model, **batch).logits, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(build, batch, design, dtype):
    model = build(design)
    expected = run(model, **batch)
    output = run(model.to(dtype), **batch)
    if design in ADDITIVE:
        total = model.classifier.bias.float() + output.contributions.sum(dim=1)
        torch.testing.assert_close(output.logits, total, atol=1e-5, rtol=0)
    else:
        assert output.logits.dtype == dtype
    tolerance = 0.2 if dtype == torch.bfloat16 else 0.02
    torch.testing.assert_close(output.logits.float(), expected.logits, atol=tolerance, rtol=0)
    torch.testing.assert_close(output.attention.float(), expected.attention, atol=tolerance, rtol=0)


@pytest.mark.parametrize("design", DESIGNS)
def test_inputs_embeds_give_the_same(build, batch, design):
    model = build(design)
    embedded = model.bert.embeddings.word_embeddings(batch["input_ids"])
    special = torch.isin(batch["input_ids"], torch.tensor([VOCABULARY[t] for t in ("[PAD]", "[CLS]", "[SEP]")]))
    output = run(
        model, inputs_embeds=embedded, attention_mask=batch["attention_mask"], special_tokens_mask=special.long()
    )
    torch.testing.assert_close(output.logits, run(model, **batch).logits, atol=1e-6, rtol=0)


def test_inputs_embeds_need_the_special_tokens_of_additive_designs(build, batch):
    embedded = torch.randn(2, 11, 21)
    with pytest.raises(ValueError, match=r"^special_tokens_mask: None given; design 'additive' does not attend"):
        build("additive")(inputs_embeds=embedded)
    assert run(build("vanilla"), inputs_embeds=embedded).logits.shape == (2, 3)
    with pytest.raises(ValueError, match="exactly one"):
        build("vanilla")(inputs_embeds=embedded, input_ids=batch["input_ids"])


@pytest.mark.parametrize("design", DESIGNS)
def test_saved_and_loaded_it_is_the_same(build, batch, tmp_path, design):
    model = build(design)
    model.save_pretrained(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    expected = run(model, **batch).logits
    for loader in (ExplainableBertForSequenceClassification, AutoModelForSequenceClassification):
        loaded = loader.from_pretrained(tmp_path)
        assert isinstance(loaded, ExplainableBertForSequenceClassification)
        assert loaded.config.design == design
        assert torch.equal(run(loaded.eval(), **batch).logits, expected)
        assert fingerprint(loaded) == fingerprint(model)


@pytest.mark.parametrize("value_layer", [None, 0, 2, 11])
def test_the_value_layer_survives_saving(tmp_path, value_layer):
    config = ExplainableBertConfig(design="lexical", value_layer=value_layer)
    config.save_pretrained(tmp_path)
    loaded = AutoConfig.from_pretrained(tmp_path)
    assert isinstance(loaded, ExplainableBertConfig)
    assert loaded.values_from == config.values_from == (4 if value_layer is None else value_layer)


@pytest.mark.parametrize("stock_class", [BertModel, BertForMaskedLM])
@pytest.mark.parametrize("design", DESIGNS)
def test_any_stock_checkpoint_starts_a_design(tmp_path, batch, stock_class, design):
    torch.manual_seed(0)
    stock = stock_class(BertConfig(**SIZES))
    stock.save_pretrained(tmp_path)
    encoder = stock if stock_class is BertModel else stock.bert
    model = ExplainableBertForSequenceClassification.from_base(
        tmp_path, design=design, num_labels=2, special_token_ids=[0, 2, 3]
    )
    kept = {name: weight for name, weight in model.bert.state_dict().items() if not name.startswith("pooler.")}
    expected = encoder.state_dict()
    assert len(kept) > 70
    for name, weight in kept.items():
        assert torch.equal(weight, expected[name]), name
    assert torch.isfinite(run(model, **batch).logits).all()


def test_a_classifier_of_other_labels_is_drawn_anew(stock_folder, stock):
    model = ExplainableBertForSequenceClassification.from_base(stock_folder, num_labels=2)
    assert model.classifier.weight.shape == (2, 21)
    same = ExplainableBertForSequenceClassification.from_base(stock_folder, num_labels=3)
    assert torch.equal(same.classifier.weight, stock.classifier.weight)


def test_the_tokenizer_tells_the_special_tokens(stock_folder, tmp_path, batch):
    model = ExplainableBertForSequenceClassification.from_base(stock_folder, design="additive")
    assert model.config.special_token_ids == [VOCABULARY[t] for t in ("[PAD]", "[CLS]", "[SEP]")]
    BertModel(BertConfig(**SIZES)).save_pretrained(tmp_path)
    without = ExplainableBertForSequenceClassification.from_base(tmp_path, design="additive")
    with pytest.raises(ValueError, match=r"^special_tokens_mask: None given.*or input_ids and config.special"):
        without(**batch)


def test_parameters_are_counted_without_what_additive_designs_drop(build, stock):
    # Feed-forward 2·21·31 + 31 + 21, two layer norms 2·2·21, value and output biases 2·21, pooler 21·21 + 21.
    dropped = (2 * 21 * 31 + 31 + 21) + 4 * 21 + 2 * 21 + (21 * 21 + 21)
    for design in ADDITIVE:
        assert build(design).num_parameters() == stock.num_parameters() - dropped


@pytest.mark.parametrize("design", DESIGNS)
def test_every_parameter_learns(build, batch, design):
    """No parameter is without a gradient: distributed training would refuse it."""
    model = build(design)
    model.train()
    loss = model(**batch, labels=torch.tensor([2, 0])).loss
    loss.backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []


def test_loss_is_cross_entropy_by_hand(build, batch):
    output = run(build("single-head"), **batch, labels=torch.tensor([2, 0]))
    probabilities = output.logits.softmax(dim=-1)
    expected = -(probabilities[0, 2].log() + probabilities[1, 0].log()) / 2
    torch.testing.assert_close(output.loss, expected)


@pytest.mark.parametrize("design", DESIGNS)
def test_hugging_face_pipeline(build, tokenizer, tmp_path, design):
    build(design).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    classify = pipeline("text-classification", model=str(tmp_path), device="cpu")
    answer = classify("the film is great")
    assert answer[0]["label"] in {"LABEL_0", "LABEL_1", "LABEL_2"}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"design": "double-head"},
            "design: 'double-head' given; accepted: vanilla, single-head, additive, lexical, explainable$",
        ),
        ({"design": "lexical", "value_layer": 12}, r"value_layer: 12 given; accepted: 0 \(embeddings\) to 11"),
        ({"design": "lexical", "value_layer": -1}, "value_layer: -1 given"),
        (
            {"design": "additive", "value_layer": 3},
            r"value_layer: 3 given; design 'additive' reads the last states \(11\): "
            "use design 'explainable' or 'lexical' for other value layers$",
        ),
        ({"design": "explainable", "value_layer": 12}, r"value_layer: 12 given; accepted: 0 \(embeddings\) to 11"),
        ({"attention_function": "hardmax"}, "attention_function: 'hardmax' given; accepted: softmax, entmax15"),
        ({"design": "vanilla", "attention_function": "sparsemax"}, "vanilla accepts softmax only"),
        ({"num_labels": 1}, "num_labels: 1 given; accepted: 2 or more"),
    ],
)
def test_configs_that_contradict_themselves(config, message):
    with pytest.raises(ModelError, match=message):
        ExplainableBertConfig(**config)


@pytest.mark.parametrize(
    ("argument", "given", "message"),
    [
        ("model", "runs/ticket", "model: no folder 'runs/ticket'; did you mean 'runs/tickets'?"),
        ("base", "runs/ticket/", "base: no folder 'runs/ticket/'; did you mean 'runs/tickets'?"),
        ("model", "./runs/films", "model: no folder './runs/films'; accepted: a model folder or a hub name"),
        ("model", "./run", "model: no folder './run'; did you mean 'runs'?"),
        ("model", "~/x", "model: no folder '~/x'; accepted: a model folder or a hub name"),
        ("model", "/no-such/x", "model: no folder '/no-such/x'; accepted: a model folder or a hub name"),
        ("model", "some/long/x", "model: no folder 'some/long/x'; accepted: a model folder or a hub name"),
        ("model", "films\\x", "model: no folder 'films\\\\x'; accepted: a model folder or a hub name"),
        ("base", "minlm", "base: 'minlm' given; did you mean 'minilm'?"),
        ("base", "MiniLM", "base: 'MiniLM' given; did you mean 'minilm'?"),
        (
            "model",
            "run",
            "model: 'run' is neither a folder nor a model the hub could give (asked); did you mean 'runs'?",
        ),
        ("model", "minlm", "model: 'minlm' is neither a folder nor a model the hub could give (asked)"),
        (
            "base",
            "bert-base-uncased",
            "base: 'bert-base-uncased' is neither a folder nor a model the hub could give (asked)",
        ),
        ("model", "some/hub-name", "model: 'some/hub-name' is neither a folder nor a model the hub could give (asked)"),
    ],
)
def test_slips_are_not_sought_at_the_hub(tmp_path, monkeypatch, argument, given, message):
    (tmp_path / "runs" / "tickets").mkdir(parents=True)
    (tmp_path / "runs" / "ticket.csv").touch()
    monkeypatch.chdir(tmp_path)

    def ask(*_):
        raise OSError("asked")

    monkeypatch.setattr(PreTrainedConfig, "get_config_dict", ask)
    with pytest.raises(ModelError) as refused:
        read_config(given, argument)
    assert str(refused.value) == message


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_whoever_may_read_other_new_files_may_read_the_weights(build, tmp_path, mask):
    before = os.umask(mask)
    try:
        build("additive").save_pretrained(tmp_path)
        (tmp_path / "other").touch()
    finally:
        os.umask(before)
    weights, other = ((tmp_path / name).stat().st_mode for name in ("model.safetensors", "other"))
    assert weights == other


def test_bases_that_cannot_be_used(tmp_path, stock_folder):
    load = ExplainableBertForSequenceClassification.from_base
    with pytest.raises(ModelError, match=r"^base: folder .* is not a model: it has no config.json"):
        load(tmp_path)
    with pytest.raises(ModelError, match=r"^base: 'no-such/model' is neither a folder nor a model the hub could give"):
        load("no-such/model")
    RobertaConfig().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="is a model of type 'roberta'; accepted: bert, explainable_bert"):
        load(tmp_path)
    BertConfig(**SIZES).save_pretrained(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickled")
    with pytest.raises(ModelError, match=r"has no model.safetensors; weights are read from safetensors only"):
        load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(tmp_path)
    with pytest.raises(ModelError, match="is a file"):
        load(tmp_path / "config.json")
    with pytest.raises(ModelError, match=r"^use_safetensors: False given; accepted: True"):
        ExplainableBertForSequenceClassification.from_pretrained(stock_folder, use_safetensors=False)


def test_a_checkpoint_that_lacks_blocks_is_refused(tmp_path):
    BertModel(BertConfig(**{**SIZES, "num_hidden_layers": 2})).save_pretrained(tmp_path)
    BertConfig(**SIZES).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"has the weights of 2 blocks; its config says 5"):
        ExplainableBertForSequenceClassification.from_base(tmp_path)


def test_from_pretrained_makes_a_design_of_a_stock_checkpoint(stock_folder, stock, batch):
    load = ExplainableBertForSequenceClassification.from_pretrained
    vanilla = load(stock_folder, design="vanilla").eval()
    torch.testing.assert_close(run(vanilla, **batch).logits, run(stock, **batch).logits, atol=1e-5, rtol=0)
    assert load(stock_folder).config.design == "single-head"
    lexical = load(stock_folder, design="lexical", value_layer=2).eval()
    assert lexical.config.special_token_ids == [0, 2, 3]
    assert run(lexical, **batch).contributions is not None


def test_fields_that_no_design_knows(stock_folder):
    load = ExplainableBertForSequenceClassification.from_base
    with pytest.raises(ModelError, match=r"^valuelayer: given, but no field of ExplainableBertConfig"):
        load(stock_folder, valuelayer=3)


def test_a_separator_typed_by_a_user_is_not_attended(build, batch):
    ids = batch["input_ids"].clone()
    ids[0, 4] = VOCABULARY["[SEP]"]
    mask = torch.zeros_like(ids)
    mask[:, 0] = 1
    output = run(build("additive"), input_ids=ids, attention_mask=batch["attention_mask"], special_tokens_mask=mask)
    assert output.attention[0, 4] == 0
    assert output.attention[0, 3] > 0


def test_hidden_states_are_asked_for_by_argument_or_config(build, batch):
    model = build("single-head")
    assert run(model, **batch).hidden_states is None
    assert len(run(model, **batch, output_hidden_states=True).hidden_states) == 5
    model.config.output_hidden_states = True
    assert len(run(model, **batch).hidden_states) == 5


def test_positions_may_be_given(build, batch):
    model = build("single-head")
    positions = torch.arange(11).expand(2, -1)
    expected = run(model, **batch).logits
    torch.testing.assert_close(run(model, **batch, position_ids=positions).logits, expected)
    assert (run(model, **batch, position_ids=positions + 3).logits - expected).abs().max() > 1e-3


@pytest.mark.parametrize("design", DESIGNS)
def test_the_trainer_of_transformers_takes_it(build, tokenizer, tmp_path, design):
    """Plain Trainer, its default collator, texts as a tokenizer gives them, and gradient checkpointing."""
    model = build(design)
    texts = ["the film is good", "a dull plot", "very bad", "great"]
    rows = [{**tokenizer(text), "labels": index % 3} for index, text in enumerate(texts)]
    before = model.classifier.weight.clone()
    newer = "activation_checkpointing" in {field.name for field in fields(TrainingArguments)}
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=3,
        learning_rate=1e-2,
        per_device_train_batch_size=2,
        **{"activation_checkpointing" if newer else "gradient_checkpointing": True},
        report_to="none",
        disable_tqdm=True,
        save_strategy="no",
        dataloader_pin_memory=False,
        use_cpu=True,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=rows,
        eval_dataset=rows,
        data_collator=DataCollatorWithPadding(tokenizer),
    )
    trainer.train()
    assert not torch.equal(model.classifier.weight, before)
    assert trainer.predict(rows).predictions.shape == (4, 3)
