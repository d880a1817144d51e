"""The configuration of one deployment: one strict TOML file."""

from pipeline.config.loader import load
from pipeline.config.model import Config

__all__ = ["Config", "load"]
