"""Training designs that have a vanilla twin: the twin first, from which the design starts and by which it is taught."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from explainable_bert.data.corpora import Corpus
from explainable_bert.errors import InputError
from explainable_bert.model.configuration import DESIGNS, has_twin
from explainable_bert.text.encoding import TextInput
from explainable_bert.training.loggers import check_loggers
from explainable_bert.training.report import TrainingReport
from explainable_bert.training.run import check_request, corpus_identity, new_model, train
from explainable_bert.training.run_folder import check_claimable
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from explainable_bert.training.trainer import ProgressCallback

TWIN_DESIGN = "vanilla"
# Times the learning rate of all other weights; chosen by validation rows (docs/results.md).
READOUT_RATE = 10.0


def twin_folder(output: Path) -> Path:
    """Where the twin of the model in the folder `output` is: beside it, a model of its own that no "name-*" matches.

    Raises InputError where nothing can be beside it.
    """
    named = output if output.name not in ("", "..") else output.resolve()
    if not named.name:
        raise InputError(f"output: {str(output)!r} given; accepted: a folder that another one can be beside")
    return named.with_name(f"twin-of-{named.name}")


def recipe(settings: TrainingSettings) -> TrainingSettings:
    """The settings of a design with a twin: masked fine-tuning, values apart, and a readout that learns fast.

    The twin leaves it states, but nothing that could read early ones: that is learnt from scratch.
    """
    return replace(settings, masked_fine_tuning=True, values_apart=True, readout_rate=READOUT_RATE)


def taught_by(request: ModelRequest, twin: Path) -> ModelRequest:
    """The request, with the twin in a folder as what it starts from and its teacher."""
    return replace(request, base=str(twin), teacher=str(twin))


def train_with_twin(
    request: ModelRequest,
    corpus: Corpus,
    output: Path,
    settings: TrainingSettings | None = None,
    progress: ProgressCallback | None = None,
    unlabelled: Sequence[TextInput] = (),
    starts: Callable[[str], None] | None = None,
    report_to: Sequence[str] = (),
) -> TrainingReport:
    """Train the twin of a design into its folder beside `output`, then the design into `output`; its report.

    The twin gets the same settings, with masked fine-tuning. `starts` is called with what each of the two is. Either is
    continued, or left as it is, as `train` does; errors are those of `train`, before anything is trained where they can
    be known, and InputError for a request with a teacher of its own or a design without a twin.
    """
    if not has_twin(request.design) or request.teacher is not None:
        named = [name for name, design in DESIGNS.items() if design.has_twin]
        raise InputError(
            f"request: design {request.design!r} with teacher {request.teacher!r} given; accepted: "
            f"{', '.join(named)}, without a teacher"
        )
    told = starts or (lambda _what: None)
    taught, twin = recipe(settings or TrainingSettings()), twin_folder(output)
    final = taught_by(request, twin)
    # Whatever is wrong with the second training is better known before the first.
    check_request(final, corpus, taught, unlabelled)
    check_loggers(report_to)
    chosen = {name: getattr(request, name) for name in ("design", "value_layer", "attention_function")}
    check_claimable(output, {"request": chosen, "settings": asdict(taught), "corpus": corpus_identity(corpus)})
    new_model(request, corpus)
    told(f"{TWIN_DESIGN} twin")
    of_twin = replace(taught, values_apart=False, readout_rate=1.0)
    train(ModelRequest(request.base, TWIN_DESIGN), corpus, twin, of_twin, progress, report_to=report_to)
    told(request.design)
    return train(final, corpus, output, taught, progress, unlabelled, report_to)
