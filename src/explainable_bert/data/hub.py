"""Reading a data set's splits from the Hugging Face hub as tables."""

from typing import Any

import pyarrow as pa

from explainable_bert.errors import InputError

_PROBE_LIMIT_S = 10.0


def load_hub_tables(name: str, label: str, known: str) -> dict[str, pa.Table]:
    """Every split of the hub's data set `name`; class numbers in the column `label` become class names.

    No code of the data set is run. A negative class number, the hub's mark for "not labelled", becomes null. Raises
    InputError when the hub cannot give the data set; `known` says there what else a name may be.
    """
    import datasets
    import huggingface_hub

    try:
        # The library below retries for half a minute without a network; asking once first fails at once.
        huggingface_hub.HfApi().dataset_info(name, timeout=_PROBE_LIMIT_S)
    except huggingface_hub.errors.OfflineModeIsEnabled:
        pass  # the user asked for cached data only, which load_dataset finds or misses without retrying
    except Exception as error:  # the hub's and its transport's errors share no narrower base
        raise _not_given(name, known, error) from error
    try:
        splits = datasets.load_dataset(name)
    except Exception as error:  # likewise, and every reader has errors of its own
        raise _not_given(name, known, error) from error
    return {str(split): _table(rows, label) for split, rows in splits.items()}


def _table(rows: Any, label: str) -> pa.Table:
    import datasets

    table = rows.with_format("arrow")[:]
    feature = rows.features.get(label)
    if not isinstance(feature, datasets.ClassLabel):
        return table
    numbers = table.column(label).to_pylist()
    names = [None if number is None or number < 0 else feature.int2str(number) for number in numbers]
    return table.set_column(table.column_names.index(label), label, pa.array(names, pa.string()))


def _not_given(name: str, known: str, error: Exception) -> InputError:
    cause = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")
    return InputError(
        f"data: {name!r} is neither a named corpus ({known}), nor a file or folder, nor a data set that the hub could "
        f"give ({type(error).__name__}: {cause})"
    )
