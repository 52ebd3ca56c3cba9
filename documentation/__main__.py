"""Writes the pages that are made from the code: `python -m documentation`."""

from documentation import concepts
from documentation.pages import DOCS, pages
from explainable_bert.writing import write_text

for name, content in pages().items():
    write_text(DOCS / name, content)
write_text(concepts.PAGE, concepts.page())
