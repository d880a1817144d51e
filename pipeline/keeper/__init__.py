"""Keeper: from reports to verdicts, rows, kept images and plot states."""
