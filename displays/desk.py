"""What a user does with a card: open, copy, save, hide."""

from pathlib import Path

from qtpy.QtCore import QMimeData, QObject, Qt, Signal
from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox, QWidget

from displays.card_store import CardStore
from displays.catalogue import name_part
from displays.detail import DetailWindow
from displays.settings import Settings
from displays.share import report
from displays.signs import SignsWindow


class Desk(QObject):
    """Carries out what cards and detail windows ask for."""

    hidden_changed = Signal()

    def __init__(self, store: CardStore, settings: Settings, screen: QWidget) -> None:
        """Listen to the cards.

        Args:
            store: All cards.
            settings: The user's choices.
            screen: Owner of windows and dialogs.
        """
        super().__init__(screen)
        self.windows: dict[str, DetailWindow] = {}
        self._signs: SignsWindow | None = None
        self._store = store
        self._settings = settings
        self._screen = screen
        store.asked.connect(self.answer)
        store.refreshed.connect(self._refresh)
        store.dropped.connect(self._close)

    def answer(self, what: str, name: str) -> None:
        """Do what a card asks.

        Args:
            what: ``open``, ``share``, ``save`` or ``hide``.
            name: The plot's name.
        """
        {"open": self.open, "share": self.share, "save": self.ask_where, "hide": self.hide}[what](
            name
        )

    def open(self, name: str) -> None:
        """Show a plot large with all that is known of it."""
        window = self.windows.get(name)
        if window is None:
            card = self._store.cards[name]
            window = DetailWindow(card.link, self._settings.opacity, self._screen)
            window.asked.connect(self.answer)
            window.closed.connect(self._forget)
            self.windows[name] = window
            self._refresh(name)
        window.show()
        window.raise_()
        window.activateWindow()

    def share(self, name: str) -> None:
        """Copy the plot's text and picture to the clipboard."""
        bundle = QMimeData()
        bundle.setText(self.text(name))
        image = self._store.cards[name].full_image()
        if image is not None:
            bundle.setImageData(image)
        QApplication.clipboard().setMimeData(bundle)

    def text(self, name: str) -> str:
        """Write down what is known of a plot."""
        card = self._store.cards[name]
        reading = card.link.reading()
        return report(card.link.plot, reading, card.face, card.link.pv("Class"))

    def ask_where(self, name: str) -> None:
        """Ask for a file and save picture and text there."""
        # The plot's name comes from a PV: no path may hide in it.
        start = str(Path.home() / f"{name_part(name)}.png")
        chosen, _ = QFileDialog.getSaveFileName(self._screen, f"Save {name}", start, "PNG (*.png)")
        if chosen:
            self.save(name, Path(chosen))

    def save(self, name: str, path: Path) -> None:
        """Save the picture, and the text beside it.

        Args:
            name: The plot's name.
            path: Of the PNG file; the text gets the suffix ``.txt``.
        """
        image = self._store.cards[name].full_image()
        try:
            saved = image is not None and image.save(str(path), "PNG")
            path.with_suffix(".txt").write_text(self.text(name) + "\n", encoding="utf-8")
        except OSError as error:
            self._warn(f"{path} is not saved: {error.strerror}")
            return
        if not saved:
            self._warn(f"no picture of {name} is saved in {path}")

    def _warn(self, text: str) -> None:
        box = QMessageBox(QMessageBox.Warning, "Hydra", text, QMessageBox.Ok, self._screen)
        box.setTextFormat(Qt.PlainText)
        box.exec_()
        box.deleteLater()

    def hide(self, name: str) -> None:
        """Hide a plot from this user's screen; it still raises alarms."""
        self._settings.hidden = self._settings.hidden | {name}
        self.hidden_changed.emit()

    def unhide(self, name: str) -> None:
        """Show a hidden plot again; empty for all."""
        self._settings.hidden = self._settings.hidden - {name} if name else frozenset()
        self.hidden_changed.emit()

    def explain(self) -> None:
        """Show what the signs and keys mean."""
        if self._signs is None:
            self._signs = SignsWindow(self._screen)
        self._signs.show()
        self._signs.raise_()

    def _refresh(self, name: str) -> None:
        window = self.windows.get(name)
        if window is not None:
            card = self._store.cards[name]
            window.show_reading(card.link.reading(), card.face)

    def _close(self, name: str) -> None:
        window = self.windows.get(name)
        if window is not None:
            window.close()

    def _forget(self, name: str) -> None:
        window = self.windows.pop(name, None)
        if window is not None:
            window.deleteLater()
