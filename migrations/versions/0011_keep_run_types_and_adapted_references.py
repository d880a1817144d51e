"""Keep run types, proposals to adapt references, why an image is kept, and limits of novelty."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON(none_as_null=True)
OPTIONS = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_0900_bin",
}
COLUMNS = (
    ("reference_sets", "original_id", sa.Integer()),
    ("reference_sets", "drift", sa.Double()),
    ("plots", "kept_for", sa.String(length=20)),
    ("run_history", "novel_below", sa.Double()),
)


def upgrade() -> None:
    op.create_table(
        "run_types",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("set_at", sa.Double(), nullable=False),
        sa.Column("run_type", sa.String(length=100), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=500), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_types")),
        **OPTIONS,
    )
    _proposals()
    _decisions()
    for table, name, kind in COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for table, name, _ in reversed(COLUMNS):
        op.drop_column(table, name)
    op.drop_table("reference_decisions")
    op.drop_table("reference_proposals")
    op.drop_table("run_types")


def _proposals() -> None:
    op.create_table(
        "reference_proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("base_id", sa.Integer(), nullable=False),
        sa.Column("original_id", sa.Integer(), nullable=False),
        sa.Column("candidates", sa.Integer(), nullable=False),
        sa.Column("unlike", sa.Integer(), nullable=False),
        sa.Column("drift", sa.Double(), nullable=False),
        sa.Column("taken", DOCUMENT, nullable=False),
        sa.Column("dropped", DOCUMENT, nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=500), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.CheckConstraint("drift >= 0", name=op.f("ck_reference_proposals_drift_is_a_distance")),
        sa.CheckConstraint(
            "unlike >= 0 AND unlike <= candidates", name=op.f("ck_reference_proposals_counts_fit")
        ),
        sa.ForeignKeyConstraint(
            ["plot_type_id"], ["plot_types.id"], name=op.f("fk_reference_proposals_plot_type_id")
        ),
        sa.ForeignKeyConstraint(
            ["base_id"], ["reference_sets.id"], name=op.f("fk_reference_proposals_base_id")
        ),
        sa.ForeignKeyConstraint(
            ["original_id"], ["reference_sets.id"], name=op.f("fk_reference_proposals_original_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_proposals")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_reference_proposals_plot_type_id"), "reference_proposals", ["plot_type_id"]
    )


def _decisions() -> None:
    op.create_table(
        "reference_decisions",
        sa.Column("proposal_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("reference_set_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.Double(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=500), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            ["reference_proposals.id"],
            name=op.f("fk_reference_decisions_proposal_id"),
        ),
        sa.ForeignKeyConstraint(
            ["reference_set_id"],
            ["reference_sets.id"],
            name=op.f("fk_reference_decisions_reference_set_id"),
        ),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_reference_decisions")),
        **OPTIONS,
    )
