"""What MkDocs does for this site: files of the repository that a page links to become files of the site."""

import posixpath
import re
from pathlib import Path
from typing import Any, Final

from mkdocs.structure.files import File, Files

ROOT: Final = Path(__file__).resolve().parent.parent
_OUTSIDE: Final = re.compile(r"\]\((?P<up>(?:\.\./)+)(?P<path>[^)#\s]+)")


def on_files(files: Files, config: Any) -> Files:
    """Take in every file outside docs that a page links to, under `repository/`, so that no link needs a network."""
    wanted = {
        path
        for page in files.documentation_pages()
        for link in _OUTSIDE.finditer(Path(page.abs_src_path or "").read_text(encoding="utf-8"))
        if (path := _in_repository(page.src_uri, link)) is not None
    }
    for path in sorted(wanted):
        files.append(File.generated(config, f"repository/{path}", abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:  # noqa: ARG001 - MkDocs names them
    """Let links out of docs lead to the files that were taken in."""

    def inside(link: re.Match[str]) -> str:
        path = _in_repository(page.file.src_uri, link)
        if path is None:
            return link[0]
        return f"]({posixpath.relpath(f'repository/{path}', posixpath.dirname(page.file.src_uri) or '.')}"

    return _OUTSIDE.sub(inside, markdown)


def _in_repository(page: str, link: re.Match[str]) -> str | None:
    """The linked file's path from the root of the repository; None where the link stays in docs."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link["up"], link["path"]))
    if path.startswith(("docs/", "..")):
        return None
    return path
