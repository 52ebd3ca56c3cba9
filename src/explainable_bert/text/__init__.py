"""Texts to ids, offsets and words."""
