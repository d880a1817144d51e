"""What a user chose, kept per user and deployment."""

from qtpy.QtCore import QSettings

DEFAULT_OPACITY = 0.3


class Settings:
    """Choices that outlast the session."""

    def __init__(self, prefix: str, store: QSettings | None = None) -> None:
        """Open the store.

        Args:
            prefix: The deployment's prefix; each has choices of its own.
            store: Where they lie; the user's own settings file when None.
        """
        self._store = store or QSettings(
            QSettings.IniFormat, QSettings.UserScope, "hydra-ioc", "screens"
        )
        self._group = f"run/{prefix.rstrip(':').replace('/', '_') or 'none'}"

    @property
    def opacity(self) -> float:
        """How strongly the heat map is filled, 0 to 1."""
        return min(1.0, max(0.0, self._number("opacity", DEFAULT_OPACITY)))

    @opacity.setter
    def opacity(self, value: float) -> None:
        self._put("opacity", value)

    @property
    def zoom(self) -> int:
        """Columns fewer (positive) or more (negative) than what fits."""
        return int(min(6, max(-6, self._number("zoom", 0))))

    @zoom.setter
    def zoom(self, value: int) -> None:
        self._put("zoom", value)

    @property
    def group(self) -> str:
        """The group shown; empty for all."""
        return str(self._store.value(f"{self._group}/group", "") or "")

    @group.setter
    def group(self, value: str) -> None:
        self._put("group", value)

    @property
    def hidden(self) -> frozenset[str]:
        """Names of the plots this user does not want to see."""
        value = self._store.value(f"{self._group}/hidden", [])
        names = [value] if isinstance(value, str) else list(value or [])
        return frozenset(str(name) for name in names if name)

    @hidden.setter
    def hidden(self, names: frozenset[str]) -> None:
        self._put("hidden", sorted(names))

    def _number(self, key: str, default: float) -> float:
        value = self._store.value(f"{self._group}/{key}", default)
        try:
            return float(value)
        except (TypeError, ValueError):
            # A settings file edited by hand: the user sees the default.
            return default

    def _put(self, key: str, value: object) -> None:
        self._store.setValue(f"{self._group}/{key}", value)
        self._store.sync()
