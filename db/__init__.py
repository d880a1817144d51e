"""The record: SQLAlchemy models and named queries."""
