"""Sweeps: many arms, trained and measured over seeds, and the front of accuracy and faithfulness that they span."""
