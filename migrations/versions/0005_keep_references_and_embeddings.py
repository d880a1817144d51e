"""Keep references, embeddings and clusters."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
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
RIGHT = "set-references"
ROLES = ("Admin", "Developer", "Detector Expert")
DOUBTS = ("unknown_below", "novel_below")
COLUMNS = ("similarity", "similarity_threshold", "reference_set_id", "novelty")

roles = sa.table("roles", sa.column("id"), sa.column("name"))
permissions = sa.table("role_permissions", sa.column("role_id"), sa.column("action"))


def upgrade() -> None:
    _references()
    _embeddings()
    for name in COLUMNS:
        kind = sa.Integer() if name == "reference_set_id" else sa.Double()
        op.add_column("run_history", sa.Column(name, kind, nullable=True))
    for name in DOUBTS:
        op.add_column("plot_types", sa.Column(name, sa.Double(), nullable=True))
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
    for name in reversed(COLUMNS):
        op.drop_column("run_history", name)
    for name in reversed(DOUBTS):
        op.drop_column("plot_types", name)
    for table in (
        "cluster_members",
        "cluster_runs",
        "embeddings",
        "reference_history",
        "reference_images",
        "reference_sets",
    ):
        op.drop_table(table)


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def _references() -> None:
    op.create_table(
        "reference_sets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("run_type", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("labels", DOCUMENT, nullable=False),
        sa.Column("input_shape", DOCUMENT, nullable=False),
        sa.Column("preprocessing", sa.String(length=100), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("decides", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "threshold >= 0 AND threshold <= 1",
            name=op.f("ck_reference_sets_threshold_is_a_fraction"),
        ),
        sa.CheckConstraint(
            "severity BETWEEN 1 AND 2", name=op.f("ck_reference_sets_severity_alarms")
        ),
        _key("reference_sets", "plot_type_id", "plot_types"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_sets")),
        sa.UniqueConstraint(
            "plot_type_id", "version", name=op.f("uq_reference_sets_plot_type_id_version")
        ),
        **OPTIONS,
    )
    op.create_table(
        "reference_images",
        sa.Column("reference_set_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        _key("reference_images", "reference_set_id", "reference_sets"),
        sa.PrimaryKeyConstraint("reference_set_id", "sha256", name=op.f("pk_reference_images")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_reference_images_sha256"), "reference_images", ["sha256"])
    op.create_table(
        "reference_history",
        sa.Column("id", BIG, nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("reference_set_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=500), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "action IN ('add', 'use', 'retire', 'threshold')",
            name=op.f("ck_reference_history_action_is_known"),
        ),
        _key("reference_history", "reference_set_id", "reference_sets"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_history")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_reference_history_reference_set_id_changed_at"),
        "reference_history",
        ["reference_set_id", "changed_at"],
    )


def _embeddings() -> None:
    op.create_table(
        "embeddings",
        sa.Column("id", BIG, nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("beam_current", sa.Double(), nullable=True),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("vector", sa.LargeBinary(length=8192), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        _key("embeddings", "plot_type_id", "plot_types"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embeddings")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_embeddings_plot_type_id_source_sha256"),
        "embeddings",
        ["plot_type_id", "source", "sha256"],
    )
    op.create_index(
        op.f("ix_embeddings_plot_type_id_made_at"), "embeddings", ["plot_type_id", "made_at"]
    )
    op.create_table(
        "cluster_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("clusters", sa.Integer(), nullable=False),
        sa.Column("silhouette", sa.Double(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        _key("cluster_runs", "plot_type_id", "plot_types"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cluster_runs")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_cluster_runs_plot_type_id_made_at"), "cluster_runs", ["plot_type_id", "made_at"]
    )
    op.create_table(
        "cluster_members",
        sa.Column("cluster_run_id", sa.Integer(), nullable=False),
        sa.Column("embedding_id", BIG, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("cluster", sa.Integer(), nullable=False),
        _key("cluster_members", "cluster_run_id", "cluster_runs"),
        sa.PrimaryKeyConstraint("cluster_run_id", "embedding_id", name=op.f("pk_cluster_members")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_cluster_members_sha256"), "cluster_members", ["sha256"])
