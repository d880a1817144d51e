"""Every way in which Hydra refuses or fails, as one tree.

::

    HydraError
      InputError        what came from outside is not what was agreed
        ConfigError       a configuration file
        FileError         a plot file (name, size, content)
        MessageError      a message on a socket
        CommandError      a command: PV put, RPC or command line
          NotPermitted      the user may not do this
        LabelError        a label outside the palette of its plot
        ModelError        a model folder that does not match its card
      StoreError        the database or the image store
        WrongRevision     the database is at another schema revision
        StoreUnavailable  the database does not answer (worth trying again)
        FolderUnavailable  a folder takes nothing, such as on a full disk
      TransportError    a socket cannot be bound, connected or trusted

A message says what was expected, what came, and what to do.
"""


class HydraError(Exception):
    """Any failure that Hydra foresees; its text is meant for a person."""


class InputError(HydraError):
    """Something from outside is not what was agreed."""


class ConfigError(InputError):
    """A configuration file has one or more faults, all listed in the text."""


class FileError(InputError):
    """A plot file cannot be used.

    Attributes:
        reason: One word for counters and quarantine folders, such as
            ``unknown-name``, ``truncated``, ``corrupt``, ``oversized``.
    """

    def __init__(self, reason: str, message: str) -> None:
        """Keep the reason beside the text."""
        super().__init__(message)
        self.reason = reason


class MessageError(InputError):
    """A message on a socket is malformed or of an unknown version."""


class CommandError(InputError):
    """A command is refused: out of range, unknown target, wrong type."""


class NotPermitted(CommandError):  # noqa: N818 - the name is the sentence
    """The user, host or role has no right to do this."""


class LabelError(InputError):
    """A label that the palette of its plot does not hold."""


class ModelError(InputError):
    """A model folder is incomplete or does not match its card."""


class StoreError(HydraError):
    """The database or the image store cannot do what was asked."""


class WrongRevision(StoreError):  # noqa: N818
    """The database schema is not at the revision this code expects."""


class StoreUnavailable(StoreError):  # noqa: N818
    """The database does not answer now; the same call may succeed later."""


class FolderUnavailable(StoreUnavailable):
    """A folder of the record takes nothing now, such as on a full disk."""


class TransportError(HydraError):
    """A socket cannot be bound, connected or trusted."""
