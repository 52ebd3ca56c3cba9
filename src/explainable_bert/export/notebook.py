"""Heat maps where they are asked for: a picture that notebooks draw below the cell."""

from collections.abc import Sequence
from dataclasses import dataclass

from explainable_bert.errors import InputError
from explainable_bert.export.origins import origin
from explainable_bert.export.panels import panels
from explainable_bert.records import Explanation


@dataclass(frozen=True, repr=False)
class Picture:
    """A picture as SVG, which Jupyter shows when it is the last thing in a cell."""

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg


def show(
    explanations: Sequence[Explanation], versus: Sequence[Explanation] | None = None, *, values: bool = False
) -> Picture:
    """The picture that `render` would write as .svg; for notebooks.

    `versus` and `values` are as in `render`, and so are the errors: InputError on an empty list, or on lists that
    cannot be compared.
    """
    from explainable_bert.export.drawing.sheets import one_sheet
    from explainable_bert.export.figures import svg_bytes

    if not explanations:
        raise InputError("explanations: an empty list given; at least one is needed")
    shown = panels(explanations, versus)
    everything = [*explanations, *(versus or [])]
    return Picture(svg_bytes(one_sheet(shown, origin(everything), values=values)).decode("utf-8"))
