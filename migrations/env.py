"""Alembic's environment: the connection comes from ``db.startup``."""

from alembic import context
from sqlalchemy import Connection

from db.schema import METADATA


def _run(connection: Connection) -> None:
    sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        compare_type=True,
        compare_server_default=True,
        render_as_batch=sqlite,
        # Our SQLite connections begin before the first statement, so a migration
        # that fails leaves nothing behind. A MariaDB server commits every DDL.
        transactional_ddl=sqlite,
    )
    # A table that SQLite's batch mode builds anew is dropped under its own name;
    # with foreign keys on, that would count as a delete of what points to it.
    if sqlite:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"])
