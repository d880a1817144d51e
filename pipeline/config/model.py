"""What a deployment's TOML file may say, with every default.

Relative paths are relative to ``state_dir``, and ``state_dir`` to the folder
of the file itself. Every default runs the main job on one machine: SQLite,
ipc sockets, EPICS on the loopback interface.
"""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

PositiveSeconds = Annotated[float, Field(gt=0.0, le=86_400.0)]
Port = Annotated[int, Field(ge=1, le=65_535)]
SOCKET_FOLDER_LIMIT = 85
"""Longest path of the socket folder; leaves room for the socket's name."""


class Section(BaseModel):
    """Base of every table: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Grammar(Section):
    """One rule that turns a file name into plot, chunk and time.

    The pattern is a regular expression over the whole file name. Its named
    groups are ``plot`` (required), ``part``, ``pad``, ``chunk``, ``time`` and ``run``.
    """

    name: str
    pattern: str
    time_format: str | None = None
    """``strptime`` format of the group ``time``."""

    @field_validator("pattern")
    @classmethod
    def _has_a_plot_group(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groupindex
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        if "plot" not in groups:
            raise ValueError("expected a group (?P<plot>...), found none")
        return pattern


class Input(Section):
    """Where plots come from and what becomes of the files."""

    trees: list[Path] = [Path("input")]
    """Folders watched with all their subfolders."""
    grammars: list[str | Grammar] = ["gluex", "clas12"]
    """Built-in names, or tables of one's own; the first that fits wins."""
    period: str = r"RunPeriod-[\w-]+"
    """Regular expression of the path part that names the run period."""
    run: str = r"(?:Run)?0*(\d+)"
    """Regular expression of the path part that holds the run number."""
    after: Literal["remove", "keep"] = "remove"
    """What happens to a source file when its result is committed."""
    quarantine: Path = Path("quarantine")
    max_bytes: Annotated[int, Field(ge=1_000)] = 20_000_000
    max_pixels: Annotated[int, Field(ge=1_000)] = 16_000_000
    settle_s: PositiveSeconds = 2.0
    """A file without a close event counts as finished when it is this old."""
    rescan_s: PositiveSeconds = 10.0
    """How often the trees are listed again, in case an event was lost."""
    window: Annotated[int, Field(ge=1, le=10_000)] = 64
    """Orders that may be under way at a time."""
    resend_s: PositiveSeconds = 15.0
    """An order that is not done by then is sent again."""
    decoders: Annotated[int, Field(ge=1, le=64)] = 2
    """Processes that decode and resize."""
    decode_timeout_s: PositiveSeconds = 30.0
    """A file that takes a decoder longer is at fault."""
    picture_width: Annotated[int, Field(ge=64, le=4096)] = 800
    """Width in pixels of the picture that screens show."""
    offline: bool = False
    """Past runs: recorded, never alarmed."""


class Sockets(Section):
    """Endpoints and limits of the sockets between the stages.

    Source of the limits: ``docs/decisions`` on lagging and dropping.
    """

    folder: Path = Path("sockets")
    """Where ipc endpoints that are given as a bare name lie."""
    orders: str = "orders"
    """Balancer binds ROUTER; Feeders connect DEALER. Lags."""
    workers: str = "workers"
    """Balancer binds ROUTER; workers connect DEALER. Lags."""
    reports: str = "reports"
    """Keeper binds PULL; workers connect PUSH. Lags."""
    states: str = "states"
    """Keeper binds PUB (Catalogue, PlotState, Done); all connect SUB. Drops."""
    commands: str = "commands"
    """Keeper binds ROUTER; IOC and tools connect DEALER. Lags."""
    health_ioc: str = "health-ioc"
    """IOC binds SUB (Heartbeat); every process connects PUB. Drops."""
    health_keeper: str = "health-keeper"
    """Keeper binds SUB (Heartbeat); every process connects PUB. Drops."""
    health_guard: str = "health-guard"
    """Guard binds SUB (Heartbeat); every process connects PUB. Drops."""
    high_water: Annotated[int, Field(ge=1)] = 1000
    linger_ms: Annotated[int, Field(ge=0)] = 500
    timeout_s: PositiveSeconds = 5.0
    """How long a command waits for its reply."""
    curve_folder: Path | None = None
    """CURVE keys, required by any tcp endpoint beyond loopback."""


class Database(Section):
    """Where the record is kept."""

    url: str = "sqlite:///hydra.db"
    """SQLAlchemy URL; a relative SQLite path is relative to ``state_dir``."""
    password_file: Path | None = None
    """File that holds the password, so that the URL need not."""


class Balancer(Section):
    """How orders are handed to workers."""

    policy: Literal["round-robin", "least-loaded"] = "least-loaded"
    silence_s: PositiveSeconds = 3.0
    """A worker silent for this long loses its orders to others."""
    queue_limit: Annotated[int, Field(ge=1)] = 5000


class Predict(Section):
    """The worker processes and their inference."""

    workers: Annotated[int, Field(ge=1, le=64)] = 2
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Inference threads of each worker."""
    credits: Annotated[int, Field(ge=1, le=1000)] = 4
    models: Path = Path("models")
    """The model store: one folder per model, named by its hash."""
    timeout_s: PositiveSeconds = 5.0
    """A forward pass longer than this counts as a hang."""


class Keeper(Section):
    """Judging and recording."""

    images: Path = Path("images")
    """Kept images by content hash."""
    collect_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.01
    """Share of images kept at random, where a plot type sets none."""
    stale_factor: Annotated[float, Field(ge=1.0)] = 3.0
    """A plot is stale after this many cadences without an image."""
    producer_fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 0.6
    """When this share of plots is stale, the producer is silent: one alarm."""


class Loop(Section):
    """When a model is to be trained again."""

    period_s: PositiveSeconds = 60.0
    """How often every plot is looked at."""
    days: PositiveSeconds = 30.0
    """Length of the trailing window."""
    images: Annotated[int, Field(ge=1, le=10_000)] = 500
    """At most so many images of the unbiased sample."""
    coverage: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    """Labelled share of the sample from which on the accuracy is known."""
    accuracy: Annotated[float, Field(ge=0.0, le=1.0)] = 0.95
    """A trailing accuracy that is surely below asks for a training."""
    bad_labels: Annotated[int, Field(ge=1)] = 10
    """So many images with new bad labels ask for a training."""
    drift: PositiveSeconds = 5.0
    """A larger drift, in standard errors, asks for a training."""
    newest: Annotated[int, Field(ge=100, le=10_000)] = 400
    """Newest verdicts and embeddings that are compared, the newer half with the older."""


class References(Section):
    """How far references may be adapted."""

    step: Annotated[float, Field(gt=0.0, le=0.5)] = 0.2
    """Share of the references that one proposal replaces at most."""
    drift: Annotated[float, Field(gt=0.0, le=10.0)] = 1.0
    """Decades of similarity that they may drift from the original ones in all."""
    adapt_period_s: Annotated[float, Field(ge=0.0, le=2_592_000.0)] = 0.0
    """How often the Keeper proposes to adapt the references of all plots; 86400 for once a day,
    0 for never. An expert accepts or refuses."""


class Beam(Section):
    """The beam gate."""

    pv: str | None = None
    """PV of the beam current; without one, ``$(P)BeamCurrent`` is writable."""
    threshold: float = 1.0
    """Below it there is no beam and Bad raises no alarm; unit of the PV."""
    run_pv: str | None = None
    """PV of the run number; without one, the images tell it."""
    run_type_pv: str | None = None
    """PV of the run type, a text or an enum; without one, ``$(P)RunType`` is writable."""


class Ioc(Section):
    """The two EPICS faces."""

    interfaces: list[str] = ["127.0.0.1"]
    ca_port: Port = 5064
    pva_port: Port = 5075
    access_file: Path | None = None
    """EPICS access security file; without one, the built-in rules hold:
    writes from this host only."""
    silence_s: PositiveSeconds = 4.0
    """A process without heartbeat for this long is dead."""
    remedies: list[str] = []
    """Plots with a PV ``:Remedy`` for a sequencer to follow; none by default."""


class Config(Section):
    """One deployment."""

    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_:\-]{1,20}$")] = "HYDRA:"
    deployment: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\- ]{1,40}$")] = "demo"
    state_dir: Path = Path("var")
    """Everything the deployment writes."""
    input: Input = Input()
    sockets: Sockets = Sockets()
    database: Database = Database()
    balancer: Balancer = Balancer()
    predict: Predict = Predict()
    keeper: Keeper = Keeper()
    beam: Beam = Beam()
    loop: Loop = Loop()
    references: References = References()
    ioc: Ioc = Ioc()

    @model_validator(mode="after")
    def _quarantine_is_not_watched(self) -> "Config":
        quarantine = self.under_state(self.input.quarantine)
        for tree in self.input.trees:
            if quarantine.is_relative_to(self.under_state(tree)):
                raise ValueError(
                    f"input.quarantine {quarantine} lies inside the watched tree {tree};"
                    " choose a folder outside of it"
                )
        return self

    def under_state(self, path: Path) -> Path:
        """Give the absolute form of a path of this file.

        Args:
            path: A path as configured.

        Returns:
            The path itself when absolute, else below ``state_dir``.
        """
        return path if path.is_absolute() else (self.state_dir / path).absolute()

    def database_url(self) -> str:
        """Give the SQLAlchemy URL with a relative SQLite path resolved."""
        head, slashes, path = self.database.url.partition(":///")
        if head.startswith("sqlite") and slashes and not path.startswith(("/", ":memory:")):
            return f"{head}:///{self.under_state(Path(path))}"
        return self.database.url

    def endpoint(self, name: str) -> str:
        """Give the ZeroMQ endpoint of a socket.

        Args:
            name: A socket of ``Sockets``, such as ``orders``.

        Returns:
            The endpoint; a bare word becomes an ipc file in ``folder``.
        """
        value: str = getattr(self.sockets, name)
        if "://" in value:
            return value
        return f"ipc://{self.socket_folder() / value}"

    def socket_folder(self) -> Path:
        """Give the folder of the ipc sockets.

        The kernel takes 107 bytes of path for a socket, so a deployment in a
        deep folder gets a short one of its own below the temporary folder.

        Source:
            ``sys/un.h``: ``sun_path`` holds 108 bytes with the final NUL.
        """
        folder = self.under_state(self.sockets.folder)
        if len(str(folder)) <= SOCKET_FOLDER_LIMIT:
            return folder
        digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"hydra-{os.getuid()}-{digest}"
