"""Feeder: from a finished file to an order."""
