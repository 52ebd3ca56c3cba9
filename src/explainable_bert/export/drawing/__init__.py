"""Pictures as arrangements of marks in points: fonts, set lines, strips, maps, sheets; drawn by figures."""
