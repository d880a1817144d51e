"""Build the schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON(none_as_null=True)
# Text is compared byte by byte, as in SQLite, and a space at its end counts.
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
        "audit_log",
        sa.Column("id", BIG, nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=500), nullable=False),
        sa.Column("action", sa.String(length=50), nullable=False),
        sa.Column("subject", sa.String(length=500), nullable=False),
        sa.Column("old", DOCUMENT, nullable=True),
        sa.Column("new", DOCUMENT, nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_audit_log_changed_at"), "audit_log", ["changed_at"])
    op.create_index(op.f("ix_audit_log_subject_changed_at"), "audit_log", ["subject", "changed_at"])
    op.create_table(
        "classification_types",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classification_types")),
        sa.UniqueConstraint("name", name=op.f("uq_classification_types_name")),
        **OPTIONS,
    )
    op.create_table(
        "label_history",
        sa.Column("id", BIG, nullable=False),
        sa.Column("labelled_at", sa.Double(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("transaction", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_history")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_label_history_labelled_at"), "label_history", ["labelled_at"])
    op.create_table(
        "models",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("registered_at", sa.Double(), nullable=False),
        sa.Column("architecture", sa.String(length=500), nullable=False),
        sa.Column("labels", DOCUMENT, nullable=False),
        sa.Column("input_shape", DOCUMENT, nullable=False),
        sa.Column("preprocessing", sa.String(length=500), nullable=False),
        sa.Column("threshold_method", sa.String(length=100), nullable=False),
        sa.Column("training_set", sa.String(length=64), nullable=False),
        sa.Column("training_runs", DOCUMENT, nullable=False),
        sa.Column("validation_runs", DOCUMENT, nullable=False),
        sa.Column("training_counts", DOCUMENT, nullable=False),
        sa.Column("confusion", DOCUMENT, nullable=False),
        sa.Column("loss", sa.Double(), nullable=False),
        sa.Column("epochs", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("versions", DOCUMENT, nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("trained_by", sa.String(length=100), nullable=True),
        sa.Column("report_reviewed_by", sa.String(length=100), nullable=True),
        sa.Column("ai_signoff_by", sa.String(length=100), nullable=True),
        sa.Column("expert_signoff_by", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["models.id"], name=op.f("fk_models_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("digest", name=op.f("uq_models_digest")),
        **OPTIONS,
    )
    op.create_table(
        "news",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("posted_at", sa.Double(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_news")),
        **OPTIONS,
    )
    op.create_table(
        "plot_groups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plot_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_plot_groups_name")),
        **OPTIONS,
    )
    op.create_table(
        "roles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("name", name=op.f("uq_roles_name")),
        **OPTIONS,
    )
    op.create_table(
        "run_status",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(length=100), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("began_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("beam_current", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_status")),
        sa.UniqueConstraint("period", "run", name=op.f("uq_run_status_period_run")),
        **OPTIONS,
    )
    op.create_table(
        "status_map",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_map")),
        sa.UniqueConstraint("name", name=op.f("uq_status_map_name")),
        **OPTIONS,
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("full_name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
        **OPTIONS,
    )
    op.create_table(
        "classifications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("type_id", sa.Integer(), nullable=False),
        sa.Column("colour", sa.String(length=7), nullable=False),
        sa.Column("confirmed_severity", sa.Integer(), nullable=False),
        sa.Column("unconfirmed_severity", sa.Integer(), nullable=False),
        sa.Column("trainable", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "confirmed_severity BETWEEN 0 AND 3",
            name=op.f("ck_classifications_confirmed_is_a_severity"),
        ),
        sa.CheckConstraint(
            "unconfirmed_severity BETWEEN 0 AND 3",
            name=op.f("ck_classifications_unconfirmed_is_a_severity"),
        ),
        sa.ForeignKeyConstraint(
            ["type_id"], ["classification_types.id"], name=op.f("fk_classifications_type_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classifications")),
        sa.UniqueConstraint("name", name=op.f("uq_classifications_name")),
        **OPTIONS,
    )
    op.create_table(
        "plot_types",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("file_type", sa.String(length=10), nullable=False),
        sa.Column("is_chunked", sa.Boolean(), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("contact", sa.String(length=500), nullable=False),
        sa.Column("guidance", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("ignored", sa.Boolean(), nullable=False),
        sa.Column("cadence_s", sa.Double(), nullable=False),
        sa.Column("collect_fraction", sa.Double(), nullable=True),
        sa.Column("added_at", sa.Double(), nullable=False),
        sa.CheckConstraint("cadence_s > 0", name=op.f("ck_plot_types_cadence_is_positive")),
        sa.CheckConstraint(
            "collect_fraction IS NULL OR (collect_fraction >= 0 AND collect_fraction <= 1)",
            name=op.f("ck_plot_types_collect_is_a_fraction"),
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["plot_groups.id"], name=op.f("fk_plot_types_group_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plot_types")),
        sa.UniqueConstraint(
            "name", "file_type", "is_chunked", name=op.f("uq_plot_types_name_file_type_is_chunked")
        ),
        **OPTIONS,
    )
    op.create_table(
        "process_status",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("instance", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(length=500), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("status_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("heartbeat_at", sa.Double(), nullable=False),
        sa.Column("handled", BIG, nullable=False),
        sa.Column("dropped", BIG, nullable=False),
        sa.Column("queue", sa.Integer(), nullable=False),
        sa.Column("rate", sa.Double(), nullable=False),
        sa.Column("latency_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["status_id"], ["status_map.id"], name=op.f("fk_process_status_status_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process_status")),
        sa.UniqueConstraint(
            "stage", "instance", "host", name=op.f("uq_process_status_stage_instance_host")
        ),
        **OPTIONS,
    )
    op.create_table(
        "role_permissions",
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=50), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_role_permissions_role_id")
        ),
        sa.PrimaryKeyConstraint("role_id", "action", name=op.f("pk_role_permissions")),
        **OPTIONS,
    )
    op.create_table(
        "super_groups",
        sa.Column("parent_id", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("parent_id <> child_id", name=op.f("ck_super_groups_not_its_own_child")),
        sa.ForeignKeyConstraint(
            ["child_id"], ["plot_groups.id"], name=op.f("fk_super_groups_child_id")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["plot_groups.id"], name=op.f("fk_super_groups_parent_id")
        ),
        sa.PrimaryKeyConstraint("parent_id", "child_id", name=op.f("pk_super_groups")),
        **OPTIONS,
    )
    op.create_table(
        "training_reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reported_at", sa.Double(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_training_reports_model_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_reports")),
        **OPTIONS,
    )
    op.create_table(
        "active_models",
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("probation", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_active_models_model_id")
        ),
        sa.ForeignKeyConstraint(
            ["plot_type_id"], ["plot_types.id"], name=op.f("fk_active_models_plot_type_id")
        ),
        sa.PrimaryKeyConstraint("plot_type_id", name=op.f("pk_active_models")),
        **OPTIONS,
    )
    op.create_table(
        "model_activations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("activated_at", sa.Double(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=True),
        sa.Column("probation", sa.Boolean(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=500), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_model_activations_model_id")
        ),
        sa.ForeignKeyConstraint(
            ["plot_type_id"], ["plot_types.id"], name=op.f("fk_model_activations_plot_type_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_activations")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_model_activations_plot_type_id_activated_at"),
        "model_activations",
        ["plot_type_id", "activated_at"],
    )
    op.create_table(
        "model_plot_types",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_model_plot_types_model_id")
        ),
        sa.ForeignKeyConstraint(
            ["plot_type_id"], ["plot_types.id"], name=op.f("fk_model_plot_types_plot_type_id")
        ),
        sa.PrimaryKeyConstraint("model_id", "plot_type_id", name=op.f("pk_model_plot_types")),
        **OPTIONS,
    )
    op.create_table(
        "model_thresholds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("classification_id", sa.Integer(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("method", sa.String(length=100), nullable=False),
        sa.CheckConstraint(
            "threshold >= 0 AND threshold <= 1",
            name=op.f("ck_model_thresholds_threshold_is_a_fraction"),
        ),
        sa.ForeignKeyConstraint(
            ["classification_id"],
            ["classifications.id"],
            name=op.f("fk_model_thresholds_classification_id"),
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_model_thresholds_model_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_thresholds")),
        sa.UniqueConstraint(
            "model_id",
            "classification_id",
            name=op.f("uq_model_thresholds_model_id_classification_id"),
        ),
        **OPTIONS,
    )
    op.create_table(
        "plot_type_groupings",
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["plot_groups.id"], name=op.f("fk_plot_type_groupings_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["plot_type_id"], ["plot_types.id"], name=op.f("fk_plot_type_groupings_plot_type_id")
        ),
        sa.PrimaryKeyConstraint("plot_type_id", "group_id", name=op.f("pk_plot_type_groupings")),
        **OPTIONS,
    )
    op.create_table(
        "plots",
        sa.Column("id", BIG, nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(length=100), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("image_time", sa.Double(), nullable=False),
        sa.Column("kept_at", sa.Double(), nullable=False),
        sa.Column("unbiased", sa.Boolean(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("training_weight", sa.Integer(), nullable=False),
        sa.Column("forced_validation", sa.Boolean(), nullable=False),
        sa.Column("forced_training", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plot_type_id"], ["plot_types.id"], name=op.f("fk_plots_plot_type_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plots")),
        sa.UniqueConstraint(
            "plot_type_id",
            "period",
            "run",
            "chunk",
            "sha256",
            name=op.f("uq_plots_plot_type_id_period_run_chunk_sha256"),
        ),
        **OPTIONS,
    )
    op.create_index(op.f("ix_plots_sha256"), "plots", ["sha256"])
    op.create_table(
        "threshold_history",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("classification_id", sa.Integer(), nullable=False),
        sa.Column("old", sa.Double(), nullable=True),
        sa.Column("new", sa.Double(), nullable=False),
        sa.Column("method", sa.String(length=100), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=500), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["classification_id"],
            ["classifications.id"],
            name=op.f("fk_threshold_history_classification_id"),
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_threshold_history_model_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threshold_history")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_threshold_history_model_id_changed_at"),
        "threshold_history",
        ["model_id", "changed_at"],
    )
    op.create_table(
        "user_roles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=True),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["plot_type_id"], ["plot_types.id"], name=op.f("fk_user_roles_plot_type_id")
        ),
        sa.ForeignKeyConstraint(["role_id"], ["roles.id"], name=op.f("fk_user_roles_role_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_roles_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_roles")),
        sa.UniqueConstraint(
            "user_id",
            "role_id",
            "plot_type_id",
            "host",
            name=op.f("uq_user_roles_user_id_role_id_plot_type_id_host"),
        ),
        **OPTIONS,
    )
    op.create_table(
        "valid_classifications",
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("classification_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["classification_id"],
            ["classifications.id"],
            name=op.f("fk_valid_classifications_classification_id"),
        ),
        sa.ForeignKeyConstraint(
            ["plot_type_id"], ["plot_types.id"], name=op.f("fk_valid_classifications_plot_type_id")
        ),
        sa.PrimaryKeyConstraint(
            "plot_type_id", "classification_id", name=op.f("pk_valid_classifications")
        ),
        sa.UniqueConstraint(
            "plot_type_id", "position", name=op.f("uq_valid_classifications_plot_type_id_position")
        ),
        **OPTIONS,
    )
    op.create_table(
        "plot_inferences",
        sa.Column("id", BIG, nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("plot_id", BIG, nullable=False),
        sa.Column("classification_id", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("weights", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["classification_id"],
            ["classifications.id"],
            name=op.f("fk_plot_inferences_classification_id"),
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_plot_inferences_model_id")
        ),
        sa.ForeignKeyConstraint(["plot_id"], ["plots.id"], name=op.f("fk_plot_inferences_plot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plot_inferences")),
        sa.UniqueConstraint(
            "model_id", "plot_id", name=op.f("uq_plot_inferences_model_id_plot_id")
        ),
        **OPTIONS,
    )
    op.create_table(
        "plot_labels",
        sa.Column("id", BIG, nullable=False),
        sa.Column("plot_id", BIG, nullable=False),
        sa.Column("classification_id", sa.Integer(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("labelled_at", sa.Double(), nullable=False),
        sa.Column("superseded_by", BIG, nullable=True),
        sa.CheckConstraint(
            "source IN ('labeler', 'live', 'report', 'simulated', 'import')",
            name=op.f("ck_plot_labels_source_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["classification_id"],
            ["classifications.id"],
            name=op.f("fk_plot_labels_classification_id"),
        ),
        sa.ForeignKeyConstraint(["plot_id"], ["plots.id"], name=op.f("fk_plot_labels_plot_id")),
        sa.ForeignKeyConstraint(
            ["superseded_by"], ["plot_labels.id"], name=op.f("fk_plot_labels_superseded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plot_labels")),
        **OPTIONS,
    )
    op.create_index(
        op.f("ix_plot_labels_plot_id_superseded_by"), "plot_labels", ["plot_id", "superseded_by"]
    )
    op.create_table(
        "run_history",
        sa.Column("id", BIG, nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=True),
        sa.Column("plot_id", BIG, nullable=True),
        sa.Column("period", sa.String(length=100), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("image_time", sa.Double(), nullable=False),
        sa.Column("inserted_at", sa.Double(), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("output", DOCUMENT, nullable=False),
        sa.Column("thresholds", DOCUMENT, nullable=False),
        sa.Column("unbiased", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("beam_current", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "confidence >= 0 AND confidence <= 1",
            name=op.f("ck_run_history_confidence_is_a_fraction"),
        ),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_run_history_model_id")),
        sa.ForeignKeyConstraint(["plot_id"], ["plots.id"], name=op.f("fk_run_history_plot_id")),
        sa.ForeignKeyConstraint(
            ["plot_type_id"], ["plot_types.id"], name=op.f("fk_run_history_plot_type_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_history")),
        sa.UniqueConstraint(
            "plot_type_id",
            "run",
            "chunk",
            "period",
            "sha256",
            name=op.f("uq_run_history_plot_type_id_run_chunk_period_sha256"),
        ),
        **OPTIONS,
    )
    op.create_index(op.f("ix_run_history_image_time"), "run_history", ["image_time"])
    op.create_index(
        op.f("ix_run_history_plot_type_id_image_time"),
        "run_history",
        ["plot_type_id", "image_time"],
    )
    op.create_table(
        "training_report_elements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("plot_id", BIG, nullable=False),
        sa.Column("classification_id", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["classification_id"],
            ["classifications.id"],
            name=op.f("fk_training_report_elements_classification_id"),
        ),
        sa.ForeignKeyConstraint(
            ["plot_id"], ["plots.id"], name=op.f("fk_training_report_elements_plot_id")
        ),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["training_reports.id"],
            name=op.f("fk_training_report_elements_report_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_report_elements")),
        sa.UniqueConstraint(
            "report_id", "plot_id", name=op.f("uq_training_report_elements_report_id_plot_id")
        ),
        **OPTIONS,
    )
    op.create_table(
        "training_sets",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("plot_id", BIG, nullable=False),
        sa.Column("classification_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('train', 'validate')", name=op.f("ck_training_sets_purpose_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["classification_id"],
            ["classifications.id"],
            name=op.f("fk_training_sets_classification_id"),
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_training_sets_model_id")
        ),
        sa.ForeignKeyConstraint(["plot_id"], ["plots.id"], name=op.f("fk_training_sets_plot_id")),
        sa.PrimaryKeyConstraint("model_id", "plot_id", name=op.f("pk_training_sets")),
        **OPTIONS,
    )
    op.create_table(
        "live_plots",
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("run_history_id", BIG, nullable=True),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("weights", DOCUMENT, nullable=False),
        sa.Column("thresholds", DOCUMENT, nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(length=100), nullable=False),
        sa.Column("image_time", sa.Double(), nullable=False),
        sa.Column("closed_time", sa.Double(), nullable=False),
        sa.Column("model", sa.String(length=500), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("image_file", sa.Text(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("count", BIG, nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("beam_current", sa.Double(), nullable=True),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plot_type_id"], ["plot_types.id"], name=op.f("fk_live_plots_plot_type_id")
        ),
        sa.ForeignKeyConstraint(
            ["run_history_id"], ["run_history.id"], name=op.f("fk_live_plots_run_history_id")
        ),
        sa.PrimaryKeyConstraint("plot_type_id", name=op.f("pk_live_plots")),
        **OPTIONS,
    )
    op.create_table(
        "monitoring_log",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_history_id", BIG, nullable=False),
        sa.Column("plot_type_id", sa.Integer(), nullable=False),
        sa.Column("image_time", sa.Double(), nullable=False),
        sa.Column("period", sa.String(length=100), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("is_confirmed", sa.Boolean(), nullable=False),
        sa.Column("is_transition", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "is_transition BETWEEN 0 AND 3", name=op.f("ck_monitoring_log_transition_is_a_code")
        ),
        sa.ForeignKeyConstraint(
            ["plot_type_id"], ["plot_types.id"], name=op.f("fk_monitoring_log_plot_type_id")
        ),
        sa.ForeignKeyConstraint(
            ["run_history_id"], ["run_history.id"], name=op.f("fk_monitoring_log_run_history_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitoring_log")),
        sa.UniqueConstraint("run_history_id", name=op.f("uq_monitoring_log_run_history_id")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_monitoring_log_image_time"), "monitoring_log", ["image_time"])
    op.create_index(
        op.f("ix_monitoring_log_plot_type_id_image_time"),
        "monitoring_log",
        ["plot_type_id", "image_time"],
    )
    op.create_table(
        "training_report_responses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("element_id", sa.Integer(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("responded_at", sa.Double(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["element_id"],
            ["training_report_elements.id"],
            name=op.f("fk_training_report_responses_element_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_report_responses")),
        **OPTIONS,
    )


def downgrade() -> None:
    op.drop_table("training_report_responses")
    op.drop_table("monitoring_log")
    op.drop_table("live_plots")
    op.drop_table("training_sets")
    op.drop_table("training_report_elements")
    op.drop_table("run_history")
    op.drop_table("plot_labels")
    op.drop_table("plot_inferences")
    op.drop_table("valid_classifications")
    op.drop_table("user_roles")
    op.drop_table("threshold_history")
    op.drop_table("plots")
    op.drop_table("plot_type_groupings")
    op.drop_table("model_thresholds")
    op.drop_table("model_plot_types")
    op.drop_table("model_activations")
    op.drop_table("active_models")
    op.drop_table("training_reports")
    op.drop_table("super_groups")
    op.drop_table("role_permissions")
    op.drop_table("process_status")
    op.drop_table("plot_types")
    op.drop_table("classifications")
    op.drop_table("users")
    op.drop_table("status_map")
    op.drop_table("run_status")
    op.drop_table("roles")
    op.drop_table("plot_groups")
    op.drop_table("news")
    op.drop_table("models")
    op.drop_table("label_history")
    op.drop_table("classification_types")
    op.drop_table("audit_log")
