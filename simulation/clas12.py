"""The plots of a CLAS12-like experiment."""

from typing import Final

from simulation.kinds import PlotKind

CLAS12: Final[tuple[PlotKind, ...]] = ()
