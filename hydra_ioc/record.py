"""The record as the command line opens it, and who asks."""

import getpass
import socket

from sqlalchemy import Engine

from db.audit_queries import Actor, audit
from db.engine import make_engine, reading, writing
from db.startup import require_head
from db.user_queries import require
from pipeline.config import Config
from pipeline.errors import ConfigError, NotPermitted


def open_record(config: Config) -> Engine:
    """Open the database of a deployment.

    Args:
        config: The deployment.

    Returns:
        The engine of a database at the revision this release expects.

    Raises:
        ConfigError: The URL or the password file cannot be used.
        WrongRevision: The schema is another one; the text says what to do.
        StoreUnavailable: The database does not answer.
    """
    password = config.database.password_file
    engine = make_engine(
        config.database_url(), config.under_state(password) if password is not None else None
    )
    require_head(engine)
    return engine


def actor(why: str = "") -> Actor:
    """Give the user and host of this shell.

    Args:
        why: The reason that is put on record.

    Raises:
        ConfigError: The user of this process has no name.
    """
    try:
        user = getpass.getuser()
    except (KeyError, OSError) as error:
        raise ConfigError("expected a user name for the audit log; set LOGNAME") from error
    return Actor(user=user, host=socket.gethostname(), why=why)


def permit(engine: Engine, who: Actor, action: str, plot: str | None = None) -> None:
    """Let only those go on who may; a refusal is put on record.

    Args:
        engine: The database.
        who: Who asks, from where and why.
        action: An action of the role permissions, such as ``set-model``.
        plot: Name of the plot type; None for what concerns all of them.

    Raises:
        NotPermitted: No role of the user allows it.
        StoreError: The database refuses or is away.
    """
    try:
        with reading(engine) as session:
            require(session, who, action, plot)
    except NotPermitted as refusal:
        with writing(engine) as session:
            audit(session, who, action, plot or "*", new={"refused": str(refusal)}, accepted=False)
        raise
