"""Who may do what."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import PlotType
from db.catalogue_queries import plot_type
from db.users import Role, RolePermission, User, UserRole
from pipeline.errors import CommandError, NotPermitted


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that a user has."""

    user: str
    role: str
    plot: str | None
    """None for every plot type."""
    host: str
    """``*`` for every host."""


def may(session: Session, user: str, host: str, action: str, plot: str | None = None) -> bool:
    """Tell whether a user may do something.

    As long as nobody has a role, everybody may: then EPICS access security
    alone decides who writes to a PV.

    Args:
        session: A session that may read.
        user: Name that the client or the shell reports.
        host: Host that it reports.
        action: Such as ``set-threshold`` or ``label``.
        plot: Name of the plot type; None for what concerns all of them, for
            which a role limited to one plot type is not enough.

    Returns:
        Whether one of the user's roles on this host allows it.
    """
    if session.scalar(select(UserRole.id).limit(1)) is None:
        return True
    statement = (
        select(UserRole.id)
        .join(User, UserRole.user_id == User.id)
        .join(RolePermission, RolePermission.role_id == UserRole.role_id)
        .outerjoin(PlotType, UserRole.plot_type_id == PlotType.id)
        .where(
            User.name == user,
            User.active,
            RolePermission.action == action,
            UserRole.host.in_(("*", host)),
        )
        .limit(1)
    )
    everywhere = UserRole.plot_type_id.is_(None)
    statement = statement.where(
        everywhere if plot is None else or_(everywhere, PlotType.name == plot)
    )
    return session.scalar(statement) is not None


def require(session: Session, who: Actor, action: str, plot: str | None = None) -> None:
    """Refuse what a user may not do.

    The refusal is not on record yet: whoever catches it writes it to the audit
    log in a transaction of its own, since the one at hand is taken back.

    Raises:
        NotPermitted: No role allows it.
    """
    if not may(session, who.user, who.host, action, plot):
        raise NotPermitted(
            f"user {who.user} on host {who.host} may not {action}"
            + (f" plot {plot}" if plot is not None else "")
        )


def grant(
    session: Session, who: Actor, user: str, role: str, *, plot: str | None = None, host: str = "*"
) -> None:
    """Give a user a role; the user is registered when new.

    Args:
        session: A session of a transaction that writes.
        who: Who grants it.
        user: Name that the client or the shell reports.
        role: A role of the dictionary, such as ``Detector Expert``.
        plot: Only for this plot type; None for all.
        host: Only from this host; ``*`` for any.

    Raises:
        CommandError: There is no such role or plot, or nobody could set roles then.
    """
    if not user or len(user) > 100:
        raise CommandError(f"expected a user name of 1 to 100 characters, received {user!r}")
    row = session.scalars(select(User).where(User.name == user)).first()
    if row is None:
        row = User(name=user)
        session.add(row)
        session.flush()
    # NULL equals nothing in SQL, so the unique constraint alone would let the
    # same role for all plots in twice.
    role_id, target, found = _find(session, row.id, role, plot, host)
    if found is None:
        session.add(UserRole(user_id=row.id, role_id=role_id, plot_type_id=target, host=host))
        _audit(session, who, Grant(user, role, plot, host), granted=True)
        _check_somebody_rules(session)


def revoke(
    session: Session, who: Actor, user: str, role: str, *, plot: str | None = None, host: str = "*"
) -> None:
    """Take a role from a user, as it was granted.

    Args:
        session: A session of a transaction that writes.
        who: Who takes it.
        user: The user.
        role: The role.
        plot: The plot type it was granted for; None for all.
        host: The host it was granted for.

    Raises:
        CommandError: The user has no such role, there is no such plot, or nobody
            could set roles then.
    """
    key = session.scalar(select(User.id).where(User.name == user))
    found = None if key is None else _find(session, key, role, plot, host)[2]
    if found is None:
        raise CommandError(
            f"{user} has no role {role} for plot {plot or '*'} on host {host};"
            " 'hydra-ioc users list' shows the roles"
        )
    session.delete(found)
    _audit(session, who, Grant(user, role, plot, host), granted=False)
    _check_somebody_rules(session)


def grants(session: Session) -> tuple[Grant, ...]:
    """List who has which role, by user."""
    rows = session.execute(
        select(User.name, Role.name, PlotType.name, UserRole.host)
        .join(UserRole, UserRole.user_id == User.id)
        .join(Role, UserRole.role_id == Role.id)
        .outerjoin(PlotType, UserRole.plot_type_id == PlotType.id)
        .order_by(User.name, UserRole.id)
    )
    return tuple(Grant(*row) for row in rows)


def _find(
    session: Session, user_id: int, role: str, plot: str | None, host: str
) -> tuple[int, int | None, UserRole | None]:
    role_id = session.scalar(select(Role.id).where(Role.name == role))
    if role_id is None:
        raise CommandError(f"expected a role of {list(roles(session))}, received {role}")
    target = plot_type(session, plot).id if plot is not None else None
    same = select(UserRole).where(
        UserRole.user_id == user_id,
        UserRole.role_id == role_id,
        UserRole.plot_type_id.is_(None) if target is None else UserRole.plot_type_id == target,
        UserRole.host == host,
    )
    return role_id, target, session.scalars(same).first()


def _check_somebody_rules(session: Session) -> None:
    ruler = (
        select(UserRole.id)
        .join(User, UserRole.user_id == User.id)
        .join(RolePermission, RolePermission.role_id == UserRole.role_id)
        .where(RolePermission.action == "set-users", User.active, UserRole.plot_type_id.is_(None))
    )
    has_roles = session.scalar(select(UserRole.id).limit(1)) is not None
    if has_roles and session.scalar(ruler.limit(1)) is None:
        raise CommandError(
            "then nobody could give or take roles any more; first give somebody the role Admin"
            " for every plot type"
        )


def _audit(session: Session, who: Actor, row: Grant, *, granted: bool) -> None:
    facts = {"role": row.role, "plot": row.plot or "*", "host": row.host}
    audit(
        session,
        who,
        "set-users",
        row.user,
        old=None if granted else facts,
        new=facts if granted else None,
    )


def roles(session: Session) -> Sequence[str]:
    """List the roles of the dictionary."""
    return session.scalars(select(Role.name).order_by(Role.id)).all()
