"""A zoo of invented plot types: whatever a monitoring plot may look like, drawn at random.

A species is one plot type that no experiment has; it draws as many images of
itself as wanted, good or with a fault whose place is known. Networks that
have seen many species know plots before they see the first real one.
"""

from simulation.zoo.drawn import FAULTS, GRID, HARMLESS, Drawn
from simulation.zoo.species import Species, species

__all__ = ["FAULTS", "GRID", "HARMLESS", "Drawn", "Species", "species"]
