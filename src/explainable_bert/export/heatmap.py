"""Heat maps: writing explanations as a picture, a page or a file, by the extension of its name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from explainable_bert.errors import InputError
from explainable_bert.export.comparison import check_comparable
from explainable_bert.export.origins import Origin, origin
from explainable_bert.export.panels import Panel, grouped, panels
from explainable_bert.records import Explanation, save_explanations
from explainable_bert.writing import check_place, write_bytes, write_text


@dataclass(frozen=True)
class _Content:
    """What goes into one file."""

    explanations: Sequence[Explanation]
    versus: Sequence[Explanation] | None
    values: bool

    @property
    def everything(self) -> list[Explanation]:
        """The explanations of both models, each beside its counterpart."""
        if self.versus is None:
            return list(self.explanations)
        return [item for pair in zip(self.explanations, self.versus, strict=True) for item in pair]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """What is shown of each text."""
        return panels(self.explanations, self.versus)

    @property
    def origin(self) -> Origin:
        """Where all of it comes from."""
        return origin(self.everything)


def render(
    explanations: Sequence[Explanation],
    path: str | Path,
    versus: Sequence[Explanation] | None = None,
    *,
    values: bool = False,
    split: bool = False,
) -> list[Path]:
    """Write the explanations as the extension of `path` says, and return the paths of the files.

    Pictures are .html, .svg, .png and .pdf; .json, .csv and .parquet hold the numbers. With `versus`, the same texts
    explained by another model in the same order, pictures show both and their difference. `values` prints each score
    in pictures; `split` writes a file per text, name-1.svg and so on. Raises InputError for another extension,
    an empty list, or lists that cannot be compared; FileError if the place cannot be written.
    """
    check_format(path)
    if not explanations:
        raise InputError("explanations: an empty list given; at least one is needed")
    if versus is not None:
        check_comparable(explanations, versus)
    place = Path(path)
    writer = _WRITERS[place.suffix.lower()]
    if not split:
        writer(_Content(explanations, versus, values), place)
        return [place]
    texts = grouped(explanations, versus)
    places = _numbered(place, len(texts))
    for numbered in places:
        check_place(numbered)
    for numbered, pairs in zip(places, texts, strict=True):
        own, others = [one for one, _ in pairs], [other for _, other in pairs if other is not None]
        writer(_Content(own, None if versus is None else others, values), numbered)
    return places


def check_format(path: str | Path) -> None:
    """Raise InputError or FileError unless a picture can be written to `path`; for asking before any work."""
    if Path(path).suffix.lower() not in _WRITERS:
        raise InputError(f"path: {str(path)!r} given; accepted for pictures: {', '.join(_WRITERS)}")
    check_place(Path(path))


def _numbered(path: Path, n_files: int) -> list[Path]:
    width = len(str(n_files))
    return [path.with_name(f"{path.stem}-{number:0{width}}{path.suffix}") for number in range(1, n_files + 1)]


def _write_html(content: _Content, path: Path) -> None:
    from explainable_bert.export.pages import heatmap_html

    write_text(path, heatmap_html(content.explanations, content.versus, values=content.values))


def _write_svg(content: _Content, path: Path) -> None:
    from explainable_bert.export.drawing.sheets import one_sheet
    from explainable_bert.export.figures import svg_bytes

    write_bytes(path, svg_bytes(one_sheet(content.panels, content.origin, values=content.values)))


def _write_png(content: _Content, path: Path) -> None:
    from explainable_bert.export.drawing.sheets import one_sheet
    from explainable_bert.export.figures import png_bytes

    write_bytes(path, png_bytes(one_sheet(content.panels, content.origin, values=content.values)))


def _write_pdf(content: _Content, path: Path) -> None:
    from explainable_bert.export.drawing.sheets import pages
    from explainable_bert.export.figures import pdf_bytes

    write_bytes(path, pdf_bytes(pages(content.panels, content.origin, values=content.values)))


def _write_csv(content: _Content, path: Path) -> None:
    from explainable_bert.export.tables import write_csv

    write_csv(content.explanations, content.versus, path)


def _write_records(content: _Content, path: Path) -> None:
    save_explanations(content.everything, path)


_WRITERS: Mapping[str, Callable[[_Content, Path], None]] = MappingProxyType(
    {
        ".html": _write_html,
        ".svg": _write_svg,
        ".png": _write_png,
        ".pdf": _write_pdf,
        ".json": _write_records,
        ".csv": _write_csv,
        ".parquet": _write_records,
    }
)
