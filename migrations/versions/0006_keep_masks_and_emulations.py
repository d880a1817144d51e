"""Keep masks and emulated faults."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON(none_as_null=True)
OPTIONS = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_0900_bin",
}
RIGHT = "set-mask"
ROLES = ("Admin", "Developer", "Detector Expert")

roles = sa.table("roles", sa.column("id"), sa.column("name"))
permissions = sa.table("role_permissions", sa.column("role_id"), sa.column("action"))


def upgrade() -> None:
    _masks()
    _emulations()
    connection = op.get_bind()
    present = set(
        connection.scalars(sa.select(permissions.c.role_id).where(permissions.c.action == RIGHT))
    )
    ids = connection.scalars(sa.select(roles.c.id).where(roles.c.name.in_(ROLES))).all()
    rows = [{"role_id": key, "action": RIGHT} for key in ids if key not in present]
    if rows:
        connection.execute(permissions.insert(), rows)


def downgrade() -> None:
    op.get_bind().execute(permissions.delete().where(permissions.c.action == RIGHT))
    for table in ("emulated_images", "emulation_runs", "inference_masks", "mask_history", "masks"):
        op.drop_table(table)


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def _masks() -> None:
    op.create_table(
        "masks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("points", DOCUMENT, nullable=False),
        sa.Column("added_at", sa.Double(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("ended", sa.Boolean(), nullable=False),
        _key("masks", "plot_type_id", "plot_types"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_masks")),
        sa.UniqueConstraint("plot_type_id", "name", name=op.f("uq_masks_plot_type_id_name")),
        **OPTIONS,
    )
    op.create_table(
        "mask_history",
        sa.Column("id", BIG, nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("mask_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=500), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "action IN ('add', 'enable', 'disable', 'expire', 'ended')",
            name=op.f("ck_mask_history_action_is_known"),
        ),
        _key("mask_history", "mask_id", "masks"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mask_history")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_mask_history_mask_id_changed_at"), "mask_history", ["mask_id", "changed_at"]
    )
    op.create_table(
        "inference_masks",
        sa.Column("run_history_id", BIG, nullable=False),
        sa.Column("mask_id", sa.Integer(), nullable=False),
        _key("inference_masks", "run_history_id", "run_history"),
        _key("inference_masks", "mask_id", "masks"),
        sa.PrimaryKeyConstraint("run_history_id", "mask_id", name=op.f("pk_inference_masks")),
        **OPTIONS,
    )


def _emulations() -> None:
    op.create_table(
        "emulation_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=500), nullable=False),
        sa.Column("channel_map", sa.String(length=64), nullable=False),
        sa.Column("seed", BIG, nullable=False),
        sa.Column("settings", DOCUMENT, nullable=False),
        _key("emulation_runs", "plot_type_id", "plot_types"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emulation_runs")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_emulation_runs_plot_type_id_made_at"),
        "emulation_runs",
        ["plot_type_id", "made_at"],
    )
    op.create_table(
        "emulated_images",
        sa.Column("id", BIG, nullable=False),
        sa.Column("emulation_run_id", sa.Integer(), nullable=False),
        sa.Column("plot_id", BIG, nullable=False),
        sa.Column("base_plot_id", BIG, nullable=False),
        sa.Column("base_sha256", sa.String(length=64), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("crate", sa.Integer(), nullable=True),
        sa.Column("slot", sa.Integer(), nullable=True),
        sa.Column("channel", sa.Integer(), nullable=True),
        sa.Column("parameters", DOCUMENT, nullable=False),
        sa.Column("regions", DOCUMENT, nullable=False),
        sa.Column("seed", BIG, nullable=False),
        _key("emulated_images", "emulation_run_id", "emulation_runs"),
        _key("emulated_images", "plot_id", "plots"),
        _key("emulated_images", "base_plot_id", "plots"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emulated_images")),
        **OPTIONS,
    )
    for column in ("emulation_run_id", "base_plot_id", "plot_id"):
        op.create_index(op.f(f"ix_emulated_images_{column}"), "emulated_images", [column])
