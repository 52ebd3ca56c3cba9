"""Built-in explanations beside the explanation methods of other packages, each in an environment of its own.

`--environments` is the folder that `python benchmarks/speed/peers/environments.py FOLDER` makes; what is not there is
left out.
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from transformers import BertForSequenceClassification

from explainable_bert.model.checkpoint import load_tokenizer, resolve_base
from explainable_bert.speed import sides
from explainable_bert.speed.ratios import ratio
from explainable_bert.speed.texts import texts_of
from explainable_bert.speed.turns import Side, take_turns

from .models import saved
from .results import Results

PART = "methods"
SHAPE, LENGTHS = "MiniLM-L6", "25"
PEERS = Path(__file__).parent / "peers"
OURS = "ours, torch"
# Methods of other packages, and the environment that each runs in.
_CAPTUM = "captum_shap_lime"
METHODS: Mapping[str, str] = MappingProxyType(
    {
        "captum-ig": _CAPTUM,
        "captum-occlusion": _CAPTUM,
        "shap-partition": _CAPTUM,
        "transformers-interpret": _CAPTUM,
        "ferret": "ferret",
        "ferret-shap": "ferret",
        "interpreto": "interpreto",
        "lime": _CAPTUM,
    }
)
# They take one text after another, whatever they are given.
_ONE_BY_ONE_ALONE = ("transformers-interpret", "ferret", "ferret-shap", "lime")
# So many texts are explained in a turn: other methods take too long for more.
_N_TEXTS = 4


def run(rounds: int, environments: Path) -> None:
    """Measure each method that is not saved yet: one text after another, and at the best batch size of either side.

    Theirs is the few texts together; ours, the whole bag.
    """
    results = Results(PART, {"rounds": rounds, "shape": SHAPE, "lengths": LENGTHS, "texts": _N_TEXTS})
    with tempfile.TemporaryDirectory() as place, saved(SHAPE) as ours:
        folder = Path(place)
        (folder / sides.OURS).symlink_to(ours, target_is_directory=True)
        n_ours = _prepare(folder)
        for method in METHODS:
            python = environments / METHODS[method] / ".venv" / "bin" / "python"
            for given in ("one", "best"):
                if f"{method}, {given}" in results or not python.exists():
                    continue
                # LIME takes minutes for a round.
                counted, n_warm_ups = (2, 0) if method == "lime" else (rounds, 1)
                both = _both(method, given, python, folder)
                turns = take_turns(both, counted, seed=0, n_warm_ups=n_warm_ups)
                results.add(f"{method}, {given}", vars(ratio(turns, OURS, method, n_ours[given], _N_TEXTS)))


def _prepare(folder: Path) -> Mapping[str, int]:
    """A stock model of the same shape, and the texts for both kinds of workers; how many texts are ours to explain."""
    source = resolve_base("minilm")
    tokenizer = load_tokenizer(source)
    BertForSequenceClassification.from_pretrained(source).save_pretrained(folder / sides.STOCK)
    tokenizer.save_pretrained(folder / sides.STOCK)
    bag = texts_of(LENGTHS, tokenizer.backend_tokenizer, 512, one_by_one=False, seed=0)
    texts = bag[:_N_TEXTS]
    for name, content in (("texts", texts), ("one", [[text] for text in texts]), ("best", [bag])):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return {"one": len(texts), "best": len(bag)}


def _both(method: str, given: str, python: Path, folder: Path) -> list[Side]:
    one_by_one = ("--one-by-one",) if given == "one" or method in _ONE_BY_ONE_ALONE else ()
    theirs = (str(python), str(PEERS / "worker.py"), method, str(folder / sides.STOCK), str(folder / "texts.json"))
    ours = (sys.executable, "-m", sides.__name__, OURS, str(folder), str(folder / f"{given}.json"))
    return [Side(OURS, ours), Side(method, (*theirs, *one_by_one))]
