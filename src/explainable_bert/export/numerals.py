"""Numbers as measurement pages print them: as many digits as tell something, and words for what is undefined."""

import math

from explainable_bert.metrics.metric import Metric

UNDEFINED = "undefined"
_TINY, _LARGE, _HUGE = 0.0005, 1000.0, 1e9


def alike(*values: float | None) -> tuple[str, ...]:
    """The values with the same digits each, those that the largest of them needs; a missing one as "undefined".

    Three decimals below 10, fewer above; thousands are separated; where all are tiny, as 1.2e-07.
    """
    known = [value for value in values if _is_known(value)]
    spec = _spec([abs(value) for value in known if value is not None])
    return tuple(_printed(value, spec) for value in values)


def number(value: float | None) -> str:
    """One number by itself."""
    return alike(value)[0]


def interval(low: float | None, high: float | None, value: float | None = None) -> str:
    """Both ends with the digits that go with `value`; empty without an interval."""
    if not _is_known(low) or not _is_known(high):
        return ""
    _, first, last = alike(value, low, high)
    return f"{first} to {last}"


def p_value(value: float | None) -> str:
    """A p-value; below a thousandth its digits tell nothing."""
    if value is None or not math.isfinite(value):
        return "no test"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def texts(n: int) -> str:
    """A number of texts in words."""
    return "1 text" if n == 1 else f"{n:,} texts"


def extent(metric: Metric) -> str:
    """The range of a metric in words."""
    if math.isinf(metric.low) and math.isinf(metric.high):
        return "any number"
    if math.isinf(metric.high):
        return f"from {metric.low:.3g} upwards"
    return f"up to {metric.high:.3g}" if math.isinf(metric.low) else f"from {metric.low:.3g} to {metric.high:.3g}"


def _is_known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _spec(sizes: list[float]) -> str:
    size = max(sizes, default=0.0)
    if 0 < size < _TINY:
        return ".1e"
    if size >= _HUGE:
        return ".2e"
    if size >= _LARGE or (size >= 10 and all(known.is_integer() for known in map(float, sizes))):
        return ",.0f"
    return ".3f" if size < 10 else ".2f" if size < 100 else ".1f"


def _printed(value: float | None, spec: str) -> str:
    if value is None or not math.isfinite(value):
        return UNDEFINED
    printed = format(value, spec)
    # Rounding may leave a minus before nothing but zeros.
    return printed if any(digit in printed for digit in "123456789") else printed.lstrip("-")
