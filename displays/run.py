"""The Run screen: every plot of a deployment, the bad ones in a column of their own.

Open it with ``hydra-ioc screen`` or ``pydm -m 'P=HYDRA:' displays/run.py``. It
needs the prefix and the EPICS network, nothing else: the catalogue PV says
which plots there are.
"""

import logging
import re
from typing import Final

from pydm import Display
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QCloseEvent, QKeyEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from displays.arrangement import Arrangement, arrange
from displays.board import Item
from displays.card import Card
from displays.card_store import CardStore
from displays.catalogue import palette
from displays.deployment_link import DeploymentLink
from displays.desk import Desk
from displays.field import mend_channel_access, mend_pictures
from displays.frame import Frame
from displays.head import write_head
from displays.headline import headline
from displays.notice import Notice
from displays.settings import Settings

logger = logging.getLogger("displays.run")
"""By name: PyDM loads this file under another one."""
PREFIX: Final = re.compile(r"[A-Za-z0-9_:\-]{1,20}\Z")
SIZE: Final = (1600, 950)
"""At first, in pixels; PyDM makes its window fit."""
TICK_MS: Final = 1000
"""Ages grow once a second."""


class RunScreen(Display):
    """Shows all plots and follows their PVs."""

    def __init__(
        self,
        parent: QWidget | None = None,
        args: list[str] | None = None,
        macros: dict[str, str] | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Build the frame; the catalogue fills it.

        Args:
            parent: Owner.
            args: Not used.
            macros: ``P``, the deployment's prefix.
            settings: The user's choices; the user's own file when None.

        Raises:
            ValueError: The prefix is missing or no prefix.
        """
        super().__init__(parent=parent, args=args, macros=macros)
        self.prefix = (macros or {}).get("P", "")
        if not PREFIX.match(self.prefix):
            raise ValueError(
                f"expected the prefix as macro P, such as -m 'P=HYDRA:', received {self.prefix!r}"
            )
        mend_channel_access()
        mend_pictures()
        self.setWindowTitle(f"Hydra {self.prefix} Run")
        self.settings = settings or Settings(self.prefix)
        self.frame = Frame(self.prefix, self)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.frame)
        self.store = CardStore(self.prefix, self, self.frame.board.ground)
        self.deployment = DeploymentLink(self.prefix, self)
        self.desk = Desk(self.store, self.settings, self)
        self.layout_now: Arrangement = arrange((), "", ())
        self._notices: dict[str, Notice] = {}
        self._connect()
        self._show_status()
        self._arrange()
        self.resize(*SIZE)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setFocus()

    def ui_filename(self) -> None:
        """Tell PyDM that there is no .ui file."""

    def close_links(self) -> None:
        """Unsubscribe from everything; the screen shows nothing new after it."""
        self._ticker.stop()
        self.store.close()
        self.deployment.close()

    def settled(self) -> bool:
        """Tell whether all that the screen shows has arrived, pictures too."""
        cards = self.store.cards.values()
        return (
            self.deployment.settled()
            and self.store.complete
            and not any(card.link.missing() for card in cards)
            and all(card.has_picture for card in cards if card.link.picture is not None)
        )

    def missing(self) -> str:
        """Say what has not arrived yet."""
        if not self.deployment.connected:
            return f"{self.prefix}Catalogue is not connected"
        if not self.deployment.plots:
            return self.deployment.fault or f"{self.prefix}Catalogue names no plot"
        if not self.deployment.settled():
            return f"the status PVs of {self.prefix} have not arrived"
        links = [card.link for card in self.store.cards.values()]
        names = [link.pv(name) for link in links for name in link.missing()]
        return f"{len(names)} PVs have not arrived: {', '.join(names[:5])}"

    def bad_cards(self) -> list[Card]:
        """Give the cards of the Bad column, the first first."""
        return [item for item in self.frame.bad_board.items if isinstance(item, Card)]

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Unsubscribe when the window closes."""
        self.close_links()
        super().closeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Keys of the whole screen."""
        frame = self.frame
        acts = {
            Qt.Key_M: frame.heat.toggle,
            Qt.Key_Plus: lambda: self._zoom(1),
            Qt.Key_Minus: lambda: self._zoom(-1),
            Qt.Key_G: frame.controls.open_groups,
            Qt.Key_U: frame.controls.open_hidden,
            Qt.Key_B: lambda: self._focus_first(frame.bad_board.items),
            Qt.Key_P: lambda: self._focus_first(frame.board.items),
            Qt.Key_F11: self._toggle_fullscreen,
            Qt.Key_F1: self.desk.explain,
            Qt.Key_Question: self.desk.explain,
        }
        act = acts.get(event.key())
        if act is None:
            event.ignore()
        else:
            act()

    def _connect(self) -> None:
        frame = self.frame
        self.deployment.catalogue_changed.connect(self._take_catalogue)
        self.deployment.status_changed.connect(self._show_status)
        self.deployment.line_changed.connect(self.refresh)
        self.store.moved.connect(self._arrange)
        self.store.refreshed.connect(self._fit_bad_column)
        self.desk.hidden_changed.connect(self._arrange)
        frame.controls.group_chosen.connect(self._choose_group)
        frame.controls.show_again.connect(self.desk.unhide)
        frame.controls.zoom_asked.connect(self._zoom)
        frame.controls.signs_asked.connect(self.desk.explain)
        frame.heat.set_opacity(self.settings.opacity)
        frame.heat.changed.connect(self._set_opacity)
        self.store.set_opacity(frame.heat.opacity)
        frame.board.set_zoom(self.settings.zoom)
        self._ticker = QTimer(self)
        self._ticker.timeout.connect(self.refresh)
        self._ticker.start(TICK_MS)

    def _take_catalogue(self) -> None:
        plots = self.deployment.plots
        logger.info("screen=run prefix=%s plots=%d", self.prefix, len(plots))
        self.store.set_plots(plots)
        self.frame.legend.show_labels(palette(plots))
        self._show_groups()
        self._show_status()

    def refresh(self) -> None:
        """Show everything anew, as when ages have grown."""
        self.store.set_line(self.deployment.line)
        self._show_status()

    def _arrange(self) -> None:
        store = self.store
        entries = [
            store.entries[plot.name] for plot in self.deployment.plots if plot.name in store.entries
        ]
        layout = arrange(entries, self.settings.group, self.settings.hidden)
        self.layout_now = layout
        for name, card in store.cards.items():
            card.set_wordy(name in layout.bad)
            card.squeeze, card.terse = 0, 0
            if name not in layout.main:
                card.hide()
        for name in self._notices.keys() - set(layout.bad):
            self._notices[name].hide()
            self._notices.pop(name).deleteLater()
        main: list[Item] = [
            self._notice(name) if name in layout.bad else store.cards[name] for name in layout.main
        ]
        self.frame.bad_board.set_items([store.cards[name] for name in layout.bad])
        self.frame.board.set_items(main)
        for name in layout.bad:
            card = store.cards[name]
            card.show_reading(card.link.reading(), store.line)
        self.frame.bad_board.arrange()
        self.frame.show_counts(layout, self.settings.group)
        self.frame.controls.set_hidden(self.settings.hidden)
        self.frame.headline.show_headline(headline(entry.level for entry in entries))

    def _fit_bad_column(self, name: str) -> None:
        card = self.store.cards[name]
        if name in self.layout_now.bad and card.height() != card.height_for(card.width()):
            self.frame.bad_board.arrange()

    def _notice(self, name: str) -> Notice:
        if name not in self._notices:
            notice = Notice(name, self.frame.board.ground)
            notice.followed.connect(self._follow)
            self._notices[name] = notice
        return self._notices[name]

    def _follow(self, name: str) -> None:
        self.frame.bad_board.reveal(self.store.cards[name])

    def _show_status(self) -> None:
        write_head(self.frame, self.deployment, self.store)

    def _choose_group(self, name: str) -> None:
        self.settings.group = name
        self._show_groups()
        self._arrange()

    def _show_groups(self) -> None:
        groups = dict.fromkeys(plot.group for plot in self.deployment.plots)
        if self.settings.group not in groups:
            self.settings.group = ""
        self.frame.controls.set_groups(groups, self.settings.group)

    def _zoom(self, step: int) -> None:
        self.settings.zoom = max(-6, min(6, self.frame.board.zoom + step))
        self.frame.board.set_zoom(self.settings.zoom)

    def _set_opacity(self, opacity: float) -> None:
        self.settings.opacity = opacity
        self.store.set_opacity(opacity)

    def _focus_first(self, items: list[Item]) -> None:
        if items:
            board = (
                self.frame.bad_board if items is self.frame.bad_board.items else self.frame.board
            )
            board.reveal(items[0])

    def _toggle_fullscreen(self) -> None:
        window = self.window()
        window.setWindowState(window.windowState() ^ Qt.WindowFullScreen)


intelclass = RunScreen
"""Tells PyDM which class of this file is the display."""
