"""Keep how models do: judging over time, trailing accuracy, retraining requests."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPTIONS = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_0900_bin",
}
CAUSES = "'accuracy', 'unconfirmed', 'palette', 'bad-labels', 'period', 'drift'"


def upgrade() -> None:
    _steadiness()
    _accuracy()
    _requests()
    _numbers()


def downgrade() -> None:
    with op.batch_alter_table("run_history") as batch:
        batch.drop_column("value")
    for table in ("plot_limits", "retrain_requests", "trailing_accuracy", "plot_steadiness"):
        op.drop_table(table)


def _plot(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_plot_type_id")
    return sa.ForeignKeyConstraint(["plot_type_id"], ["plot_types.id"], name=name)


def _steadiness() -> None:
    op.create_table(
        "plot_steadiness",
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("consecutive", sa.Integer(), nullable=False),
        sa.Column("hysteresis", sa.Double(), nullable=False),
        sa.Column("hold_s", sa.Double(), nullable=False),
        sa.Column("delay_s", sa.Double(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint("consecutive >= 1", name=op.f("ck_plot_steadiness_at_least_one_image")),
        sa.CheckConstraint(
            "hysteresis >= 0 AND hysteresis <= 1",
            name=op.f("ck_plot_steadiness_hysteresis_is_a_fraction"),
        ),
        _plot("plot_steadiness"),
        sa.PrimaryKeyConstraint("plot_type_id", name=op.f("pk_plot_steadiness")),
        **OPTIONS,
    )


def _accuracy() -> None:
    op.create_table(
        "trailing_accuracy",
        sa.Column("id", BIG, nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.Column("sampled", sa.Integer(), nullable=False),
        sa.Column("labelled", sa.Integer(), nullable=False),
        sa.Column("correct", sa.Integer(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("unconfirmed", sa.Double(), nullable=True),
        sa.Column("drift", sa.Double(), nullable=True),
        _plot("trailing_accuracy"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trailing_accuracy")),
        sa.UniqueConstraint(
            "plot_type_id", "day", name=op.f("uq_trailing_accuracy_plot_type_id_day")
        ),
        **OPTIONS,
    )


def _requests() -> None:
    op.create_table(
        "retrain_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.Column("open_key", sa.String(length=60), nullable=True),
        sa.Column("closed_at", sa.Double(), nullable=True),
        sa.Column("closed_by", sa.String(length=100), nullable=True),
        sa.Column("close_reason", sa.Text(), nullable=False),
        sa.CheckConstraint(f"cause IN ({CAUSES})", name=op.f("ck_retrain_requests_cause_is_known")),
        _plot("retrain_requests"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retrain_requests")),
        sa.UniqueConstraint("open_key", name=op.f("uq_retrain_requests_open_key")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_retrain_requests_plot_type_id_opened_at"),
        "retrain_requests",
        ["plot_type_id", "opened_at"],
    )


def _numbers() -> None:
    with op.batch_alter_table("run_history") as batch:
        batch.add_column(sa.Column("value", sa.Double(), nullable=True))
    op.create_table(
        "plot_limits",
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("lolo", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("hihi", sa.Double(), nullable=True),
        _plot("plot_limits"),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_plot_limits_model_id")),
        sa.PrimaryKeyConstraint("plot_type_id", "model_id", name=op.f("pk_plot_limits")),
        **OPTIONS,
    )
