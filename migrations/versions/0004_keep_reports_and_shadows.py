"""Keep who signed a model off, when and why."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
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
STEPS = ("trained", "report-reviewed", "ai-signoff", "expert-signoff")
COLUMNS = ("trained_by", "report_reviewed_by", "ai_signoff_by", "expert_signoff_by")


def upgrade() -> None:
    op.create_table(
        "model_signoffs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("signed_at", sa.Double(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=500), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "step IN ('trained', 'report-reviewed', 'ai-signoff', 'expert-signoff')",
            name=op.f("ck_model_signoffs_step_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_model_signoffs_model_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_signoffs")),
        sa.UniqueConstraint("model_id", "step", name=op.f("uq_model_signoffs_model_id_step")),
        **OPTIONS,
    )
    _take_over()


def downgrade() -> None:
    op.drop_table("model_signoffs")


def _take_over() -> None:
    """Give the signatures of models that are there the time of their registration."""
    connection = op.get_bind()
    models = sa.table(
        "models",
        sa.column("id"),
        sa.column("registered_at"),
        *(sa.column(name) for name in COLUMNS),
    )
    signoffs = sa.table(
        "model_signoffs",
        *(
            sa.column(name)
            for name in ("model_id", "step", "signed_at", "user_name", "host", "why")
        ),
    )
    rows = [
        {
            "model_id": row.id,
            "step": step,
            "signed_at": row.registered_at,
            "user_name": getattr(row, column),
            "host": "",
            "why": "signed before signatures had times",
        }
        for row in connection.execute(sa.select(models))
        for step, column in zip(STEPS, COLUMNS, strict=True)
        if getattr(row, column) is not None
    ]
    if rows:
        connection.execute(signoffs.insert(), rows)
