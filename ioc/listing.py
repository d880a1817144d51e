"""Every PV of a deployment: the list that the IOC serves and that is printed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ioc.chain import StageKey
from ioc.description import PvDescription
from ioc.plot_pvs import describe_plot, plot_base
from ioc.quality import by_group, describe_quality, group_base
from ioc.remedy_pvs import describe_remedy
from ioc.site_pvs import describe_site
from ioc.stage_pvs import describe_stage
from pipeline.config import Config
from pipeline.errors import InputError
from pipeline.messages import Catalogue, PlotEntry


@dataclass(frozen=True, slots=True)
class Listing:
    """What the catalogue makes of PVs.

    Attributes:
        plots: Entries whose PVs are served, by plot name.
        descriptions: PVs by name.
        problems: Plots that cannot be served, with the reason.
    """

    plots: dict[str, PlotEntry]
    descriptions: dict[str, PvDescription]
    problems: dict[str, str]


def list_catalogue(prefix: str, catalogue: Catalogue, remedies: Collection[str] = ()) -> Listing:
    """Describe the PVs of all plots and of their groups.

    A plot with a PV that cannot be served, because a name is too long or
    taken, is left out as a whole: half a plot would be worse than none.

    Args:
        prefix: The deployment's prefix.
        catalogue: Which plots there are.
        remedies: Plots that ask a sequencer for remedies.
    """
    plots: dict[str, PlotEntry] = {}
    found: dict[str, PvDescription] = {}
    problems: dict[str, str] = {}
    for entry in catalogue.plots:
        try:
            described = {one.name: one for one in _of_plot(prefix, entry, remedies)}
            taken = sorted(described.keys() & found.keys())
            if taken:
                raise InputError(f"{taken[0]} is taken by another plot; rename one of them")
        except InputError as error:
            problems[entry.name] = str(error)
            continue
        found |= described
        plots[entry.name] = entry
    for group in by_group(plots.values()):
        try:
            groups = {
                one.name: one for one in describe_quality(group_base(prefix, group), of=group)
            }
        except InputError as error:
            problems[f"group {group}"] = str(error)
            continue
        found |= {name: one for name, one in groups.items() if name not in found}
    return Listing(plots, found, problems)


def _of_plot(prefix: str, entry: PlotEntry, remedies: Collection[str]) -> Iterator[PvDescription]:
    yield from describe_plot(prefix, entry)
    if entry.name in remedies:
        yield from describe_remedy(plot_base(prefix, entry))


def expected_stages(config: Config) -> list[StageKey]:
    """List the processes that a deployment has."""
    workers = [("Predict", number) for number in range(config.predict.workers)]
    return [("Feeder", 0), ("Balancer", 0), *workers, ("Keeper", 0), ("Ioc", 0)]


def list_site(config: Config) -> Iterator[PvDescription]:
    """Describe the PVs that exist whatever the catalogue says."""
    yield from describe_site(
        config.prefix,
        beam_writable=config.beam.pv is None,
        run_type_writable=config.beam.run_type_pv is None,
    )
    yield from describe_quality(config.prefix, of="the deployment")
    for key in expected_stages(config):
        yield from describe_stage(config.prefix, key)


def list_all(config: Config, catalogue: Catalogue) -> Listing:
    """Describe every PV of a deployment: what ``hydra-ioc pvs`` prints."""
    listing = list_catalogue(config.prefix, catalogue, config.ioc.remedies)
    site = {one.name: one for one in list_site(config)}
    return Listing(listing.plots, {**site, **listing.descriptions}, listing.problems)
