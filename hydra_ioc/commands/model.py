"""``hydra-ioc model``: the same as ``hydra-ioc models``."""

from hydra_ioc.commands.models import command

__all__ = ["command"]
