"""What the head of the Run screen says: beam, run, last update, news, banner."""

from typing import Final

from displays.card_store import CardStore
from displays.deployment_link import DeploymentLink
from displays.frame import Frame
from displays.text import age_text, clock

OLD_CADENCES: Final = 3.0
"""The last update is old after this many of the shortest cadence."""


RUN_TYPE_LENGTH: Final = 16
"""Letters of the run type that have room between beam and last update."""


def write_head(frame: Frame, deployment: DeploymentLink, store: CardStore) -> None:
    """Write the head anew.

    Args:
        frame: Where to.
        deployment: PVs of the deployment.
        store: All cards; the newest image is the last update.
    """
    live = deployment.connected and not deployment.line.silent_since
    beam = deployment.text("Beam") or "?"
    state = {"On": "on", "Off": "off"}.get(beam, "") if live else "lost"
    current = deployment.number("BeamCurrent")
    frame.beam.say(beam if current is None else f"{beam}  {current:.4g}", state=state)
    run = deployment.number("Run")
    known = run is not None and run >= 0
    kind = shortened(deployment.text("RunType"), RUN_TYPE_LENGTH)
    if kind and live and deployment.doubtful("RunType"):
        kind += "?"
    number = f"{run:.0f}" if known else "?"
    frame.run.say(f"{number}  {kind}" if kind else number, state="" if live else "lost")
    frame.last.say(*_last_update(deployment, store, live=live))
    frame.news.say(deployment.text("News.VAL$"))
    frame.show_banner(_banner(deployment))


def shortened(text: str, length: int) -> str:
    """Cut a text that is too long, and show that it was cut."""
    return text if len(text) <= length else f"{text[: length - 1]}\u2026"


def _last_update(deployment: DeploymentLink, store: CardStore, *, live: bool) -> tuple[str, str]:
    if not live:
        return "NOT LIVE", "old" if deployment.plots else ""
    ages = [age for age in (card.link.age() for card in store.cards.values()) if age is not None]
    stamp = clock(deployment.text("LastUpdate"))
    if not stamp or not ages:
        return "none yet", ""
    old = min(ages) > OLD_CADENCES * min(plot.cadence_s for plot in deployment.plots)
    text = f"{stamp}  ({age_text(min(ages))})"
    return (f"{text}  OLD", "old") if old else (text, "")


def _banner(deployment: DeploymentLink) -> str:
    if deployment.fault:
        return f"The catalogue cannot be used: {deployment.fault}"
    if not deployment.connected:
        found = "IOC DISCONNECTED" if deployment.plots else "NO IOC FOUND"
        looking = f"Looking for {deployment.prefix}Catalogue"
        return f"{found}: nothing on this screen is live. {looking}"
    if deployment.line.silent_since:
        since = deployment.line.silent_since
        return f"IOC SILENT since {since}: nothing on this screen is live"
    if deployment.text("Producer") == "Silent":
        return "PRODUCER SILENT: no plots arrive; what is shown is old"
    return ""
