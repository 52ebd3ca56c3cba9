"""Explanations as pictures, self-contained pages, tables and terminal text; the demo's report."""
