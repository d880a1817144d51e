"""Compare shadow models with those that judge."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
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


def upgrade() -> None:
    op.create_table(
        "shadow_terms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.Double(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=True),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=500), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_shadow_terms_model_id")),
        sa.ForeignKeyConstraint(
            ["plot_type_id"], ["plot_types.id"], name=op.f("fk_shadow_terms_plot_type_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_terms")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_shadow_terms_plot_type_id_begun_at"),
        "shadow_terms",
        ["plot_type_id", "begun_at"],
    )
    _verdicts()


def downgrade() -> None:
    op.drop_table("shadow_verdicts")
    op.drop_table("shadow_terms")


def _verdicts() -> None:
    op.create_table(
        "shadow_verdicts",
        sa.Column("run_history_id", BIG, nullable=False, autoincrement=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("term_id", sa.Integer(), nullable=False),
        sa.Column("active_model_id", sa.Integer(), nullable=False),
        sa.Column("active_label", sa.String(length=100), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("output", DOCUMENT, nullable=False),
        sa.Column("thresholds", DOCUMENT, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("disagreed", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "confidence >= 0 AND confidence <= 1",
            name=op.f("ck_shadow_verdicts_confidence_is_a_fraction"),
        ),
        sa.CheckConstraint(
            "disagreed >= 0 AND disagreed <= compared", name=op.f("ck_shadow_verdicts_counts_fit")
        ),
        sa.ForeignKeyConstraint(
            ["active_model_id"], ["models.id"], name=op.f("fk_shadow_verdicts_active_model_id")
        ),
        sa.ForeignKeyConstraint(
            ["plot_type_id"], ["plot_types.id"], name=op.f("fk_shadow_verdicts_plot_type_id")
        ),
        sa.ForeignKeyConstraint(
            ["run_history_id"], ["run_history.id"], name=op.f("fk_shadow_verdicts_run_history_id")
        ),
        sa.ForeignKeyConstraint(
            ["term_id"], ["shadow_terms.id"], name=op.f("fk_shadow_verdicts_term_id")
        ),
        sa.PrimaryKeyConstraint("run_history_id", name=op.f("pk_shadow_verdicts")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_shadow_verdicts_plot_type_id_run_history_id"),
        "shadow_verdicts",
        ["plot_type_id", "run_history_id"],
    )
