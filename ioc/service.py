"""The IOC: two EPICS faces of what the Keeper and the heartbeats say."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import zmq
import zmq.asyncio
from p4p.server import Server as PvaServer

from ioc.acf import load_rules
from ioc.beam import Beam
from ioc.board import Board
from ioc.ca_face import CaFace
from ioc.health import Health
from ioc.keeper import KeeperClient
from ioc.listing import list_site
from ioc.memory import Memory
from ioc.plots import Plots
from ioc.puts import Clerk
from ioc.pva_face import PvaFace
from ioc.refusal_record import RefusalRecord
from ioc.run_type import RunType
from ioc.site_pvs import catalogue_text, site_values
from ioc.value import PvValue
from pipeline.config import Config
from pipeline.errors import HydraError, TransportError
from pipeline.health import Pulse
from pipeline.messages import Catalogue, Performance, PlotState, ReferencePicture, SiteState

logger = logging.getLogger(__name__)

TICK_S = 0.5
AGE_PERIOD_S = 5.0


class Ioc:
    """Hears the Keeper and shows what it says."""

    def __init__(self, config: Config, context: zmq.asyncio.Context) -> None:
        """Set up; nothing is served yet.

        Args:
            config: The deployment.
            context: The ZeroMQ context of the process.

        Raises:
            ConfigError: The access file cannot be used.
            TransportError: A socket cannot be used.
        """
        self._config = config
        self.pulse = Pulse("Ioc")
        self.memory = Memory(config.under_state(Path("ioc-memory.json")))
        self.board = Board()
        self.plots = Plots(config.prefix, self.board, self.memory, config.ioc.remedies)
        self.keeper = KeeperClient(context, config, self)
        self.clerk = Clerk(self.board, load_rules(config), self.keeper.send)
        self.refusals = RefusalRecord(self.keeper.send)
        self.clerk.on_refusal = self._count_refusal
        self.clerk.on_record = self.refusals.note
        self.clerk.run_number = lambda: self.beam.conditions.run
        self.ca_face = CaFace(self.clerk, self.memory)
        self.pva_face = PvaFace(self.clerk)
        self.health = Health(context, config, self.board, self.on_bad_message)
        self.beam = Beam(config, self.board, self.keeper.send)
        self.run_type = RunType(config, self.board, self.keeper.send)
        self.complete = asyncio.Event()
        self._site = SiteState()
        self._catalogue = Catalogue(serial=0, plots=())
        self._published: set[str] = set()
        self._save_fault = ""
        self.board.attach(self.ca_face)
        self.board.attach(self.pva_face)
        self.board.declare(list_site(config))
        self._count_refusal()

    def on_catalogue(self, catalogue: Catalogue) -> None:
        """Serve the plots of a catalogue; the Keeper repeats it in case one got lost."""
        if catalogue == self._catalogue and self.pulse.state != "Starting":
            return
        self._catalogue = catalogue
        if self.plots.take_catalogue(catalogue) and self.complete.is_set():
            # Pictures of references come with a snapshot only.
            self.keeper.want_snapshot()
        self._show_catalogue()
        self._tell_how_it_fares()

    def on_state(self, state: PlotState, picture: bytes, heat: bytes, *, live: bool) -> None:
        """Show a plot's state, unless something newer was published meanwhile."""
        begin = time.perf_counter()
        if live:
            self._published.add(state.plot)
        elif state.plot in self._published and state.count <= self.plots.count(state.plot):
            return
        missed = self.plots.take_state(state, picture, heat)
        if live and missed:
            self.keeper.want_snapshot()
        self.pulse.handled(time.perf_counter() - begin)

    def on_site(self, site: SiteState) -> None:
        """Show the status bar."""
        self._site = site
        self._show_site()
        self.beam.take_site(site)

    def on_performance(self, performance: Performance) -> None:
        """Show how well a model does."""
        self.plots.take_performance(performance)

    def on_reference(self, reference: ReferencePicture, picture: bytes) -> None:
        """Show the references of a plot."""
        self.plots.take_reference(reference, picture)

    def on_snapshot(self) -> None:
        """Everything is there."""
        self._published.clear()
        self.beam.tell_again()
        self.run_type.tell_again()
        self.complete.set()

    def on_bad_message(self) -> None:
        """Count a message that cannot be used."""
        self.pulse.refused("Message")

    def _count_refusal(self) -> None:
        self.pulse.gauges["RefusedPuts"] = float(self.clerk.refused)
        self.pulse.gauges["RefusedPutsNotRecorded"] = float(self.refusals.lost)
        self.board.show(
            {f"{self._config.prefix}Ioc:Refused": PvValue(self.clerk.refused, time=time.time())}
        )

    def _show_site(self) -> None:
        fault = self.health.fault("Keeper")
        self.board.show(site_values(self._config.prefix, self._site, fault))
        self.run_type.show(self._site, fault)

    def _show_catalogue(self) -> None:
        prefix, now = self._config.prefix, time.time()
        texts = {
            "Catalogue": catalogue_text(
                prefix, self._catalogue, self.health.stages, self.plots.entries
            ),
            "Plots": json.dumps(list(self.plots.entries)),
        }
        for name, text in texts.items():
            since = self.memory.first_seen(f"{prefix}{name}", text, now)
            self.board.show({prefix + name: PvValue(text, time=since)})

    async def tick(self) -> None:
        """Twice a second: who is silent, how old are the images, what to remember."""
        aged = 0.0
        while True:
            await asyncio.sleep(TICK_S)
            if self.health.look():
                self._show_catalogue()
            self.plots.take_fault(self.health.chain_fault())
            self._show_site()
            now = time.time()
            if now - aged >= AGE_PERIOD_S:
                aged = now
                self.plots.tick(now)
            self.save()

    def save(self) -> None:
        """Write what must survive a restart; a full disk is shown, not fatal."""
        fault = ""
        try:
            self.memory.save()
        except OSError as error:
            fault = f"cannot remember acknowledgements: {error}"
        if fault != self._save_fault:
            self._save_fault = fault
            logger.error("event=saving fault=%r", fault)
            self._tell_how_it_fares()

    def _tell_how_it_fares(self) -> None:
        problems = list(self.plots.problems.values())
        self.pulse.gauges["NotServed"] = float(len(problems))
        faults = [self._save_fault, *problems] if self._save_fault else problems
        self.pulse.state = "Degraded" if faults else "Running"
        self.pulse.reason = "; ".join(faults)[:4000]


@contextlib.contextmanager
def pva_server(config: Config, face: PvaFace) -> Iterator[None]:
    """Serve the pvAccess face.

    Args:
        config: The deployment; UDP searches come in on the port after ``pva_port``.
        face: What to serve.
    """
    server = PvaServer(
        providers=[face.provider],
        conf={
            "EPICS_PVAS_INTF_ADDR_LIST": " ".join(config.ioc.interfaces),
            "EPICS_PVAS_SERVER_PORT": str(config.ioc.pva_port),
            "EPICS_PVAS_BROADCAST_PORT": str(config.ioc.pva_port + 1),
            "EPICS_PVAS_AUTO_BEACON_ADDR_LIST": "NO",
            "EPICS_PVAS_BEACON_ADDR_LIST": " ".join(config.ioc.interfaces),
        },
        useenv=False,
    )
    try:
        port = int(server.conf()["EPICS_PVAS_SERVER_PORT"])
        if port != config.ioc.pva_port:
            raise TransportError(
                f"pvAccess port {config.ioc.pva_port} is taken; stop the other server"
                " or set ioc.pva_port"
            )
        yield
    finally:
        server.stop()


async def serve(config: Config, ready: Callable[[], None]) -> None:
    """Serve until cancelled.

    Args:
        config: The deployment.
        ready: Called once every PV is served and shows what the Keeper knows.
    """
    context = zmq.asyncio.Context()
    ioc = Ioc(config, context)
    ioc.keeper.want_snapshot()
    try:
        with pva_server(config, ioc.pva_face):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(ioc.ca_face.serve(config.ioc.interfaces, config.ioc.ca_port))
                tasks.create_task(ioc.keeper.run())
                tasks.create_task(ioc.health.run())
                tasks.create_task(ioc.beam.run())
                tasks.create_task(ioc.run_type.run())
                tasks.create_task(ioc.pulse.run(context, config))
                tasks.create_task(ioc.refusals.run())
                tasks.create_task(ioc.tick())
                await ioc.complete.wait()
                ready()
    except* HydraError as group:
        # The first that failed; the others were cancelled for it.
        failed = group.exceptions[0]
        while isinstance(failed, ExceptionGroup):
            failed = failed.exceptions[0]
        raise failed from None
    finally:
        ioc.save()
        context.destroy(0)
