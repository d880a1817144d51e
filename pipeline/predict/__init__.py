"""Predict: from orders to reports."""
