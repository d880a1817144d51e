"""Fill the dictionaries: labels, states of a process, roles and their rights."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TYPES = {1: "quality", 2: "source"}
# name: type, colour, severity when confirmed, when not, trainable
LABELS: dict[str, tuple[int, str, int, int, bool]] = {
    "Good": (1, "#2e8b57", 0, 0, True),
    "Acceptable": (1, "#9acd32", 0, 0, True),
    "Bad": (1, "#d62728", 2, 1, True),
    "NoData": (1, "#8b5a2b", 1, 1, True),
    "Cosmic": (2, "#17becf", 0, 0, True),
    "Ignore": (1, "#7f7f7f", 0, 0, False),
    "LED": (2, "#9467bd", 0, 0, True),
}
STATES = ("Starting", "Running", "Degraded", "Stopping", "Silent")
CHANGES = ("set-threshold", "set-ignore", "set-news", "reload")
ROLES: dict[str, tuple[str, ...]] = {
    "Admin": (*CHANGES, "label", "set-model", "set-plots", "set-users"),
    "Developer": (*CHANGES, "label", "set-model", "set-plots"),
    "Detector Expert": (*CHANGES, "label", "set-model", "set-plots"),
    "Labeler": ("label",),
    "Viewer": (),
    "Liaison": ("set-news",),
}

types = sa.table("classification_types", sa.column("id"), sa.column("name"))
labels = sa.table(
    "classifications",
    sa.column("name"),
    sa.column("type_id"),
    sa.column("colour"),
    sa.column("confirmed_severity"),
    sa.column("unconfirmed_severity"),
    sa.column("trainable", sa.Boolean),
)
states = sa.table("status_map", sa.column("id"), sa.column("name"))
roles = sa.table("roles", sa.column("id"), sa.column("name"))
permissions = sa.table("role_permissions", sa.column("role_id"), sa.column("action"))


def upgrade() -> None:
    connection = op.get_bind()
    for table, rows in (
        (types, [{"id": key, "name": name} for key, name in TYPES.items()]),
        (labels, [_label(name) for name in LABELS]),
        (states, [{"id": key, "name": name} for key, name in enumerate(STATES)]),
        (roles, [{"id": key, "name": name} for key, name in enumerate(ROLES, start=1)]),
    ):
        present = set(connection.scalars(sa.select(table.c.name)))
        missing = [row for row in rows if row["name"] not in present]
        if missing:
            connection.execute(table.insert(), missing)
        if table is roles:
            granted = [
                {"role_id": row["id"], "action": action}
                for row in missing
                for action in ROLES[str(row["name"])]
            ]
            if granted:
                connection.execute(permissions.insert(), granted)


def downgrade() -> None:
    # The record points to these entries, and people change them: they stay, and
    # the next upgrade adds only what is missing. They go with their tables in 0001.
    pass


def _label(name: str) -> dict[str, object]:
    kind, colour, confirmed, unconfirmed, trainable = LABELS[name]
    return {
        "name": name,
        "type_id": kind,
        "colour": colour,
        "confirmed_severity": confirmed,
        "unconfirmed_severity": unconfirmed,
        "trainable": trainable,
    }
