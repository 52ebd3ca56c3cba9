"""Metrics: arrays in, numbers out; no torch, no model."""
