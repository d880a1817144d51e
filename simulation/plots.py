"""All plot types of the simulated experiment."""

from typing import Final

from simulation.clas12 import CLAS12
from simulation.gluex import GLUEX
from simulation.kinds import PlotKind

PLOTS: Final[dict[str, PlotKind]] = {kind.name: kind for kind in (*GLUEX, *CLAS12)}
"""By name, the GlueX ones first."""
