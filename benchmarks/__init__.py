"""Instruments: each figure is a ratio to a floor that ran in the same round, on the same machine."""
