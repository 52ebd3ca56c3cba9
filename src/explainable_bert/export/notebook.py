"""Heat maps where they are asked for: a picture that notebooks draw below the cell."""

from collections.abc import Sequence
from dataclasses import dataclass

from explainable_bert.errors import InputError
from explainable_bert.export.origins import origin
from explainable_bert.export.panels import description, panels
from explainable_bert.records import Explanation


@dataclass(frozen=True, repr=False)
class Picture:
    """A picture that Jupyter shows when it is the last thing in a cell, with its `words` for who does not see it."""

    png: bytes
    words: str

    def __repr__(self) -> str:
        return self.words

    def _repr_png_(self) -> bytes:
        return self.png


def show(
    explanations: Sequence[Explanation], versus: Sequence[Explanation] | None = None, *, values: bool = False
) -> Picture:
    """What `render` would write as a picture, for notebooks: a small PNG, so that they stay small.

    `versus` and `values` are as in `render`. Raises InputError on an empty list, on lists that cannot be compared, and
    where the picture would be higher than a PNG can be.
    """
    from explainable_bert.export.drawing.sheets import one_sheet
    from explainable_bert.export.figures import small_png_bytes

    if not explanations:
        raise InputError("explanations: an empty list given; at least one is needed")
    shown = panels(explanations, versus)
    sheet = one_sheet(shown, origin([*explanations, *(versus or [])]), values=values)
    return Picture(small_png_bytes(sheet), description(shown))
