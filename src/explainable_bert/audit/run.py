"""run_audit: every check, one after another, on texts that go through the lower blocks once."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import torch

from explainable_bert.audit.adversary import N_STARTS, adversarial_attention
from explainable_bert.audit.adversary import N_STEPS as N_SEARCH_STEPS
from explainable_bert.audit.attention_swaps import N_PERMUTATIONS, attention_permutation, knock_out, uniform_swap
from explainable_bert.audit.identifiability import identifiability
from explainable_bert.audit.identities import closed_form_removal, completeness
from explainable_bert.audit.label_randomisation import TRAINING as LABEL_TRAINING
from explainable_bert.audit.label_randomisation import label_randomisation
from explainable_bert.audit.parameter_randomisation import parameter_randomisation
from explainable_bert.audit.paths import share_through_map
from explainable_bert.audit.planted_shortcut import TRAINING as MARKER_TRAINING
from explainable_bert.audit.planted_shortcut import planted_shortcut
from explainable_bert.audit.subject import Subject, subject
from explainable_bert.errors import InputError
from explainable_bert.model.checkpoint import window
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.results import AuditReport, Check
from explainable_bert.text.encoding import Encoding, TextInput, check_texts, encode
from explainable_bert.version import __version__

Progress = Callable[[str, int, int], None]
_Stage = Callable[[Subject], tuple[list[Check], str | None]]

_READING = "reading the texts"


def _without_note(check: Callable[[Subject], list[Check]]) -> _Stage:
    return lambda of: (check(of), None)


# Identities first, then what the map is to the output, then what the explanation depends on.
_STAGES: tuple[tuple[str, _Stage], ...] = (
    ("completeness", _without_note(completeness)),
    ("closed-form-removal", _without_note(closed_form_removal)),
    ("share-through-map", _without_note(share_through_map)),
    ("identifiability", _without_note(identifiability)),
    ("attention-permutation", _without_note(attention_permutation)),
    ("uniform-swap", _without_note(uniform_swap)),
    ("knock-out", _without_note(knock_out)),
    ("adversarial-attention", _without_note(adversarial_attention)),
    ("parameter-randomisation", parameter_randomisation),
    ("label-randomisation", _without_note(label_randomisation)),
    ("planted-shortcut", _without_note(planted_shortcut)),
)


def run_audit(
    classifier: ExplainableClassifier,
    texts: Sequence[TextInput],
    seed: int = 0,
    progress: Progress | None = None,
) -> AuditReport:
    """Check what the model's built-in explanation of these texts is worth; the model is left as it is.

    `progress` is called with what is done next, the number of stages done, and the number of all. The same model, texts
    and seed give the same numbers. Raises InputError on no texts, blank texts, and a seed that is no whole number from
    0.
    """
    classifier.check("built-in", seed=seed)
    checked = check_texts(texts)
    if not checked:
        raise InputError("texts: none given; accepted: one text or more")
    encodings = encode(classifier.tokenizer, checked, window(classifier.tokenizer, classifier.model.config))
    # Gradients must be had where something is trained, whatever mode the caller is in, and nowhere else.
    with torch.inference_mode(False), torch.no_grad():
        checks, notes = _run(classifier, encodings, seed, progress or _silent)
    return AuditReport(
        model=classifier.name,
        design=classifier.model.config.design,
        checks=tuple(checks),
        settings=_settings(len(encodings), seed),
        notes=(*notes, *_dropped(encodings)),
    )


def audit_request(
    classifier: ExplainableClassifier, texts: Sequence[TextInput], seed: int
) -> dict[str, dict[str, Any]]:
    """Everything that decides an audit's outcome, for the folder that it is written to."""
    content = json.dumps(list(texts)).encode("ascii")
    return {
        "audit": {
            "fingerprint": classifier.provenance.fingerprint,
            "texts": hashlib.sha256(content).hexdigest(),
            "seed": seed,
            "version": __version__,
        }
    }


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Progress that nobody asked for."""


def _run(
    classifier: ExplainableClassifier, encodings: Sequence[Encoding], seed: int, progress: Progress
) -> tuple[list[Check], list[str]]:
    total = len(_STAGES) + 1
    progress(_READING, 0, total)
    of = subject(classifier, encodings, seed)
    checks: list[Check] = []
    notes: list[str] = []
    for done, (name, stage) in enumerate(_STAGES, start=1):
        progress(name, done, total)
        found, note = stage(of)
        checks += found
        notes += [] if note is None else [note]
    progress(_STAGES[-1][0], total, total)
    return checks, notes


def _settings(n_texts: int, seed: int) -> dict[str, str]:
    return {
        "texts": str(n_texts),
        "seed": str(seed),
        "explanation": "built-in, of the predicted label, scores of words as they are shown",
        "exchanged": "attention weights of the final block, all heads alike, states below as they are",
        "permutations": str(N_PERMUTATIONS),
        "adversary": f"{N_STARTS} starts, {N_SEARCH_STEPS} steps (exact for additive designs of two labels)",
        "label training": f"final block and above, {LABEL_TRAINING} over all texts",
        "marker training": f"final block and above, {MARKER_TRAINING} over all texts",
        "precision": "float32, final block on the CPU",
    }


def _dropped(encodings: Sequence[Encoding]) -> list[str]:
    n_cut = sum(encoding.n_tokens_dropped > 0 for encoding in encodings)
    return [f"{n_cut} texts did not fit into the model's window and were read in part."] if n_cut else []
