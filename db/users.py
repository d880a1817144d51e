"""Users, their roles, and what each role may do."""

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Id, ShortName, table


class User(Base):
    """A person, by the name that EPICS clients and the shell report."""

    __tablename__ = "users"
    __table_args__ = table(UniqueConstraint("name"))

    id: Mapped[Id]
    name: Mapped[ShortName]
    full_name: Mapped[str] = mapped_column(String(200), default="")
    email: Mapped[str] = mapped_column(String(200), default="")
    active: Mapped[bool] = mapped_column(default=True)


class Role(Base):
    """Admin, Developer, Detector Expert, Labeler, Viewer, Liaison."""

    __tablename__ = "roles"
    __table_args__ = table(UniqueConstraint("name"))

    id: Mapped[Id]
    name: Mapped[ShortName]


class RolePermission(Base):
    """One action that a role may do, such as ``set-threshold``."""

    __tablename__ = "role_permissions"
    __table_args__ = table()

    role_id: Mapped[int] = mapped_column(ForeignKey("roles.id"), primary_key=True)
    action: Mapped[str] = mapped_column(String(50), primary_key=True)


class UserRole(Base):
    """A role that a user has, for all plot types and hosts or for one."""

    __tablename__ = "user_roles"
    __table_args__ = table(UniqueConstraint("user_id", "role_id", "plot_type_id", "host"))

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    role_id: Mapped[int] = mapped_column(ForeignKey("roles.id"))
    plot_type_id: Mapped[int | None] = mapped_column(ForeignKey("plot_types.id"))
    """NULL: every plot type."""
    host: Mapped[str] = mapped_column(String(255), default="*")
    """Host name as the client reports it; ``*`` for any."""
