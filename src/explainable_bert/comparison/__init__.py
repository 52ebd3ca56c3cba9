"""Comparing models on the same texts."""
