"""Who may do what."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue import PlotType
from db.catalogue_queries import plot_type
from db.users import Role, RolePermission, User, UserRole
from pipeline.errors import CommandError, NotPermitted


def may(session: Session, user: str, host: str, action: str, plot: str | None = None) -> bool:
    """Tell whether a user may do something.

    As long as nobody is registered, everybody may: then EPICS access security
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
    if session.scalar(select(User.id).limit(1)) is None:
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
        CommandError: There is no such role or plot.
    """
    role_id = session.scalar(select(Role.id).where(Role.name == role))
    if role_id is None:
        raise CommandError(f"expected a role of {list(roles(session))}, received {role}")
    target = plot_type(session, plot).id if plot is not None else None
    row = session.scalars(select(User).where(User.name == user)).first()
    if row is None:
        row = User(name=user)
        session.add(row)
        session.flush()
    # NULL equals nothing in SQL, so the unique constraint alone would let the
    # same role for all plots in twice.
    same = select(UserRole.id).where(
        UserRole.user_id == row.id,
        UserRole.role_id == role_id,
        UserRole.plot_type_id.is_(None) if target is None else UserRole.plot_type_id == target,
        UserRole.host == host,
    )
    if session.scalar(same) is None:
        session.add(UserRole(user_id=row.id, role_id=role_id, plot_type_id=target, host=host))
        audit(
            session, who, "set-users", user, new={"role": role, "plot": plot or "*", "host": host}
        )


def roles(session: Session) -> Sequence[str]:
    """List the roles of the dictionary."""
    return session.scalars(select(Role.name).order_by(Role.id)).all()
