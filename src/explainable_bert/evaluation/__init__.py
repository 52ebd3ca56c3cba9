"""Measuring a model and its explanations on a corpus."""
