"""A classifier as one ONNX graph that carries its explanation, checked against the model before it is written."""

import copy
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explainable_bert.data.labelled import Example, input_of
from explainable_bert.engines.onnx_engine import (
    BUILT_IN,
    FACTS_KEY,
    GRAPH_FILE,
    INPUTS,
    TOKENIZER_FILE,
    GraphFacts,
    OnnxEngine,
)
from explainable_bert.errors import MissingExtraError, ModelError
from explainable_bert.locking import making
from explainable_bert.manifest import write_manifest
from explainable_bert.metrics.agreement import kendall_tau
from explainable_bert.metrics.classification import accuracy
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.records import Explanation
from explainable_bert.text.encoding import TextInput

if TYPE_CHECKING:
    import torch

REPORT_FILE = "export_report.json"
LARGEST_DIFFERENCE = 1e-4
# The sparse ones are loops that depend on what they find.
EXPORTABLE = ("softmax", "uniform")
_TRACED_BATCH, _TRACED_LENGTH = 37, 29
# The first with an operator for attention, which ONNX Runtime computes faster than its parts.
_OPSET = 23
# Of every length that a model reads, padding and pairs among them.
_CHECKED: tuple[TextInput, ...] = (
    "Good.",
    "A warm, funny film with one awful song.",
    "Slow at first, but never dull: don't miss it!",
    ("Is it any good?", "Unbelievably so."),
    "It goes on and on, scene after scene. " * 100,
)


@dataclass(frozen=True)
class ExportReport:
    """What was written, and how it was checked.

    `largest_difference` is that of any logit, attention weight or contribution between the graph (before it was
    quantised) and the model. The rest compares the graph as it was written on a sample: shares of texts that get their
    true label (from the graph, from the model) and of those that get the same one from both, and Kendall's tau of both
    orders of a text's words, in the mean; None where there was no label, or no text of two words.
    """

    int8: bool
    largest_difference: float
    n_sample: int
    accuracy: float | None
    model_accuracy: float | None
    same_label: float
    rank_agreement: float | None


def export_onnx(
    classifier: ExplainableClassifier, output: Path, *, int8: bool = False, sample: Sequence[Example] = ()
) -> ExportReport:
    """Write the graph, its tokenizer and the report into the folder `output`, whole or not at all.

    The graph has the outputs `logits`, `attention` and, in additive designs, `contributions`, for any batch and length;
    its metadata hold what `ExplainableClassifier.load` needs. `int8` stores weights of matrix products in 8 bits.
    `sample` are texts to compare graph and model on, by default a few of our own.

    Raises FileError when `output` is there already, ModelError when the graph computes something else than the model
    or the attention function is a sparse one, MissingExtraError without the extra onnx.
    """
    function = classifier.model.config.attention_function
    if function not in EXPORTABLE:
        raise ModelError(
            f"model: attention function {function!r} cannot be written in ONNX; accepted: {', '.join(EXPORTABLE)}"
        )
    with making(output) as folder:
        _write_graph(classifier, folder / GRAPH_FILE)
        (folder / TOKENIZER_FILE).write_text(classifier.tokenizer.backend_tokenizer.to_str(), encoding="utf-8")
        difference = _largest_difference(classifier, OnnxEngine.load(str(folder)))
        if not difference <= LARGEST_DIFFERENCE:
            raise ModelError(
                f"model: its graph differs from it by {difference:.1e}; accepted: at most {LARGEST_DIFFERENCE:.0e}; "
                "nothing is written"
            )
        if int8:
            _quantise(folder / GRAPH_FILE)
        report = _compared(classifier, ExplainableClassifier.load(folder), difference, sample, int8=int8)
        (folder / REPORT_FILE).write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")
        write_manifest(folder, [GRAPH_FILE, TOKENIZER_FILE, REPORT_FILE])
    return report


def _write_graph(classifier: ExplainableClassifier, path: Path) -> None:
    trace(_graph(classifier), INPUTS, _outputs(classifier), path)
    import onnx

    written = onnx.load(path)
    onnx.helper.set_model_props(written, {FACTS_KEY: _facts(classifier).to_json()})
    onnx.save(written, path)


def trace(module: "torch.nn.Module", inputs: Sequence[str], outputs: Sequence[str], path: Path) -> None:
    """Write a module of (batch, key) integers as a graph for any batch and length.

    Raises MissingExtraError without the extra onnx.
    """
    try:
        import onnx  # noqa: F401  # torch writes by both
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("onnx", "onnx") from error
    import torch

    # Sizes that nothing else has: where two are equal, tracing may take them for the same.
    ones = torch.ones((_TRACED_BATCH, _TRACED_LENGTH), dtype=torch.long)
    anything = {axis: torch.export.Dim.DYNAMIC for axis in (0, 1)}
    with _quietly():
        torch.onnx.export(
            module,
            (),
            path,
            kwargs={name: ones.clone() for name in inputs},  # one tensor for all would become one input
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=dict.fromkeys(inputs, anything),
            dynamo=True,
            opset_version=_OPSET,
            external_data=False,
            verbose=False,
        )


def _graph(classifier: ExplainableClassifier) -> "torch.nn.Module":
    """The model as a module of plain inputs and outputs, on the processor, in float32."""
    import torch

    model: Any = copy.deepcopy(classifier.model).cpu().float().eval()

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(
            self,
            input_ids: torch.Tensor,
            attention_mask: torch.Tensor,
            token_type_ids: torch.Tensor,
            special_tokens_mask: torch.Tensor,
        ) -> tuple[torch.Tensor, ...]:
            found = self.model(input_ids, attention_mask, token_type_ids, special_tokens_mask)
            return tuple(getattr(found, name) for name in _outputs(classifier))

    return Graph()


def _outputs(classifier: ExplainableClassifier) -> tuple[str, ...]:
    additive = classifier.model.config.readout == "additive"
    return ("logits", "attention", "contributions") if additive else ("logits", "attention")


def _facts(classifier: ExplainableClassifier) -> GraphFacts:
    config, origin, tokenizer = classifier.model.config, classifier.provenance, classifier.tokenizer
    bias = classifier.model.classifier.bias.detach().float().cpu().tolist()
    return GraphFacts(
        labels=classifier.labels,
        design=origin.design,
        value_layer=origin.value_layer,
        fingerprint=origin.fingerprint,
        bias=tuple(bias) if config.readout == "additive" else None,
        window=classifier.window,
        pad_token_id=tokenizer.pad_token_id,
        mask_token_id=tokenizer.mask_token_id,
    )


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what libraries tell of their own steps and deprecations, which are nothing to a user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _largest_difference(classifier: ExplainableClassifier, graph: OnnxEngine) -> float:
    """Between the model and the graph, over texts and their windows, keys and labels."""
    by_windows = ExplainableClassifier(classifier.model, classifier.tokenizer)  # whatever `long` ours has
    rows = [window.row for text in by_windows.read(_CHECKED) for window in text.windows]
    found = []
    for target in range(len(classifier.labels)):
        ours, theirs = (
            engine.attribute(engine.method(BUILT_IN), rows, target, 0)() for engine in (classifier.engine, graph)
        )
        for name in ("logits", "attention", "scores"):
            found.append(np.abs(getattr(ours, name) - getattr(theirs, name)).max())
    return float(np.max(found))


def _quantise(path: Path) -> None:
    """Weights of matrix products in 8 bits, states quantised as they come."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    graph = onnx.load(path).graph
    matrices = {weight.name for weight in graph.initializer if len(weight.dims) == 2}
    # ONNX Runtime has scales by column for plain matrices alone: those of several heads stay as they are.
    products = [node.name for node in graph.node if node.op_type == "MatMul" and matrices & set(node.input)]
    with _quietly():
        # A scale for each column: one for a whole matrix would change one label in twenty.
        quantize_dynamic(path, path, nodes_to_quantize=products, per_channel=True, weight_type=QuantType.QInt8)


def _compared(
    classifier: ExplainableClassifier,
    graph: ExplainableClassifier,
    difference: float,
    sample: Sequence[Example],
    *,
    int8: bool,
) -> ExportReport:
    texts = [input_of(example) for example in sample] or list(_CHECKED)
    ours, theirs = (one.explain(texts) for one in (classifier, graph))
    labels = [example.label for example in sample]
    taus = [tau for pair in zip(ours, theirs, strict=True) if (tau := _tau(*pair)) is not None]
    return ExportReport(
        int8=int8,
        largest_difference=difference,
        n_sample=len(texts),
        accuracy=_share(theirs, labels),
        model_accuracy=_share(ours, labels),
        same_label=float(_share(theirs, [explanation.prediction.label for explanation in ours]) or 0.0),
        rank_agreement=float(np.mean(taus)) if taus else None,
    )


def _share(explanations: Sequence[Explanation], labels: Sequence[str]) -> float | None:
    predicted = [explanation.prediction.label for explanation in explanations]
    return accuracy(np.array(predicted), np.array(labels)) if labels else None


def _tau(one: Explanation, other: Explanation) -> float | None:
    """Of two orders of the same words, if both explain the same label."""
    if one.target != other.target:
        return None
    return kendall_tau(np.array(one.attribution.scores), np.array(other.attribution.scores))
