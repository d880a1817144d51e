"""Opening a screen: on a display, or into a file."""

import functools
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

SCREEN: Final = Path(__file__).with_name("run.py")
ANYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, never bound
POLL_S: Final = 0.01
HARMLESS: Final = ("This plugin does not support", "QStandardPaths: XDG_RUNTIME_DIR")
QT_LEVELS: Final = {1: logging.WARNING, 2: logging.CRITICAL, 3: logging.CRITICAL}
"""Source: QtMsgType of qlogging.h; 0 is debug, 4 info."""
logger = logging.getLogger(__name__)


class NotDrawn(Exception):  # noqa: N818 - the name is the sentence
    """The screen could not be drawn into a file; says why."""


def epics_environment(interfaces: Sequence[str], ca_port: int, pva_port: int) -> dict[str, str]:
    """Give the EPICS environment with which a client on this host finds the IOC.

    Args:
        interfaces: Addresses on which the IOC serves.
        ca_port: Its Channel Access port.
        pva_port: Its pvAccess TCP port.

    Returns:
        Environment variables. pvAccess goes to the TCP port itself, so that no
        search by broadcast is needed.
    """
    hosts = ["127.0.0.1" if host in ANYWHERE else host for host in interfaces]
    return {
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_CA_ADDR_LIST": " ".join(f"{host}:{ca_port}" for host in hosts),
        "EPICS_CA_SERVER_PORT": str(ca_port),
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVA_ADDR_LIST": " ".join(hosts),
        "EPICS_PVA_SERVER_PORT": str(pva_port),
        "EPICS_PVA_NAME_SERVERS": " ".join(f"{host}:{pva_port}" for host in hosts),
    }


def open_screen(prefix: str, *, fullscreen: bool) -> int:
    """Show the Run screen until it is closed.

    Args:
        prefix: The deployment's prefix.
        fullscreen: Fill the whole display, without frame.

    Returns:
        Exit code of the application.
    """
    _set_up_qt()
    from pydm import PyDMApplication
    from qtpy.QtCore import QTimer

    application = PyDMApplication(
        ui_file=str(SCREEN),
        command_line_args=["hydra-ioc"],
        macros={"P": prefix},
        hide_nav_bar=True,
        hide_menu_bar=True,
        hide_status_bar=True,
        fullscreen=fullscreen,
    )
    sys.excepthook = _faulty(application)
    if fullscreen:
        QTimer.singleShot(0, functools.partial(_fill_display, application))
    return int(application.exec_())


def _fill_display(application: Any) -> None:
    # A kiosk without window manager does not enlarge the window, and PyDM makes
    # it as small as the screen was built; this comes after it.
    application.main_window.setGeometry(application.primaryScreen().geometry())


def _faulty(application: Any) -> Callable[..., None]:
    """Make the hook for exceptions in slots, at which PyQt would abort.

    The screen goes on, because the crew needs the rest of it, and says across
    its whole width that it cannot be trusted.
    """

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        logger.critical("screen=faulty", exc_info=(kind, error, trace))
        application.main_window.display_widget().frame.show_fault(f"{kind.__name__}: {error}")

    return hook


def draw_screen(prefix: str, file: Path, size: tuple[int, int], timeout_s: float) -> None:
    """Draw the Run screen into a PNG file once everything has arrived.

    Args:
        prefix: The deployment's prefix.
        file: Where to.
        size: Width and height in pixels.
        timeout_s: How long to wait for all PVs and pictures, seconds.

    Raises:
        NotDrawn: Not everything arrived, there are no letters, or no file.
    """
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    _set_up_qt()
    from pydm import PyDMApplication
    from qtpy.QtCore import QSettings
    from qtpy.QtGui import QFontDatabase

    application = PyDMApplication(use_main_window=False, command_line_args=["hydra-ioc"])
    if not QFontDatabase().families():
        raise NotDrawn("no fonts on this machine: 'apt-get install fonts-dejavu-core'")
    from displays.run import RunScreen
    from displays.settings import Settings

    # The drawing is the same whoever makes it: no settings of a user.
    plain = Settings(prefix, QSettings(os.devnull, QSettings.IniFormat))
    screen = RunScreen(macros={"P": prefix}, settings=plain)
    screen.resize(*size)
    screen.show()
    end = time.monotonic() + timeout_s
    while not screen.settled():
        if time.monotonic() > end:
            raise NotDrawn(f"{screen.missing()} after {timeout_s:g} s; is the deployment running?")
        application.processEvents()
        time.sleep(POLL_S)
    screen.refresh()
    application.processEvents()
    saved = screen.grab().save(str(file), "PNG")
    screen.close()
    if not saved:
        raise NotDrawn(f"cannot write {file}")


def _set_up_qt() -> None:
    os.environ.setdefault("QT_API", "pyqt5")
    from qtpy.QtCore import qInstallMessageHandler

    qInstallMessageHandler(_log_qt)


def _log_qt(kind: int, _context: object, text: str) -> None:
    # What an offscreen or bare display cannot do is no fault.
    level = logging.DEBUG if text.startswith(HARMLESS) else QT_LEVELS.get(int(kind), logging.INFO)
    logger.log(level, "qt=%r", text)
