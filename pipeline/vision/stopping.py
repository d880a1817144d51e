"""When a training ends before its last epoch."""

from dataclasses import dataclass
from typing import Final

from pipeline.errors import InputError

QUANTITIES: Final = ("loss", "accuracy", "val_loss", "val_accuracy")
"""What is known after every epoch; ``val_`` is on the validation runs."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The rule. Both parts may be in force; the first that holds ends the epochs."""

    quantity: str = ""
    """One of ``QUANTITIES``; empty for none."""
    value: float = 0.0
    """A loss must fall to it, an accuracy rise to it."""
    patience: int = 0
    """Epochs without a better validation loss; 0 waits for ever."""

    def __post_init__(self) -> None:
        """Refuse a rule that means nothing.

        Raises:
            InputError: No such quantity.
        """
        if self.quantity and self.quantity not in QUANTITIES:
            raise InputError(
                f"expected an early-stop quantity of {', '.join(QUANTITIES)},"
                f" received {self.quantity!r}"
            )

    def reason(self, numbers: dict[str, float], waited: int) -> str:
        """Say why the epochs end now; empty when they go on.

        Args:
            numbers: Value by quantity after this epoch.
            waited: Epochs without a better validation loss.
        """
        if self.quantity:
            found = numbers[self.quantity]
            falls = self.quantity.endswith("loss")
            if found <= self.value if falls else found >= self.value:
                return f"{self.quantity} reached {self.value:g}"
        if self.patience and waited >= self.patience:
            return f"{waited} epochs without a better validation loss"
        return ""
