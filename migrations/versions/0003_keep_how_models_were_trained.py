"""Keep how models were trained: settings, images, artefacts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OPTIONS = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_0900_bin",
}
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON(none_as_null=True)


def upgrade() -> None:
    op.add_column("models", sa.Column("kind", sa.String(length=20), nullable=True))
    op.add_column("models", sa.Column("quantity", DOCUMENT, nullable=True))
    op.create_table(
        "trainings",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("trained_at", sa.Double(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=500), nullable=False),
        sa.Column("location", sa.String(length=500), nullable=False),
        sa.Column("plots", DOCUMENT, nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.Column("merged", sa.Boolean(), nullable=False),
        sa.Column("settings", DOCUMENT, nullable=False),
        sa.Column("curves", DOCUMENT, nullable=False),
        sa.Column("judged", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_trainings_model_id")),
        sa.PrimaryKeyConstraint("model_id", name=op.f("pk_trainings")),
        **OPTIONS,
    )
    op.create_table(
        "plot_values",
        sa.Column("id", BIG, nullable=False),
        sa.Column("plot_id", BIG, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("given_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["plot_id"], ["plots.id"], name=op.f("fk_plot_values_plot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plot_values")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_plot_values_plot_id"), "plot_values", ["plot_id"])


def downgrade() -> None:
    op.drop_table("plot_values")
    op.drop_table("trainings")
    op.drop_column("models", "quantity")
    op.drop_column("models", "kind")
