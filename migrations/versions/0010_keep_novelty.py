"""Keep what models find novel, the spaces of embeddings, and the most typical references."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
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


def upgrade() -> None:
    op.create_table(
        "novelties",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("calibrated", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_novelties_model_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_novelties")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_novelties_model_id"), "novelties", ["model_id"])
    op.create_table(
        "embedding_spaces",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("backbone", sa.String(length=64), nullable=False),
        sa.Column("images", DOCUMENT, nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(
            ["plot_type_id"], ["plot_types.id"], name=op.f("fk_embedding_spaces_plot_type_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embedding_spaces")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_embedding_spaces_plot_type_id"), "embedding_spaces", ["plot_type_id"])
    with op.batch_alter_table("reference_sets") as batch:
        batch.add_column(sa.Column("typical", sa.String(length=64), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("reference_sets") as batch:
        batch.drop_column("typical")
    op.drop_table("embedding_spaces")
    op.drop_table("novelties")
