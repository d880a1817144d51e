"""PyDM screens: they talk to PVs only."""
