"""Everything that can be given wrongly to the command: one line that says what, the exit code, and nothing left."""

import re
import shlex
from dataclasses import dataclass

import pytest

from bad_input_samples import make_place
from test_cli import call


@dataclass(frozen=True)
class Bad:
    """A call that must fail; `...` in the message stands for what a library says there, or for long lists."""

    name: str
    arguments: str
    message: str
    code: int = 1


# PLACE is the folder that the command runs in, GOODS a text beyond the models' windows.
CASES = [
    Bad(
        "predict: no-config",
        "predict no-config film",
        "model: folder 'no-config' is not a model: it has no config.json",
    ),
    Bad("predict: config-cut", "predict config-cut film", "model: 'config-cut' cannot be loaded: ..."),
    Bad("predict: config-empty", "predict config-empty film", "model: 'config-empty' cannot be loaded: ..."),
    Bad("predict: config-binary", "predict config-binary film", "model: 'config-binary' cannot be loaded: ..."),
    Bad(
        "predict: config-list",
        "predict config-list film",
        "model: 'config-list' cannot be loaded: config.json: [] given; accepted: an object",
    ),
    Bad(
        "predict: config-folder",
        "predict config-folder film",
        "model: folder 'config-folder' is not a model: it has no config.json",
    ),
    Bad(
        "predict: config-roberta",
        "predict config-roberta film",
        "model: 'config-roberta' is a model of type 'roberta'; accepted: bert, explainable_bert",
    ),
    Bad(
        "predict: config-untyped",
        "predict config-untyped film",
        "model: 'config-untyped' is a model of type None; accepted: bert, explainable_bert",
    ),
    Bad(
        "predict: config-unknown-type",
        "predict config-unknown-type film",
        "model: 'config-unknown-type' is a model of type 'perceptron'; accepted: bert, explainable_bert",
    ),
    Bad(
        "predict: config-flat",
        "predict config-flat film",
        "model: 'config-flat' has num_hidden_layers 0 in its config; accepted: 1 to 10000",
    ),
    Bad(
        "predict: config-negative",
        "predict config-negative film",
        "model: 'config-negative' has hidden_size -21 in its config; accepted: 1 to 100000",
    ),
    Bad(
        "predict: config-words",
        "predict config-words film",
        "model: 'config-words' has hidden_size 'wide' in its config; accepted: 1 to 100000",
    ),
    Bad(
        "predict: config-odd-heads", "predict config-odd-heads film", "model: 'config-odd-heads' cannot be loaded: ..."
    ),
    Bad(
        "predict: config-no-heads",
        "predict config-no-heads film",
        "model: 'config-no-heads' has num_attention_heads 0 in its config; accepted: 1 to 10000",
    ),
    Bad(
        "predict: config-activation",
        "predict config-activation film",
        "model: 'config-activation' cannot be loaded: there is no 'shiny'",
    ),
    Bad(
        "predict: config-design",
        "predict config-design film",
        "design: 'triple' given; accepted: vanilla, single-head, additive, lexical, explainable",
    ),
    Bad(
        "predict: config-value-layer",
        "predict config-value-layer film",
        "value_layer: 5 given; accepted: 0 (embeddings) to 4",
    ),
    Bad(
        "predict: config-attention",
        "predict config-attention film",
        "attention_function: 'hardmax' given; accepted: softmax, entmax15, sparsemax, uniform",
    ),
    Bad("predict: config-one-label", "predict config-one-label film", "num_labels: 1 given; accepted: 2 or more"),
    Bad(
        "predict: config-three-labels",
        "predict config-three-labels film",
        "model: 'config-three-labels' lacks or misshapes 2 weights, such as classifier.bias",
    ),
    Bad(
        "predict: config-same-labels",
        "predict config-same-labels film",
        "model: 'config-same-labels' has id2label {'0': 'a', '1': 'a'} in its config; accepted: a name of"
        " its own for each number from 0",
    ),
    Bad(
        "predict: config-odd-labels",
        "predict config-odd-labels film",
        "model: 'config-odd-labels' has id2label {'0': 'a', '7': 'b'} in its config; accepted: a name of "
        "its own for each number from 0",
    ),
    Bad(
        "predict: config-regression",
        "predict config-regression film",
        "model: 'config-regression' is for regression; accepted: single_label_classification",
    ),
    Bad(
        "predict: pickled",
        "predict pickled film",
        "model: folder 'pickled' has no model.safetensors; weights are read from safetensors only (load a"
        " .bin checkpoint with transformers where you trust it and save it again with save_pretrained)",
    ),
    Bad("predict: weights-cut", "predict weights-cut film", "model: 'weights-cut' cannot be loaded: ..."),
    Bad("predict: weights-empty", "predict weights-empty film", "model: 'weights-empty' cannot be loaded: ..."),
    Bad("predict: weights-text", "predict weights-text film", "model: 'weights-text' cannot be loaded: ..."),
    Bad(
        "predict: weights-huge-header",
        "predict weights-huge-header film",
        "model: 'weights-huge-header' cannot be loaded: ...",
    ),
    Bad(
        "predict: weights-missing",
        "predict weights-missing film",
        "model: 'weights-missing' lacks or misshapes 1 weights, such as classifier.weight",
    ),
    Bad(
        "predict: weights-misshapen",
        "predict weights-misshapen film",
        "model: 'weights-misshapen' lacks or misshapes 1 weights, such as classifier.weight",
    ),
    Bad(
        "predict: weights-nan",
        "predict weights-nan film",
        "model: 'weights-nan' has weights that are no finite numbers, such as classifier.weight",
    ),
    Bad(
        "explain: weights-nan",
        "explain weights-nan film",
        "model: 'weights-nan' has weights that are no finite numbers, such as classifier.weight",
    ),
    Bad(
        "predict: weights-other",
        "predict weights-other film",
        "model: 'weights-other' has the weights of 0 blocks; its config says 5 (num_hidden_layers)",
    ),
    Bad(
        "predict: weights-shards",
        "predict weights-shards film",
        "model: folder 'weights-shards' has no model.safetensors; weights are read from safetensors only "
        "(load a .bin checkpoint with transformers where you trust it and save it again with "
        "save_pretrained)",
    ),
    Bad(
        "predict: tokenizer-missing",
        "predict tokenizer-missing film",
        "model: 'tokenizer-missing' holds no tokenizer that can be loaded",
    ),
    Bad(
        "predict: tokenizer-cut",
        "predict tokenizer-cut film",
        "model: 'tokenizer-cut' holds no tokenizer that can be loaded",
    ),
    Bad(
        "predict: tokenizer-list",
        "predict tokenizer-list film",
        "model: 'tokenizer-list' holds no tokenizer that can be loaded",
    ),
    Bad(
        "predict: tokenizer-binary",
        "predict tokenizer-binary film",
        "model: 'tokenizer-binary' holds no tokenizer that can be loaded",
    ),
    Bad(
        "predict: tokenizer-larger",
        "predict tokenizer-larger film",
        "model: the tokenizer of 'tokenizer-larger' has 45 tokens, its model knows 36",
    ),
    Bad(
        "info: report-cut",
        "info report-cut",
        "model: 'report-cut/training_report.json' is not a training report of explainable-bert: ...",
    ),
    Bad(
        "info: report-other",
        "info report-other",
        "model: 'report-other/training_report.json' is not a training report of explainable-bert: ...",
    ),
    Bad(
        "info: report-bare",
        "info report-bare",
        "model: 'report-bare/training_report.json' is not a training report of explainable-bert: the report: no ...",
    ),
    Bad(
        "predict: headless",
        "predict headless film",
        "model: 'headless' is a BERT without a trained classifier; make one with: explainable-bert train "
        "--base headless",
    ),
    Bad(
        "predict: films.csv film",
        "predict films.csv film",
        "model: 'films.csv' is a file; accepted: a model folder or a hub name",
    ),
    Bad(
        "predict: nowhere",
        "predict nowhere film",
        "model: 'nowhere' is neither a folder nor a model the hub could give (...)",
    ),
    Bad(
        "predict: some/hub-name",
        "predict some/hub-name film",
        "model: 'some/hub-name' is neither a folder nor a model the hub could give (...)",
    ),
    Bad("predict: blank", "predict '' film", "model: folder '' is not a model: it has no config.json"),
    Bad(
        "predict: not a name!",
        "predict 'not a name!' film",
        "model: no folder 'not a name!'; accepted: a model folder or a hub name",
    ),
    Bad("predict: graph-empty", "predict graph-empty film", "model: 'graph-empty' holds no graph that can be run: ..."),
    Bad("predict: graph-text", "predict graph-text film", "model: 'graph-text' holds no graph that can be run: ..."),
    Bad(
        "predict: graph-no-facts",
        "predict graph-no-facts film",
        "model: 'graph-no-facts' holds no graph that can be run: there is no 'explainable_bert'",
    ),
    Bad(
        "predict: graph-odd-facts",
        "predict graph-odd-facts film",
        "model: 'graph-odd-facts' holds no graph that can be run: its explainable_bert: [] given; accepted: an object",
    ),
    Bad(
        "predict: graph-later",
        "predict graph-later film",
        "model: 'graph-later' holds no graph that can be run: format_version 99; this version reads 1",
    ),
    Bad(
        "predict: graph-no-tokenizer",
        "predict graph-no-tokenizer film",
        "model: 'graph-no-tokenizer' holds no graph that can be run: there is no input 'attention_mask'",
    ),
    Bad(
        "predict: graph-other",
        "predict graph-other film",
        "model: 'graph-other' holds no graph that can be run: there is no input 'attention_mask'",
    ),
    Bad(
        "explain: graph-other",
        "explain graph-other film",
        "model: 'graph-other' holds no graph that can be run: there is no input 'attention_mask'",
    ),
    Bad(
        "explain: graph-other method saliency",
        "explain graph-other film --method saliency",
        "model: 'graph-other' holds no graph that can be run: there is no input 'attention_mask'",
    ),
    Bad(
        "info: graph-other",
        "info graph-other",
        "model: 'graph-other' holds no graph that can be run: there is no input 'attention_mask'",
    ),
    Bad(
        "audit: graph-other",
        "audit graph-other film",
        "model: 'graph-other' holds no graph that can be run: there is no input 'attention_mask'",
    ),
    Bad(
        "predict: an empty text",
        "predict lexical ''",
        "texts[0]: '' given; accepted: a text with at least one visible character",
    ),
    Bad(
        "predict: a blank text",
        "predict lexical ' '",
        "texts[0]: ' ' given; accepted: a text with at least one visible character",
    ),
    Bad(
        "predict: good long error pair blank",
        "predict lexical good --long error --pair ''",
        "texts[0]: ('good', '') given; accepted: a text with at least one visible character",
    ),
    Bad(
        "predict: GOODS long error",
        "predict lexical GOODS --long error",
        "texts[0]: 52 tokens given; accepted: at most 41, or long: window or truncate",
    ),
    Bad(
        "predict: input missing.csv",
        "predict lexical --input missing.csv",
        "path: cannot read 'missing.csv': No such file or directory; accepted is a file ending in .csv, "
        ".tsv, .jsonl, .parquet, .txt",
    ),
    Bad(
        "predict: input folder.csv",
        "predict lexical --input folder.csv",
        "path: cannot read 'folder.csv': Is a directory; accepted is a file ending in .csv, .tsv, .jsonl,"
        " .parquet, .txt",
    ),
    Bad(
        "predict: input empty",
        "predict lexical --input empty",
        "path: 'empty' cannot be read by its extension; accepted are .csv, .tsv, .jsonl, .parquet, .txt",
    ),
    Bad(
        "predict: input table.docx",
        "predict lexical --input table.docx",
        "path: 'table.docx' cannot be read by its extension; accepted are .csv, .tsv, .jsonl, .parquet, .txt",
    ),
    Bad(
        "predict: input numbers.json",
        "predict lexical --input numbers.json",
        "path: 'numbers.json' cannot be read by its extension; accepted are .csv, .tsv, .jsonl, .parquet, .txt",
    ),
    Bad(
        "predict: input empty.csv",
        "predict lexical --input empty.csv",
        "path: 'empty.csv' is empty; at least one row is needed",
    ),
    Bad(
        "predict: input blank.csv",
        "predict lexical --input blank.csv",
        "path: 'blank.csv' is empty; at least one row is needed",
    ),
    Bad(
        "predict: input header.csv",
        "predict lexical --input header.csv",
        "--input: header.csv has no row with a text (first: no rows); accepted: one or more",
    ),
    Bad(
        "predict: input ragged.csv",
        "predict lexical --input ragged.csv",
        "path: 'ragged.csv' is not a well-formed .csv file: ...",
    ),
    Bad(
        "predict: input latin1.csv",
        "predict lexical --input latin1.csv",
        "path: 'latin1.csv' is not UTF-8 text (byte 14); save it as UTF-8",
    ),
    Bad(
        "predict: input utf16.csv",
        "predict lexical --input utf16.csv",
        "path: 'utf16.csv' is not UTF-8 text (byte 0); save it as UTF-8",
    ),
    Bad(
        "predict: input nul.csv",
        "predict lexical --input nul.csv",
        "path: 'nul.csv' is not a well-formed .csv file: ...",
    ),
    Bad(
        "predict: input binary.csv",
        "predict lexical --input binary.csv",
        "path: 'binary.csv' is not UTF-8 text (byte 128); save it as UTF-8",
    ),
    Bad(
        "predict: input unclosed.csv",
        "predict lexical --input unclosed.csv",
        "path: 'unclosed.csv' is not a well-formed .csv file: ...",
    ),
    Bad(
        "predict: input twice.csv",
        "predict lexical --input twice.csv",
        "path: 'twice.csv' has several columns called 'text'; names must differ",
    ),
    Bad(
        "predict: input blank-texts.csv",
        "predict lexical --input blank-texts.csv",
        "--input: blank-texts.csv has no row with a text (first: blank-texts.csv row 1: text is empty); accepted: one "
        "or more",
    ),
    Bad(
        "predict: input text-column review",
        "predict lexical --input films.csv --text-column review",
        "--text-column: no column 'review' in films.csv; its columns are 'text', 'label'",
    ),
    Bad(
        "predict: input text-column blank",
        "predict lexical --input films.csv --text-column ''",
        "--text-column: no column '' in films.csv; its columns are 'text', 'label'",
    ),
    Bad(
        "predict: input pair-column second",
        "predict lexical --input films.csv --pair-column second",
        "--pair-column: no column 'second' in films.csv; its columns are 'text', 'label'",
    ),
    Bad(
        "predict: input empty.jsonl",
        "predict lexical --input empty.jsonl",
        "path: 'empty.jsonl' is empty; at least one row is needed",
    ),
    Bad(
        "predict: input broken.jsonl",
        "predict lexical --input broken.jsonl",
        "path: 'broken.jsonl' is not a well-formed .jsonl file: ...",
    ),
    Bad(
        "predict: input array.jsonl",
        "predict lexical --input array.jsonl",
        "path: 'array.jsonl' is not a well-formed .jsonl file: ...",
    ),
    Bad(
        "predict: input scalar.jsonl",
        "predict lexical --input scalar.jsonl",
        "path: 'scalar.jsonl' is not a well-formed .jsonl file: ...",
    ),
    Bad(
        "predict: input mixed.jsonl",
        "predict lexical --input mixed.jsonl",
        "path: 'mixed.jsonl' is not a well-formed .jsonl file: ...",
    ),
    Bad(
        "predict: input numbers.jsonl",
        "predict lexical --input numbers.jsonl",
        "--text-column: column 'text' of numbers.jsonl holds int64; accepted are strings",
    ),
    Bad(
        "predict: input lists.jsonl",
        "predict lexical --input lists.jsonl",
        "--text-column: column 'text' of lists.jsonl holds list<item: string>; accepted are strings",
    ),
    Bad(
        "predict: input same-key.jsonl",
        "predict lexical --input same-key.jsonl",
        "path: 'same-key.jsonl' is not a well-formed .jsonl file: ...",
    ),
    Bad(
        "predict: input surrogate.jsonl",
        "predict lexical --input surrogate.jsonl",
        "path: 'surrogate.jsonl' is not a well-formed .jsonl file: ...",
    ),
    Bad(
        "predict: input latin1.jsonl",
        "predict lexical --input latin1.jsonl",
        "path: 'latin1.jsonl' is not UTF-8 text (byte 13); save it as UTF-8",
    ),
    Bad(
        "predict: input empty.parquet",
        "predict lexical --input empty.parquet",
        "path: 'empty.parquet' is empty; at least one row is needed",
    ),
    Bad(
        "predict: input garbage.parquet",
        "predict lexical --input garbage.parquet",
        "path: 'garbage.parquet' is not a well-formed .parquet file: ...",
    ),
    Bad(
        "predict: input cut.parquet",
        "predict lexical --input cut.parquet",
        "path: 'cut.parquet' is not a well-formed .parquet file: ...",
    ),
    Bad(
        "predict: input nested.parquet",
        "predict lexical --input nested.parquet",
        "--text-column: column 'text' of nested.parquet holds list<element: string>; accepted are strings",
    ),
    Bad(
        "predict: input twice.parquet",
        "predict lexical --input twice.parquet",
        "path: 'twice.parquet' has several columns called 'text'; names must differ",
    ),
    Bad(
        "predict: input latin1.parquet",
        "predict lexical --input latin1.parquet",
        "path: 'latin1.parquet' is not a well-formed .parquet file: ...",
    ),
    Bad(
        "predict: input empty.txt",
        "predict lexical --input empty.txt",
        "path: 'empty.txt' is empty; at least one row is needed",
    ),
    Bad(
        "predict: input latin1.txt",
        "predict lexical --input latin1.txt",
        "path: 'latin1.txt' is not UTF-8 text (byte 3); save it as UTF-8",
    ),
    Bad(
        "predict: input blank.txt",
        "predict lexical --input blank.txt",
        "path: 'blank.txt' is empty; at least one row is needed",
    ),
    Bad(
        "predict: input whole.parquet text-column label",
        "predict lexical --input whole.parquet --text-column label",
        "--text-column: column 'label' of whole.parquet holds int64; accepted are strings",
    ),
    Bad(
        "predict: table.docx",
        "predict lexical film --output table.docx",
        "path: 'table.docx' cannot be written by its extension; accepted are .csv, .jsonl, .parquet",
    ),
    Bad(
        "predict: output without an extension",
        "predict lexical film --output out",
        "path: 'out' cannot be written by its extension; accepted are .csv, .jsonl, .parquet",
    ),
    Bad(
        "predict: folder.csv",
        "predict lexical film --output folder.csv",
        "output: 'folder.csv' is a folder; accepted: the name of a file",
    ),
    Bad(
        "predict: films.csv/x.csv",
        "predict lexical film --output films.csv/x.csv",
        "output: cannot write 'films.csv/x.csv': 'PLACE/films.csv' is no folder that can be written to",
    ),
    Bad(
        "predict: output without a name",
        "predict lexical film --output ''",
        "path: '.' cannot be written by its extension; accepted are .csv, .jsonl, .parquet",
    ),
    Bad(
        "explain: page.bmp",
        "explain lexical film --output page.bmp",
        "path: 'page.bmp' given; accepted for pictures: .html, .svg, .png, .pdf, .json, .csv, .parquet",
    ),
    Bad(
        "explain: folder.html",
        "explain lexical film --output folder.html",
        "output: 'folder.html' is a folder; accepted: the name of a file",
    ),
    Bad(
        "explain: folder.json",
        "explain lexical film --output folder.json",
        "output: 'folder.json' is a folder; accepted: the name of a file",
    ),
    Bad(
        "explain: films.csv/page.svg",
        "explain lexical film --output films.csv/page.svg",
        "output: cannot write 'films.csv/page.svg': 'PLACE/films.csv' is no folder that can be written to",
    ),
    Bad(
        "explain: target neutral",
        "explain lexical film --target neutral",
        "target: 'neutral' given; accepted: negative, positive",
    ),
    Bad("explain: target blank", "explain lexical film --target ''", "target: '' given; accepted: negative, positive"),
    Bad(
        "explain: method salience",
        "explain lexical film --method salience",
        "method: 'salience' given; did you mean saliency or lime? accepted: built-in, attention, ...",
    ),
    Bad(
        "explain: method blank",
        "explain lexical film --method ''",
        "method: '' given; accepted: built-in, attention, ...",
    ),
    Bad(
        "explain: method built-in,attention-max",
        "explain lexical film --method built-in,attention-max",
        "method: 'attention-max' given for design 'lexical': its final block has one head, whose weights "
        "method 'attention' gives; accepted: built-in, attention, ...",
    ),
    Bad(
        "explain: method built-in,",
        "explain lexical film --method built-in,",
        "method: '' given; accepted: built-in, attention, ...",
    ),
    Bad("explain: seed -1", "explain lexical film --seed -1", "seed: -1 given; accepted: a whole number from 0"),
    Bad(
        "explain: versus nowhere",
        "explain lexical film --versus nowhere",
        "model: 'nowhere' is neither a folder nor a model the hub could give (...)",
    ),
    Bad(
        "explain: versus",
        "explain lexical film --versus stock",
        "versus: 'stock' knows labels LABEL_0, LABEL_1, LABEL_2; accepted: negative, positive",
    ),
    Bad(
        "explain: versus graph-text",
        "explain lexical film --versus graph-text",
        "model: 'graph-text' holds no graph that can be run: ...",
    ),
    Bad(
        "explain: GOODS map page.html",
        "explain lexical GOODS --map --output page.html",
        "attention_map: the text that begins 'good good good good good good good good ' is read in 2 "
        "windows, which have no common map; accepted: texts of one window, or long='truncate'",
    ),
    Bad(
        "explain: GOODS map page.json",
        "explain lexical GOODS --map --output page.json",
        "attention_map: the text that begins 'good good good good good good good good ' is read in 2 "
        "windows, which have no common map; accepted: texts of one window, or long='truncate'",
    ),
    Bad(
        "explain: versus graph-other method saliency",
        "explain lexical film --versus graph-other --method saliency",
        "model: 'graph-other' holds no graph that can be run: there is no input 'attention_mask'",
    ),
    Bad(
        "evaluate: nowhere",
        "evaluate nowhere --data films.csv --output out",
        "model: 'nowhere' is neither a folder nor a model the hub could give (...)",
    ),
    Bad(
        "evaluate: missing.csv",
        "evaluate lexical --data missing.csv --output out",
        "path: cannot read 'missing.csv': No such file or directory; accepted is a file ending in .csv, "
        ".tsv, .jsonl, .parquet, .txt",
    ),
    Bad(
        "evaluate: neutral.csv",
        "evaluate lexical --data neutral.csv --output out",
        "examples: row 5 has label 'neutral'; accepted by 'lexical': 'negative', 'positive'",
    ),
    Bad(
        "evaluate: no-labels.csv",
        "evaluate lexical --data no-labels.csv --output out",
        "examples: none given; at least one is needed",
    ),
    Bad(
        "evaluate: header.csv",
        "evaluate lexical --data header.csv --output out",
        "examples: none given; at least one is needed",
    ),
    Bad(
        "evaluate: blank-texts.csv",
        "evaluate lexical --data blank-texts.csv --output out",
        "examples: none given; at least one is needed",
    ),
    Bad(
        "evaluate: fractions.jsonl",
        "evaluate lexical --data fractions.jsonl --output out",
        "--label-column: column 'label' of fractions.jsonl holds 0.5; accepted are strings, whole numbers and booleans",
    ),
    Bad(
        "evaluate: objects.jsonl",
        "evaluate lexical --data objects.jsonl --output out",
        "--label-column: column 'label' of objects.jsonl holds struct<is: int64>; accepted are strings, "
        "whole numbers and booleans",
    ),
    Bad(
        "evaluate: empty",
        "evaluate lexical --data empty --output out",
        "data: no training file in 'empty'; accepted is train{.csv,.tsv,.jsonl,.parquet}",
    ),
    Bad(
        "evaluate: untrained",
        "evaluate lexical --data untrained --output out",
        "data: no training file in 'untrained'; accepted is train{.csv,.tsv,.jsonl,.parquet}",
    ),
    Bad(
        "evaluate: two-trains",
        "evaluate lexical --data two-trains --output out",
        "data: 'two-trains' holds 'train.csv' and 'train.tsv'; accepted is one file per split",
    ),
    Bad(
        "evaluate: numbers.json",
        "evaluate lexical --data numbers.json --output out",
        "path: 'numbers.json' holds [1, 2]; accepted is an object of posts by their id",
    ),
    Bad(
        "evaluate: broken.json",
        "evaluate lexical --data broken.json --output out",
        "path: 'broken.json' is no JSON that can be read: ...",
    ),
    Bad(
        "evaluate: empty.json",
        "evaluate lexical --data empty.json --output out",
        "path: 'empty.json' has no usable row; accepted are HateXplain's .json, and .jsonl with words and"
        " annotators (as Yelp-HAT) or evidences (as ERASER)",
    ),
    Bad(
        "evaluate: marked-short.jsonl",
        "evaluate lexical --data marked-short.jsonl --output out",
        "path: 'marked-short.jsonl' has no usable row (1 left out, first: marked-short.jsonl row 1: "
        "annotators, number 1, has 1 values for 2 words); accepted are HateXplain's .json, and .jsonl "
        "with words and annotators (as Yelp-HAT) or evidences (as ERASER)",
    ),
    Bad(
        "evaluate: marked-two.jsonl",
        "evaluate lexical --data marked-two.jsonl --output out",
        "path: 'marked-two.jsonl' has no usable row (1 left out, first: marked-two.jsonl row 1: "
        "annotators, number 1, holds 2; accepted are 0 and 1); accepted are HateXplain's .json, and "
        ".jsonl with words and annotators (as Yelp-HAT) or evidences (as ERASER)",
    ),
    Bad(
        "evaluate: marked-elsewhere.jsonl",
        "evaluate lexical --data marked-elsewhere.jsonl --output out",
        "path: 'marked-elsewhere.jsonl' has no usable row (1 left out, first: marked-elsewhere.jsonl row "
        "1: word 1 'bad' does not come next in the text after character 0); accepted are HateXplain's "
        ".json, and .jsonl with words and annotators (as Yelp-HAT) or evidences (as ERASER)",
    ),
    Bad(
        "evaluate: marked-words.jsonl",
        "evaluate lexical --data marked-words.jsonl --output out",
        "path: 'marked-words.jsonl' has no usable row (1 left out, first: marked-words.jsonl row 1: words"
        " is 'good film'; accepted is a list); accepted are HateXplain's .json, and .jsonl with words and"
        " annotators (as Yelp-HAT) or evidences (as ERASER)",
    ),
    Bad(
        "evaluate: marked-no-text.jsonl",
        "evaluate lexical --data marked-no-text.jsonl --output out",
        "path: 'marked-no-text.jsonl' has no usable row (1 left out, first: marked-no-text.jsonl row 1: "
        "text is missing); accepted are HateXplain's .json, and .jsonl with words and annotators (as "
        "Yelp-HAT) or evidences (as ERASER)",
    ),
    Bad(
        "evaluate: unmarked/test.jsonl",
        "evaluate lexical --data unmarked/test.jsonl --output out",
        "path: no documents in 'unmarked'; accepted are a folder 'docs' and a file 'docs.jsonl'",
    ),
    Bad(
        "evaluate: evidence.jsonl",
        "evaluate lexical --data evidence.jsonl --output out",
        "path: no documents in '.'; accepted are a folder 'docs' and a file 'docs.jsonl'",
    ),
    Bad(
        "evaluate: latin1.txt",
        "evaluate lexical --data latin1.txt --output out",
        "path: 'latin1.txt' is not UTF-8 text (byte 3); save it as UTF-8",
    ),
    Bad(
        "evaluate: some/dataset",
        "evaluate lexical --data some/dataset --output out",
        "data: 'some/dataset' is neither a named corpus (movie-snippets, amazon-snippets, tweets, "
        "editorials), nor a file or folder, nor a data set that the hub could give (...)",
    ),
    Bad(
        "evaluate: blank",
        "evaluate lexical --data '' --output out",
        "data: '' is neither a named corpus (movie-snippets, amazon-snippets, tweets, editorials), nor a "
        "file or folder, nor a data set that the hub could give (...)",
    ),
    Bad(
        "evaluate: lexical --data films.csv --output films.csv",
        "evaluate lexical --data films.csv --output films.csv",
        "output: 'films.csv' is a file; accepted: a new or empty folder, or one of the same run",
    ),
    Bad(
        "evaluate: full",
        "evaluate lexical --data films.csv --output full",
        "output: folder 'full' holds something else; accepted: a new or empty folder",
    ),
    Bad(
        "evaluate: half",
        "evaluate lexical --data films.csv --output half",
        "output: 'half/request.json' is damaged (...); remove the folder to start anew",
    ),
    Bad(
        "evaluate: listed",
        "evaluate lexical --data films.csv --output listed",
        "output: 'listed/request.json' describes no run; remove the folder to start anew",
    ),
    Bad(
        "evaluate: other",
        "evaluate lexical --data films.csv --output other",
        "output: folder 'other' holds another run (model ... there, ... asked for; ...); accepted: a "
        "new or empty folder, or one of the same run: choose another output, or remove that folder",
    ),
    Bad(
        "evaluate: films.csv/out",
        "evaluate lexical --data films.csv --output films.csv/out",
        "output: cannot make folder 'films.csv/out': Not a directory",
    ),
    Bad(
        "evaluate: methods salience",
        "evaluate lexical --data films.csv --output out --methods salience",
        "method: 'salience' given; did you mean saliency or lime? accepted: built-in, attention, ...",
    ),
    Bad(
        "evaluate: methods ,",
        "evaluate lexical --data films.csv --output out --methods ,",
        "methods: none given; at least one is needed",
    ),
    Bad(
        "evaluate: methods attention-max",
        "evaluate lexical --data films.csv --output out --methods attention-max",
        "method: 'attention-max' given for design 'lexical': its final block has one head, whose weights "
        "method 'attention' gives; accepted: built-in, attention, ...",
    ),
    Bad(
        "evaluate: metrics gino",
        "evaluate lexical --data films.csv --output out --metrics gino",
        "metrics: 'gino' given; did you mean 'gini'?; accepted: accuracy, macro-f1, ...",
    ),
    Bad(
        "evaluate: metrics blank",
        "evaluate lexical --data films.csv --output out --metrics ''",
        "metrics: none given; at least one is needed",
    ),
    Bad(
        "evaluate: metrics token-f1",
        "evaluate lexical --data films.csv --output out --metrics token-f1",
        "metrics: token-f1 given; without rationales none can be measured",
    ),
    Bad(
        "evaluate: erasure rubber",
        "evaluate lexical --data films.csv --output out --erasure rubber",
        "erasure: 'rubber' given; accepted: mask, attention-mask, deletion",
    ),
    Bad(
        "evaluate: seed -1",
        "evaluate lexical --data films.csv --output out --seed -1",
        "seed: -1 given; accepted: a whole number from 0",
    ),
    Bad(
        "evaluate: label-column stars",
        "evaluate lexical --data films.csv --output out --label-column stars",
        "--label-column: no column 'stars' in films.csv; its columns are 'text', 'label'",
    ),
    Bad(
        "evaluate: pair-column second",
        "evaluate lexical --data films.csv --output out --pair-column second",
        "--pair-column: no column 'second' in films.csv; its columns are 'text', 'label'",
    ),
    Bad(
        "evaluate: report-cut",
        "evaluate report-cut --data films.csv --output out",
        "model: 'report-cut/training_report.json' is not a training report of explainable-bert: ...",
    ),
    Bad(
        "evaluate: report-other",
        "evaluate report-other --data films.csv --output out",
        "model: 'report-other/training_report.json' is not a training report of explainable-bert: ...",
    ),
    Bad(
        "evaluate: report-bare",
        "evaluate report-bare --data films.csv --output out",
        "model: 'report-bare/training_report.json' is not a training report of explainable-bert: the report: no ...",
    ),
    Bad(
        "evaluate: weights-nan metrics accuracy",
        "evaluate weights-nan --data films.csv --output out --metrics accuracy",
        "model: 'weights-nan' has weights that are no finite numbers, such as classifier.weight",
    ),
    Bad(
        "evaluate: graph-other metrics accuracy",
        "evaluate graph-other --data films.csv --output out --metrics accuracy",
        "model: 'graph-other' holds no graph that can be run: there is no input 'attention_mask'",
    ),
    Bad(
        "compare: lexical --data films.csv --output out",
        "compare lexical --data films.csv --output out",
        "models: lexical given; accepted: two or more different ones",
    ),
    Bad(
        "compare: lexical lexical --data films.csv --output out",
        "compare lexical lexical --data films.csv --output out",
        "models: 'lexical' given twice; accepted: two or more different ones",
    ),
    Bad(
        "compare: none-*",
        "compare lexical 'none-*' --data films.csv --output out",
        "models: no folder matches 'none-*'; accepted: model folders, or patterns of them",
    ),
    Bad(
        "compare: lexical stock --data films.csv --output out",
        "compare lexical stock --data films.csv --output out",
        "models: 'stock' knows labels LABEL_0, LABEL_1, LABEL_2, 'lexical' negative, positive; accepted: "
        "models with the same labels in the same order",
    ),
    Bad(
        "compare: tokenizer-larger",
        "compare lexical tokenizer-larger --data films.csv --output out",
        "model: the tokenizer of 'tokenizer-larger' has 45 tokens, its model knows 36",
    ),
    Bad(
        "compare: vanilla neutral.csv",
        "compare lexical vanilla --data neutral.csv --output out",
        "examples: label 'neutral' given; accepted are the models' negative, positive",
    ),
    Bad(
        "compare: vanilla margin 0",
        "compare lexical vanilla --data films.csv --output out --margin 0",
        "margin: 0.0 given; accepted: between 0 and 1, such as 0.005",
    ),
    Bad(
        "compare: vanilla margin nan",
        "compare lexical vanilla --data films.csv --output out --margin nan",
        "margin: nan given; accepted: between 0 and 1, such as 0.005",
    ),
    Bad(
        "compare: vanilla margin -0.1",
        "compare lexical vanilla --data films.csv --output out --margin -0.1",
        "margin: -0.1 given; accepted: between 0 and 1, such as 0.005",
    ),
    Bad(
        "compare: vanilla margin 2",
        "compare lexical vanilla --data films.csv --output out --margin 2",
        "margin: 2.0 given; accepted: between 0 and 1, such as 0.005",
    ),
    Bad(
        "compare: vanilla erasure rubber",
        "compare lexical vanilla --data films.csv --output out --erasure rubber",
        "erasure: 'rubber' given; accepted: mask, attention-mask, deletion",
    ),
    Bad(
        "compare: vanilla seed -5",
        "compare lexical vanilla --data films.csv --output out --seed -5",
        "seed: -5 given; accepted: a whole number from 0",
    ),
    Bad(
        "compare: vanilla full",
        "compare lexical vanilla --data films.csv --output full",
        "output: folder 'full' holds something else; accepted: a new or empty folder",
    ),
    Bad(
        "compare: vanilla",
        "compare lexical vanilla --data films.csv --output films.csv",
        "output: 'films.csv' is a file; accepted: a new or empty folder, or one of the same run",
    ),
    Bad(
        "compare: graph-other",
        "compare lexical graph-other --data films.csv --output out",
        "model: 'graph-other' holds no graph that can be run: there is no input 'attention_mask'",
    ),
    Bad(
        "audit: nowhere",
        "audit nowhere film",
        "model: 'nowhere' is neither a folder nor a model the hub could give (...)",
    ),
    Bad(
        "audit: blank", "audit lexical ' '", "texts[0]: ' ' given; accepted: a text with at least one visible character"
    ),
    Bad(
        "audit: input missing.csv",
        "audit lexical --input missing.csv",
        "path: cannot read 'missing.csv': No such file or directory; accepted is a file ending in .csv, "
        ".tsv, .jsonl, .parquet, .txt",
    ),
    Bad(
        "audit: missing.csv",
        "audit lexical --data missing.csv",
        "path: cannot read 'missing.csv': No such file or directory; accepted is a file ending in .csv, "
        ".tsv, .jsonl, .parquet, .txt",
    ),
    Bad(
        "audit: input header.csv",
        "audit lexical --input header.csv",
        "--input: header.csv has no row with a text (first: no rows); accepted: one or more",
    ),
    Bad("audit: seed -1", "audit lexical film --seed -1", "seed: -1 given; accepted: a whole number from 0"),
    Bad(
        "audit: lexical film --output films.csv",
        "audit lexical film --output films.csv",
        "output: 'films.csv' is a file; accepted: a new or empty folder, or one of the same run",
    ),
    Bad(
        "audit: full",
        "audit lexical film --output full",
        "output: folder 'full' holds something else; accepted: a new or empty folder",
    ),
    Bad(
        "audit: films.csv/out",
        "audit lexical film --output films.csv/out",
        "output: cannot make folder 'films.csv/out': Not a directory",
    ),
    Bad(
        "check: min-accuracy nan",
        "check lexical --data films.csv --min-accuracy nan",
        "min-accuracy: nan given; accepted: 0 to 1",
    ),
    Bad(
        "check: min-accuracy 1.5",
        "check lexical --data films.csv --min-accuracy 1.5",
        "min-accuracy: 1.5 given; accepted: 0 to 1",
    ),
    Bad(
        "check: min-accuracy -0.5",
        "check lexical --data films.csv --min-accuracy -0.5",
        "min-accuracy: -0.5 given; accepted: 0 to 1",
    ),
    Bad(
        "check: max-effective-words inf",
        "check lexical --data films.csv --max-effective-words inf",
        "max-effective-words: inf given; accepted: 1 or more",
    ),
    Bad(
        "check: max-effective-words -1",
        "check lexical --data films.csv --max-effective-words -1",
        "max-effective-words: -1.0 given; accepted: 1 or more",
    ),
    Bad(
        "check: max-calibration-error nan",
        "check lexical --data films.csv --max-calibration-error nan",
        "max-calibration-error: nan given; accepted: 0 to 1",
    ),
    Bad(
        "check: max-special-token-mass 7",
        "check lexical --data films.csv --max-special-token-mass 7",
        "max-special-token-mass: 7.0 given; accepted: 0 to 1",
    ),
    Bad(
        "check: min-accuracy method salience",
        "check lexical --data films.csv --min-accuracy 0.5 --method salience",
        "method: 'salience' given; did you mean saliency or lime? accepted: built-in, attention, ...",
    ),
    Bad(
        "check: min-accuracy erasure rubber",
        "check lexical --data films.csv --min-accuracy 0.5 --erasure rubber",
        "erasure: 'rubber' given; accepted: mask, attention-mask, deletion",
    ),
    Bad(
        "check: neutral.csv min-accuracy",
        "check lexical --data neutral.csv --min-accuracy 0.5",
        "examples: row 5 has label 'neutral'; accepted by 'lexical': 'negative', 'positive'",
    ),
    Bad(
        "check: missing.csv min-accuracy",
        "check lexical --data missing.csv --min-accuracy 0.5",
        "path: cannot read 'missing.csv': No such file or directory; accepted is a file ending in .csv, "
        ".tsv, .jsonl, .parquet, .txt",
    ),
    Bad(
        "check: min-accuracy full",
        "check lexical --data films.csv --min-accuracy 0.5 --output full",
        "output: folder 'full' holds something else; accepted: a new or empty folder",
    ),
    Bad(
        "check: min-accuracy seed -1",
        "check lexical --data films.csv --min-accuracy 0.5 --seed -1",
        "seed: -1 given; accepted: a whole number from 0",
    ),
    Bad(
        "check: nowhere min-accuracy",
        "check nowhere --data films.csv --min-accuracy 0.5",
        "model: 'nowhere' is neither a folder nor a model the hub could give (...)",
    ),
    Bad(
        "check: min-accuracy",
        "check films.csv --data films.csv --min-accuracy 0.5",
        "model: 'films.csv' is a file; accepted: a model folder or a hub name",
    ),
    Bad(
        "corpus: nowhere",
        "corpus nowhere films.csv --output out",
        "model: 'nowhere' is neither a folder nor a model the hub could give (...)",
    ),
    Bad(
        "corpus: missing.csv",
        "corpus lexical missing.csv --output out",
        "input: there is nothing at 'missing.csv'; accepted: files, folders, patterns or addresses",
    ),
    Bad(
        "corpus: none-*.csv",
        "corpus lexical 'none-*.csv' --output out",
        "input: there is nothing at 'none-*.csv'; accepted: files, folders, patterns or addresses",
    ),
    Bad(
        "corpus: empty",
        "corpus lexical empty --output out",
        "input: 'empty' holds no file that can be read; accepted: .csv, .tsv, .jsonl, .parquet, .txt",
    ),
    Bad(
        "corpus: table.docx",
        "corpus lexical table.docx --output out",
        "input: 'table.docx' cannot be read by its extension; accepted: .csv, .tsv, .jsonl, .parquet, .txt",
    ),
    Bad(
        "corpus: numbers.json",
        "corpus lexical numbers.json --output out",
        "input: 'numbers.json' cannot be read by its extension; accepted: .csv, .tsv, .jsonl, .parquet, .txt",
    ),
    Bad(
        "corpus: empty.csv",
        "corpus lexical empty.csv --output out",
        "input: no row to read in 1 files (PLACE/empty.csv: there is no header)",
    ),
    Bad("corpus: header.csv", "corpus lexical header.csv --output out", "input: no row to read in 1 files"),
    Bad(
        "corpus: utf16.csv",
        "corpus lexical utf16.csv --output out",
        "input: no row to read in 1 files (PLACE/utf16.csv: column 'text' is not there; there are "
        "'\\udcff\\udcfe...x00x\\x00t\\x00', '\\x00l\\x00a\\x...\\x00\\x00l\\x00')",
    ),
    Bad(
        "corpus: nul.csv",
        "corpus lexical nul.csv --output out",
        "input: no row to read in 1 files (PLACE/nul.csv: column 'text' is not there; there are "
        "'\\x00\\x00\\x00...0\\x00\\x00\\x00')",
    ),
    Bad(
        "corpus: twice.csv",
        "corpus lexical twice.csv --output out",
        "input: no row to read in 1 files (PLACE/twice.csv: column 'text' is there several times; there "
        "are 'text', 'text', 'label')",
    ),
    Bad(
        "corpus: cut.parquet",
        "corpus lexical cut.parquet --output out",
        "input: no row to read in 1 files (PLACE/cut.parquet: ...)",
    ),
    Bad(
        "corpus: garbage.parquet",
        "corpus lexical garbage.parquet --output out",
        "input: no row to read in 1 files (PLACE/garbage.parquet: ...)",
    ),
    Bad(
        "corpus: empty.parquet",
        "corpus lexical empty.parquet --output out",
        "input: no row to read in 1 files (PLACE/empty.parquet: ...)",
    ),
    Bad(
        "corpus: lexical films.csv --output films.csv",
        "corpus lexical films.csv --output films.csv",
        "output: 'films.csv' is a file; accepted: a new or empty folder, or one of the same run",
    ),
    Bad(
        "corpus: films.csv/out",
        "corpus lexical films.csv --output films.csv/out",
        "output: cannot make folder 'films.csv/out': Not a directory",
    ),
    Bad(
        "corpus: full",
        "corpus lexical films.csv --output full",
        "output: folder 'full' holds something else; accepted: a new or empty folder",
    ),
    Bad(
        "corpus: half",
        "corpus lexical films.csv --output half",
        "output: 'half/request.json' is damaged (...); remove the folder to start anew",
    ),
    Bad(
        "corpus: listed",
        "corpus lexical films.csv --output listed",
        "output: 'listed/request.json' describes no run; remove the folder to start anew",
    ),
    Bad(
        "corpus: other",
        "corpus lexical films.csv --output other",
        "output: folder 'other' holds another run (model ... there, ... asked for; ...); accepted: a "
        "new or empty folder, or one of the same run: choose another output, or remove that folder",
    ),
    Bad(
        "corpus: columns review",
        "corpus lexical films.csv --output out --columns review",
        "input: no row to read in 1 files (PLACE/films.csv: column 'review' is not there; there are 'text', 'label')",
    ),
    Bad(
        "corpus: columns blank",
        "corpus lexical films.csv --output out --columns ''",
        "columns: '' given; accepted: a column of texts, or two of pairs",
    ),
    Bad(
        "corpus: columns a,b,c",
        "corpus lexical films.csv --output out --columns a,b,c",
        "columns: 'a,b,c' given; accepted: a column of texts, or two of pairs",
    ),
    Bad(
        "corpus: keep stars",
        "corpus lexical films.csv --output out --keep stars",
        "input: no row to read in 1 files (PLACE/films.csv: column 'stars' is not there; there are 'text', 'label')",
    ),
    Bad(
        "corpus: s3://bucket/films.csv",
        "corpus lexical s3://bucket/films.csv --output out",
        "input: 's3://bucket/films.csv' needs a package that is not installed: Install s3fs to access S3",
    ),
    Bad(
        "corpus: gopher://host/films.csv",
        "corpus lexical gopher://host/films.csv --output out",
        "input: 'gopher://host/films.csv' is no address that can be read: Protocol not known: gopher",
    ),
    Bad(
        "corpus: blank",
        "corpus lexical '' --output out",
        "input: '' given; accepted: files, folders, patterns or addresses",
    ),
    Bad(
        "corpus: engine ray address 127.0.0.1:1",
        "corpus lexical films.csv --output out --engine ray --address 127.0.0.1:1",
        "address: '127.0.0.1:1' cannot be reached (...); accepted: HOST:PORT of a Ray cluster",
    ),
    Bad(
        "corpus: engine ray address ray://127.0.0.1:1",
        "corpus lexical films.csv --output out --engine ray --address ray://127.0.0.1:1",
        "address: 'ray://127.0.0.1:1' cannot be reached (...); accepted: HOST:PORT of a Ray cluster",
    ),
    Bad(
        "train: design triple and no data",
        "train --base stock --data missing.csv --output out --design triple",
        "design: 'triple' given; accepted: vanilla, single-head, additive, lexical, explainable",
    ),
    Bad(
        "train: epochs 0 and design triple",
        "train --base stock --data missing.csv --output out --design triple --epochs 0",
        "epochs: 0 given; accepted: 1 or more",
    ),
    Bad(
        "train: output films.csv and no data",
        "train --base stock --data missing.csv --output films.csv",
        "output: 'films.csv' is a file; accepted: a new or empty folder, or one of the same run",
    ),
    Bad(
        "train: design design triple",
        "train --design lexical --base stock --data films.csv --output out --design triple",
        "design: 'triple' given; accepted: vanilla, single-head, additive, lexical, explainable",
    ),
    Bad(
        "train: value-layer 5",
        "train --design lexical --base stock --data films.csv --output out --value-layer 5",
        "value_layer: 5 given; accepted: 0 (embeddings) to 4",
    ),
    Bad(
        "train: value-layer -1",
        "train --design lexical --base stock --data films.csv --output out --value-layer -1",
        "value_layer: -1 given; accepted: 0 (embeddings) to 4",
    ),
    Bad(
        "train: design additive value-layer 1",
        "train --design additive --base stock --data films.csv --output out --value-layer 1",
        "value_layer: 1 given; design 'additive' reads the last states (4): use design 'explainable' or "
        "'lexical' for other value layers",
    ),
    Bad(
        "train: attention-function hardmax",
        "train --design lexical --base stock --data films.csv --output out --attention-function hardmax",
        "attention_function: 'hardmax' given; accepted: softmax, entmax15, sparsemax, uniform",
    ),
    Bad(
        "train: design vanilla attention-function entmax15",
        "train --design vanilla --base stock --data films.csv --output out --attention-function entmax15",
        "attention_function: 'entmax15' given; vanilla accepts softmax only",
    ),
    Bad(
        "train: nowhere",
        "train --design lexical --base nowhere --data films.csv --output out",
        "base: 'nowhere' is neither a folder nor a model the hub could give (...)",
    ),
    Bad(
        "train: pickled",
        "train --design lexical --base pickled --data films.csv --output out",
        "base: folder 'pickled' has no model.safetensors; weights are read from safetensors only (load a "
        ".bin checkpoint with transformers where you trust it and save it again with save_pretrained)",
    ),
    Bad(
        "train: config-roberta",
        "train --design lexical --base config-roberta --data films.csv --output out",
        "base: 'config-roberta' is a model of type 'roberta'; accepted: bert, explainable_bert",
    ),
    Bad(
        "train: tokenizer-missing",
        "train --design lexical --base tokenizer-missing --data films.csv --output out",
        "base: 'tokenizer-missing' holds no tokenizer that can be loaded",
    ),
    Bad(
        "train: weights-cut",
        "train --design lexical --base weights-cut --data films.csv --output out",
        "base: 'weights-cut' cannot be loaded: ...",
    ),
    Bad(
        "train: tokenizer-larger",
        "train --design lexical --base tokenizer-larger --data films.csv --output out",
        "base: the tokenizer of 'tokenizer-larger' has 45 tokens, its model knows 36",
    ),
    Bad(
        "train: graph-other",
        "train --design lexical --base graph-other --data films.csv --output out",
        "base: folder 'graph-other' is not a model: it has no config.json",
    ),
    Bad(
        "train: missing.csv",
        "train --design lexical --base stock --data missing.csv --output out",
        "path: cannot read 'missing.csv': No such file or directory; accepted is a file ending in .csv, "
        ".tsv, .jsonl, .parquet, .txt",
    ),
    Bad(
        "train: one-label.csv",
        "train --design lexical --base stock --data one-label.csv --output out",
        "data: the labels in training of 'one-label.csv' are 'positive'; at least two are needed",
    ),
    Bad(
        "train: few.csv",
        "train --design lexical --base stock --data few.csv --output out",
        "data: the validation split of 'few.csv' is empty; accepted are more rows, or a folder with a validation file",
    ),
    Bad(
        "train: no-labels.csv",
        "train --design lexical --base stock --data no-labels.csv --output out",
        "data: 'no-labels.csv' has no usable row (2 left out, first: no-labels.csv row 1: label is "
        "empty); accepted are rows with a text and a label",
    ),
    Bad(
        "train: blank-texts.csv",
        "train --design lexical --base stock --data blank-texts.csv --output out",
        "data: 'blank-texts.csv' has no usable row (2 left out, first: blank-texts.csv row 1: text is "
        "empty); accepted are rows with a text and a label",
    ),
    Bad(
        "train: empty",
        "train --design lexical --base stock --data empty --output out",
        "data: no training file in 'empty'; accepted is train{.csv,.tsv,.jsonl,.parquet}",
    ),
    Bad(
        "train: latin1.txt",
        "train --design lexical --base stock --data latin1.txt --output out",
        "path: 'latin1.txt' is not UTF-8 text (byte 3); save it as UTF-8",
    ),
    Bad(
        "train: label-column stars",
        "train --design lexical --base stock --data films.csv --output out --label-column stars",
        "--label-column: no column 'stars' in films.csv; its columns are 'text', 'label'",
    ),
    Bad(
        "train: epochs 0",
        "train --design lexical --base stock --data films.csv --output out --epochs 0",
        "epochs: 0 given; accepted: 1 or more",
    ),
    Bad(
        "train: epochs -3",
        "train --design lexical --base stock --data films.csv --output out --epochs -3",
        "epochs: -3 given; accepted: 1 or more",
    ),
    Bad(
        "train: batch-size 0",
        "train --design lexical --base stock --data films.csv --output out --batch-size 0",
        "batch_size: 0 given; accepted: 1 or more",
    ),
    Bad(
        "train: learning-rate 0",
        "train --design lexical --base stock --data films.csv --output out --learning-rate 0",
        "learning_rate: 0.0 given; accepted: above 0, below 1",
    ),
    Bad(
        "train: learning-rate nan",
        "train --design lexical --base stock --data films.csv --output out --learning-rate nan",
        "learning_rate: nan given; accepted: above 0, below 1",
    ),
    Bad(
        "train: learning-rate -1",
        "train --design lexical --base stock --data films.csv --output out --learning-rate -1",
        "learning_rate: -1.0 given; accepted: above 0, below 1",
    ),
    Bad(
        "train: max-length 2",
        "train --design lexical --base stock --data films.csv --output out --max-length 2",
        "max_length: 2 given; accepted: 3 or more",
    ),
    Bad(
        "train: gradient-accumulation 0",
        "train --design lexical --base stock --data films.csv --output out --gradient-accumulation 0",
        "gradient_accumulation: 0 given; accepted: 1 or more",
    ),
    Bad(
        "train: early-stopping-patience 0",
        "train --design lexical --base stock --data films.csv --output out --early-stopping-patience 0",
        "early_stopping_patience: 0 given; accepted: 1 or more",
    ),
    Bad(
        "train: seed -1",
        "train --design lexical --base stock --data films.csv --output out --seed -1",
        "seed: -1 given; accepted: 0 to 4294967295",
    ),
    Bad(
        "train: seed 4294967296",
        "train --design lexical --base stock --data films.csv --output out --seed 4294967296",
        "seed: 4294967296 given; accepted: 0 to 4294967295",
    ),
    Bad(
        "train: teacher nowhere",
        "train --design lexical --base stock --data films.csv --output out --teacher nowhere",
        "teacher: 'nowhere' given; accepted: a model folder made by explainable-bert train",
    ),
    Bad(
        "train: teacher",
        "train --design lexical --base stock --data films.csv --output out --teacher stock",
        "teacher: 'stock' knows labels LABEL_0, LABEL_1, LABEL_2; accepted: negative, positive",
    ),
    Bad(
        "train: teacher tokenizer-larger",
        "train --design lexical --base stock --data films.csv --output out --teacher tokenizer-larger",
        "teacher: 'tokenizer-larger' has another vocabulary than base 'stock'",
    ),
    Bad(
        "train: unlabelled",
        "train --design lexical --base stock --data films.csv --output out --unlabelled films.csv",
        "unlabelled: 144 texts given, but no teacher; accepted: texts for a teacher to label",
    ),
    Bad(
        "train: teacher vanilla unlabelled missing.csv",
        "train --design lexical --base stock --data films.csv --output out --teacher vanilla --unlabelled missing.csv",
        "path: cannot read 'missing.csv': No such file or directory; accepted is a file ending in .csv, "
        ".tsv, .jsonl, .parquet, .txt",
    ),
    Bad(
        "train: design vanilla values-apart",
        "train --design vanilla --base stock --data films.csv --output out --values-apart",
        "values_apart: given for design 'vanilla'; accepted: additive, lexical, explainable",
    ),
    Bad(
        "train: full",
        "train --design lexical --base stock --data films.csv --output full",
        "output: folder 'full' holds something else; accepted: a new or empty folder",
    ),
    Bad(
        "train: design",
        "train --design lexical --base stock --data films.csv --output films.csv",
        "output: 'films.csv' is a file; accepted: a new or empty folder, or one of the same run",
    ),
    Bad(
        "train: films.csv/out",
        "train --design lexical --base stock --data films.csv --output films.csv/out",
        "output: cannot make folder 'films.csv/out': Not a directory",
    ),
    Bad(
        "train: report-cut",
        "train --design lexical --base stock --data films.csv --output report-cut",
        "model: 'report-cut/training_report.json' is not a training report of explainable-bert: ...",
    ),
    Bad(
        "train: design lexical base stock data films.csv output lexical",
        "train --design lexical --base stock --data films.csv --output lexical",
        "output: folder 'lexical' holds something else; accepted: a new or empty folder",
    ),
    Bad(
        "train: /",
        "train --base stock --data films.csv --output /",
        "output: '/' given; accepted: a folder that another one can be beside",
    ),
    Bad(
        "train: base stock data films.csv output full",
        "train --base stock --data films.csv --output full",
        "output: folder 'full' holds something else; accepted: a new or empty folder",
    ),
    Bad(
        "train: base stock data films.csv output films.csv/out",
        "train --base stock --data films.csv --output films.csv/out",
        "output: cannot make folder 'films.csv/twin-of-out': Not a directory",
    ),
    Bad(
        "frontier: missing.csv grid",
        "frontier --base stock --data missing.csv --output out --grid value_layer=0",
        "path: cannot read 'missing.csv': No such file or directory; accepted is a file ending in .csv, "
        ".tsv, .jsonl, .parquet, .txt",
    ),
    Bad(
        "frontier: grid depth=3",
        "frontier --base stock --data films.csv --output out --grid depth=3",
        "grid: 'depth=3' given; accepted: FIELD=VALUE,VALUE... with a field of base, design, ...",
    ),
    Bad(
        "frontier: grid value_layer",
        "frontier --base stock --data films.csv --output out --grid value_layer",
        "value_layer: '' given; accepted: whole numbers, none",
    ),
    Bad(
        "frontier: grid value_layer=",
        "frontier --base stock --data films.csv --output out --grid value_layer=",
        "value_layer: '' given; accepted: whole numbers, none",
    ),
    Bad(
        "frontier: grid value_layer=0,0",
        "frontier --base stock --data films.csv --output out --grid value_layer=0,0",
        "grid: 'value_layer=0,0' given; accepted: each value once",
    ),
    Bad(
        "frontier: grid value_layer=high",
        "frontier --base stock --data films.csv --output out --grid value_layer=high",
        "value_layer: 'high' given; accepted: whole numbers, none",
    ),
    Bad(
        "frontier: grid grid value_layer=1",
        "frontier --base stock --data films.csv --output out --grid value_layer=0 --grid value_layer=1",
        "grid: 'value_layer' given more than once; accepted: each field once, with all its values",
    ),
    Bad(
        "frontier: grid design=triple",
        "frontier --base stock --data films.csv --output out --grid design=triple",
        "design: 'triple' given; accepted: vanilla, single-head, additive, lexical, explainable",
    ),
    Bad(
        "frontier: grid attention_function=hardmax",
        "frontier --base stock --data films.csv --output out --grid attention_function=hardmax",
        "attention_function: 'hardmax' given; accepted: softmax, entmax15, sparsemax, uniform",
    ),
    Bad(
        "frontier: grid bf16=perhaps",
        "frontier --base stock --data films.csv --output out --grid bf16=perhaps",
        "bf16: 'perhaps' given; accepted: true, false",
    ),
    Bad(
        "frontier: grid epochs=0",
        "frontier --base stock --data films.csv --output out --grid epochs=0",
        "epochs: 0 given; accepted: 1 or more",
    ),
    Bad(
        "frontier: grid learning_rate=nan",
        "frontier --base stock --data films.csv --output out --grid learning_rate=nan",
        "learning_rate: nan given; accepted: above 0, below 1",
    ),
    Bad(
        "frontier: design triple",
        "frontier --base stock --data films.csv --output out --design triple",
        "design: 'triple' given; accepted: vanilla, single-head, additive, lexical, explainable",
    ),
    Bad(
        "frontier: design vanilla",
        "frontier --base stock --data films.csv --output out --design vanilla",
        "arms: vanilla given; accepted: vanilla and at least another",
    ),
    Bad(
        "frontier: grid from-teacher",
        "frontier --base stock --data films.csv --output out --grid value_layer=0 --from-teacher",
        "teacher: none given, which from_teacher and unlabelled take; accepted: vanilla",
    ),
    Bad(
        "frontier: grid unlabelled",
        "frontier --base stock --data films.csv --output out --grid value_layer=0 --unlabelled films.csv",
        "teacher: none given, which from_teacher and unlabelled take; accepted: vanilla",
    ),
    Bad(
        "frontier: grid within nan",
        "frontier --base stock --data films.csv --output out --grid value_layer=0 --within nan",
        "within: nan given; accepted: 0 to 100 points of accuracy",
    ),
    Bad(
        "frontier: grid within -1",
        "frontier --base stock --data films.csv --output out --grid value_layer=0 --within -1",
        "within: -1.0 given; accepted: 0 to 100 points of accuracy",
    ),
    Bad(
        "frontier: grid epochs 0",
        "frontier --base stock --data films.csv --output out --grid value_layer=0 --epochs 0",
        "epochs: 0 given; accepted: 1 or more",
    ),
    Bad(
        "frontier: grid batch-size 0",
        "frontier --base stock --data films.csv --output out --grid value_layer=0 --batch-size 0",
        "batch_size: 0 given; accepted: 1 or more",
    ),
    Bad(
        "frontier: grid learning-rate 2",
        "frontier --base stock --data films.csv --output out --grid value_layer=0 --learning-rate 2",
        "learning_rate: 2.0 given; accepted: above 0, below 1",
    ),
    Bad(
        "frontier: grid max-length 0",
        "frontier --base stock --data films.csv --output out --grid value_layer=0 --max-length 0",
        "max_length: 0 given; accepted: 3 or more",
    ),
    Bad(
        "frontier: grid",
        "frontier --base stock --data films.csv --output films.csv --grid value_layer=0",
        "output: 'films.csv' is a file; accepted: a new or empty folder, or one of the same run",
    ),
    Bad(
        "frontier: full grid",
        "frontier --base stock --data films.csv --output full --grid value_layer=0",
        "output: folder 'full' holds something else ('diary.txt'); accepted: a new or empty folder, or an"
        " earlier frontier's",
    ),
    Bad(
        "frontier: one-label.csv grid",
        "frontier --base stock --data one-label.csv --output out --grid value_layer=0",
        "data: the labels in training of 'one-label.csv' are 'positive'; at least two are needed",
    ),
    Bad(
        "frontier: grid rationales missing.jsonl",
        "frontier --base stock --data films.csv --output out --grid value_layer=0 --rationales missing.jsonl",
        "path: cannot read 'missing.jsonl': No such file or directory",
    ),
    Bad(
        "frontier: grid rationales broken.json",
        "frontier --base stock --data films.csv --output out --grid value_layer=0 --rationales broken.json",
        "path: 'broken.json' is no JSON that can be read: ...",
    ),
    Bad(
        "frontier: grid engine ray address nowhere:1",
        "frontier --base stock --data films.csv --output out --grid value_layer=0 --engine ray --address nowhere:1",
        "address: 'nowhere:1' cannot be reached (...); accepted: HOST:PORT of a Ray cluster",
    ),
    Bad(
        "export: onnx nowhere",
        "export onnx nowhere --output out",
        "model: 'nowhere' is neither a folder nor a model the hub could give (...)",
    ),
    Bad(
        "export: onnx full",
        "export onnx lexical --output full",
        "output: 'full' is there already; accepted: a folder to be made",
    ),
    Bad(
        "export: onnx",
        "export onnx lexical --output films.csv",
        "output: 'films.csv' is there already; accepted: a folder to be made",
    ),
    Bad(
        "export: onnx films.csv/out",
        "export onnx lexical --output films.csv/out",
        "output: cannot write 'films.csv/out': 'PLACE/films.csv' is no folder that can be written to",
    ),
    Bad(
        "export: onnx missing.csv",
        "export onnx lexical --output out --data missing.csv",
        "path: cannot read 'missing.csv': No such file or directory; accepted is a file ending in .csv, "
        ".tsv, .jsonl, .parquet, .txt",
    ),
    Bad(
        "export: onnx config-attention",
        "export onnx config-attention --output out",
        "attention_function: 'hardmax' given; accepted: softmax, entmax15, sparsemax, uniform",
    ),
    Bad(
        "export: onnx headless",
        "export onnx headless --output out",
        "model: 'headless' is a BERT without a trained classifier; make one with: explainable-bert train "
        "--base headless",
    ),
    Bad(
        "app: lexical lexical",
        "app lexical lexical",
        "models: lexical, lexical given; accepted: one or more, each once",
    ),
    Bad(
        "app: auth ada",
        "app lexical --auth ada",
        "auth: 'ada' given; accepted: a user name and a file that holds the password, as ada:password.txt",
    ),
    Bad(
        "app: lexical --auth ada:",
        "app lexical --auth ada:",
        "auth: 'ada:' given; accepted: a user name and a file that holds the password, as ada:password.txt",
    ),
    Bad(
        "app: auth :password.txt",
        "app lexical --auth :password.txt",
        "auth: ':password.txt' given; accepted: a user name and a file that holds the password, as ada:password.txt",
    ),
    Bad(
        "app: auth ada:missing.txt",
        "app lexical --auth ada:missing.txt",
        "auth: cannot read the password from 'missing.txt'; accepted: a text file",
    ),
    Bad(
        "app: auth ada:password.txt",
        "app lexical --auth ada:password.txt",
        "auth: 'password.txt' holds no password in its first line",
    ),
    Bad(
        "app: auth ada:password.bin",
        "app lexical --auth ada:password.bin",
        "auth: cannot read the password from 'password.bin'; accepted: a text file",
    ),
    Bad(
        "app: auth ada:full",
        "app lexical --auth ada:full",
        "auth: cannot read the password from 'full'; accepted: a text file",
    ),
    Bad(
        "app:",
        "app",
        "models: none given, and there are no models of the demo in runs/demo; accepted: model folders, "
        "or --demo, which trains them first (a quarter of an hour)",
    ),
    Bad("bench: nowhere", "bench nowhere", "model: 'nowhere' is neither a folder nor a model the hub could give (...)"),
    Bad("bench: films.csv", "bench films.csv", "model: 'films.csv' is a file; accepted: a model folder or a hub name"),
    Bad("bench: lengths 26", "bench lexical --lengths 26", "lengths: 26 given; accepted: 25, 120, 512, mixed"),
    Bad("bench: lengths blank", "bench lexical --lengths ''", "lengths: none given; accepted: 25, 120, 512, mixed"),
    Bad("bench: rounds 0", "bench lexical --rounds 0", "rounds: 0 given; accepted: 1 or more"),
    Bad("bench: rounds -1", "bench lexical --rounds -1", "rounds: -1 given; accepted: 1 or more"),
    Bad("bench: seed -1", "bench lexical --seed -1", "seed: -1 given; accepted: a whole number from 0"),
    Bad(
        "bench: lexical --output films.csv",
        "bench lexical --output films.csv",
        "output: 'films.csv' holds no report of a benchmark: ...",
    ),
    Bad(
        "bench: folder.json",
        "bench lexical --output folder.json",
        "output: 'folder.json' is a folder; accepted: the name of a file",
    ),
    Bad(
        "bench: films.csv/bench.json",
        "bench lexical --output films.csv/bench.json",
        "output: cannot write 'films.csv/bench.json': 'PLACE/films.csv' is no folder that can be written to",
    ),
    Bad(
        "bench: empty.json",
        "bench lexical --output empty.json",
        "output: 'empty.json' holds no report of a benchmark: the report: no 'model' given...",
    ),
    Bad("bench: weights-cut", "bench weights-cut", "model: 'weights-cut' cannot be loaded: ..."),
    Bad("bench: graph-other", "bench graph-other", "model: folder 'graph-other' is not a model: it has no config.json"),
    Bad("info: nowhere", "info nowhere", "model: 'nowhere' is neither a folder nor a model the hub could give (...)"),
    Bad("info: films.csv", "info films.csv", "model: 'films.csv' is a file; accepted: a model folder or a hub name"),
    Bad(
        "info: pickled",
        "info pickled",
        "model: folder 'pickled' has no model.safetensors; weights are read from safetensors only (load a"
        " .bin checkpoint with transformers where you trust it and save it again with save_pretrained)",
    ),
    Bad(
        "info: tokenizer-missing",
        "info tokenizer-missing",
        "model: 'tokenizer-missing' holds no tokenizer that can be loaded",
    ),
    Bad("info: full", "info full", "model: folder 'full' is not a model: it has no config.json"),
    Bad(
        "demo: --output films.csv",
        "demo --output films.csv",
        "output: 'films.csv' is a file; accepted: a new or empty folder, or an earlier demo's",
    ),
    Bad(
        "demo: full",
        "demo --output full",
        "output: folder 'full' holds something else ('diary.txt'); accepted: a new or empty folder",
    ),
    Bad(
        "predict: config-wide",
        "predict config-wide film",
        "model: 'config-wide' has hidden_size 21000000000 in its config; accepted: 1 to 100000",
    ),
    Bad(
        "predict: config-many-words",
        "predict config-many-words film",
        "model: 'config-many-words' has vocab_size 1000000000000000 in its config; accepted: 1 to 10000000",
    ),
    Bad(
        "predict: config-deep",
        "predict config-deep film",
        "model: 'config-deep' has num_hidden_layers 10000000 in its config; accepted: 1 to 10000",
    ),
    Bad("predict:", "predict", "Missing argument 'MODEL'.", code=2),
    Bad("predict: no text", "predict lexical", "Invalid value: give TEXT... or --input FILE, one of the two", code=2),
    Bad(
        "predict: input",
        "predict lexical film --input films.csv",
        "Invalid value: give TEXT... or --input FILE, one of the two",
        code=2,
    ),
    Bad(
        "predict: a b pair c",
        "predict lexical a b --pair c",
        "Invalid value: --pair given with 2 texts; it goes with one",
        code=2,
    ),
    Bad(
        "predict: input pair c",
        "predict lexical --input films.csv --pair c",
        "Invalid value: --pair goes with TEXT; with --input, name a --pair-column",
        code=2,
    ),
    Bad(
        "predict: long shorten",
        "predict lexical film --long shorten",
        "Invalid value for '--long': Value error, 'shorten' is not one of 'window', 'truncate', 'error'.",
        code=2,
    ),
    Bad("predict: colour red", "predict lexical film --colour red", "No such option: --colour", code=2),
    Bad(
        "explain: level letter",
        "explain lexical film --level letter",
        "Invalid value for '--level': Value error, 'letter' is not one of 'word', 'token'.",
        code=2,
    ),
    Bad(
        "explain: split",
        "explain lexical film --split",
        "Invalid value: --map, --values and --split are for files: give --output too",
        code=2,
    ),
    Bad(
        "explain: map",
        "explain lexical film --map",
        "Invalid value: --map, --values and --split are for files: give --output too",
        code=2,
    ),
    Bad(
        "explain: seed many",
        "explain lexical film --seed many",
        "Invalid value for '--seed': Input should be a valid integer, unable to parse string as an integer",
        code=2,
    ),
    Bad(
        "explain: long never",
        "explain lexical film --long never",
        "Invalid value for '--long': Value error, 'never' is not one of 'window', 'truncate', 'error'.",
        code=2,
    ),
    Bad(
        "evaluate: lexical --data films.csv", "evaluate lexical --data films.csv", "Missing option '--output'.", code=2
    ),
    Bad("evaluate: lexical --output out", "evaluate lexical --output out", "Missing option '--data'.", code=2),
    Bad(
        "evaluate: limit 0",
        "evaluate lexical --data films.csv --output out --limit 0",
        "Invalid value for '--limit': Input should be greater than or equal to 1",
        code=2,
    ),
    Bad(
        "evaluate: level letter",
        "evaluate lexical --data films.csv --output out --level letter",
        "Invalid value for '--level': Value error, 'letter' is not one of 'word', 'token'.",
        code=2,
    ),
    Bad(
        "evaluate: split dev",
        "evaluate lexical --data films.csv --output out --split dev",
        "Invalid value: --split 'dev'; accepted: test, validation, train",
        code=2,
    ),
    Bad(
        "compare: --data films.csv --output out",
        "compare --data films.csv --output out",
        "Missing argument 'A B [C...]'.",
        code=2,
    ),
    Bad(
        "compare: vanilla limit 0",
        "compare lexical vanilla --data films.csv --output out --limit 0",
        "Invalid value for '--limit': Input should be greater than or equal to 1",
        code=2,
    ),
    Bad(
        "compare: vanilla margin wide",
        "compare lexical vanilla --data films.csv --output out --margin wide",
        "Invalid value for '--margin': Input should be a valid number, unable to parse string as a number",
        code=2,
    ),
    Bad(
        "audit: lexical",
        "audit lexical",
        "Invalid value: give TEXT..., --input FILE or --data CORPUS, one of the three",
        code=2,
    ),
    Bad(
        "audit: lexical film --data films.csv",
        "audit lexical film --data films.csv",
        "Invalid value: give TEXT..., --input FILE or --data CORPUS, one of the three",
        code=2,
    ),
    Bad(
        "audit: limit 0",
        "audit lexical film --limit 0",
        "Invalid value for '--limit': Input should be greater than or equal to 1",
        code=2,
    ),
    Bad(
        "check: lexical --data films.csv",
        "check lexical --data films.csv",
        "Invalid value: give at least one bound: --min-accuracy, --min-macro-f1, --max-calibration-error,"
        " --max-effective-words, --max-special-token-mass, --min-comprehensiveness, --max-sufficiency",
        code=2,
    ),
    Bad(
        "check: min-accuracy high",
        "check lexical --data films.csv --min-accuracy high",
        "Invalid value for '--min-accuracy': Input should be a valid number, unable to parse string as a number",
        code=2,
    ),
    Bad("corpus: lexical", "corpus lexical", "Missing argument 'INPUT...'.", code=2),
    Bad("corpus: lexical films.csv", "corpus lexical films.csv", "Missing option '--output'.", code=2),
    Bad(
        "corpus: engine spark",
        "corpus lexical films.csv --output out --engine spark",
        "Invalid value for '--engine': Value error, 'spark' is not one of 'local', 'ray'.",
        code=2,
    ),
    Bad(
        "corpus: full top-words 3",
        "corpus lexical films.csv --output out --full --top-words 3",
        "Invalid value: --top-words and --full exclude each other",
        code=2,
    ),
    Bad(
        "corpus: top-words 0",
        "corpus lexical films.csv --output out --top-words 0",
        "Invalid value for '--top-words': Input should be greater than or equal to 1",
        code=2,
    ),
    Bad(
        "corpus: address auto",
        "corpus lexical films.csv --output out --address auto",
        "Invalid value: --address, --actors, --cpus and --gpus go with --engine ray",
        code=2,
    ),
    Bad(
        "corpus: limit -1",
        "corpus lexical films.csv --output out --limit -1",
        "Invalid value for '--limit': Input should be greater than or equal to 1",
        code=2,
    ),
    Bad(
        "corpus: engine ray gpus -1",
        "corpus lexical films.csv --output out --engine ray --gpus -1",
        "Invalid value for '--gpus': Input should be greater than or equal to 0",
        code=2,
    ),
    Bad("train:", "train", "Missing option '--data'.", code=2),
    Bad("train: --data films.csv", "train --data films.csv", "Missing option '--output'.", code=2),
    Bad(
        "train: epochs many",
        "train --data films.csv --output out --epochs many",
        "Invalid value for '--epochs': Input should be a valid integer, unable to parse string as an integer",
        code=2,
    ),
    Bad(
        "train: long never",
        "train --data films.csv --output out --long never",
        "Invalid value for '--long': Value error, 'never' is not one of 'window', 'truncate', 'error'.",
        code=2,
    ),
    Bad(
        "frontier: seeds 0",
        "frontier --data films.csv --output out --seeds 0",
        "Invalid value for '--seeds': Input should be greater than or equal to 1",
        code=2,
    ),
    Bad(
        "frontier: teacher",
        "frontier --data films.csv --output out --teacher lexical",
        "Invalid value: --teacher 'lexical'; accepted: vanilla",
        code=2,
    ),
    Bad(
        "frontier: engine spark",
        "frontier --data films.csv --output out --engine spark",
        "Invalid value for '--engine': Value error, 'spark' is not one of 'processes', 'ray'.",
        code=2,
    ),
    Bad(
        "frontier: address auto",
        "frontier --data films.csv --output out --address auto",
        "Invalid value: --address goes with --engine ray",
        code=2,
    ),
    Bad(
        "frontier: processes 0",
        "frontier --data films.csv --output out --processes 0",
        "Invalid value for '--processes': Input should be greater than or equal to 1",
        code=2,
    ),
    *(
        Bad(
            f"export: {kind} of nowhere onto lexical",
            f"export {kind} nowhere --output lexical",
            "output: 'lexical' is there already; accepted: a folder to be made",
        )
        for kind in ("onnx", "hub")
    ),
    Bad("export: pickle", "export pickle lexical", "No such command 'pickle'.", code=2),
    Bad("export: onnx lexical", "export onnx lexical", "Missing option '--output'.", code=2),
    Bad(
        "export: onnx limit 0",
        "export onnx lexical --output out --limit 0",
        "Invalid value for '--limit': Input should be greater than or equal to 1",
        code=2,
    ),
    Bad(
        "app: port 65536",
        "app lexical --port 65536",
        "Invalid value for '--port': Input should be less than or equal to 65535",
        code=2,
    ),
    Bad(
        "app: port -1",
        "app lexical --port -1",
        "Invalid value for '--port': Input should be greater than or equal to 0",
        code=2,
    ),
    Bad(
        "app: port http",
        "app lexical --port http",
        "Invalid value for '--port': Input should be a valid integer, unable to parse string as an integer",
        code=2,
    ),
    Bad(
        "app: max-concurrency 0",
        "app lexical --max-concurrency 0",
        "Invalid value for '--max-concurrency': Input should be greater than or equal to 1",
        code=2,
    ),
    Bad(
        "app: queue-size 0",
        "app lexical --queue-size 0",
        "Invalid value for '--queue-size': Input should be greater than or equal to 1",
        code=2,
    ),
    Bad("bench: vanilla", "bench lexical vanilla", "Got unexpected extra argument(s) (vanilla)", code=2),
    Bad(
        "bench: rounds few",
        "bench lexical --rounds few",
        "Invalid value for '--rounds': Input should be a valid integer, unable to parse string as an integer",
        code=2,
    ),
    Bad("info: vanilla", "info lexical vanilla", "Got unexpected extra argument(s) (vanilla)", code=2),
    Bad("methods: lexical", "methods lexical", "Got unexpected extra argument(s) (lexical)", code=2),
    Bad("demo: quick full", "demo --quick --full", "Invalid value: --full and --quick exclude each other", code=2),
    Bad(
        "demo: seed one",
        "demo --seed one",
        "Invalid value for '--seed': Input should be a valid integer, unable to parse string as an integer",
        code=2,
    ),
    Bad("explode: lexical", "explode lexical", "No such command 'explode'. Did you mean 'export'?", code=2),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory, stock_folder, tokenizer):
    place = tmp_path_factory.mktemp("bad")
    make_place(place, stock_folder, tokenizer)
    return place


def contents(place):
    """Every file with its size and time, every folder by its name."""
    found = {path: path.stat() for path in place.rglob("*")}
    return {path: None if path.is_dir() else (facts.st_size, facts.st_mtime_ns) for path, facts in found.items()}


def pattern(message, place):
    return ".+".join(re.escape(part) for part in message.replace("PLACE", str(place)).split("..."))


@pytest.mark.parametrize("bad", CASES, ids=lambda bad: bad.name)
def test_a_bad_input(place, monkeypatch, bad):
    monkeypatch.chdir(place)
    before = contents(place)
    code, out, err = call([word.replace("GOODS", "good " * 50) for word in shlex.split(bad.arguments)])
    assert (code, out) == (bad.code, "")
    assert "Traceback" not in err
    if bad.code == 1:
        *_, last = err.splitlines()
        assert re.fullmatch(pattern(f"error: {bad.message}", place), last)
    else:
        said = " ".join(err.split())
        assert said.startswith("Usage: ")
        # As it stands: a list of accepted values may end in dots of its own.
        assert bad.message in said
    assert contents(place) == before


def test_the_cases_differ():
    assert len({(bad.arguments, bad.message) for bad in CASES}) == len(CASES) >= 110
    assert len({bad.name for bad in CASES}) == len(CASES)
    tried = {bad.arguments.split()[0] for bad in CASES}
    assert tried >= {"predict", "explain", "evaluate", "compare", "audit", "check", "corpus", "train", "frontier"}
    assert tried >= {"export", "app", "bench", "info", "methods", "demo"}
