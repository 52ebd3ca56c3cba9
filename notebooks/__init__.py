"""Notebooks: their sources, and what makes them."""
