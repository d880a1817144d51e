"""The configuration of one deployment: one strict TOML file."""

from pipeline.config.loader import load
from pipeline.config.model import Config, Loop

__all__ = ["Config", "Loop", "load"]
