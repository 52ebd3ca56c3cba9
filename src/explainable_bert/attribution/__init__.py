"""Explainers: how much each token did for a target label."""
