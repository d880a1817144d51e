"""Benchmarks of the whole system: a stand that runs a deployment, and what is measured on it."""
