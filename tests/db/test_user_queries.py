"""Who may do what."""

import pytest
from sqlalchemy import select

from db.audit import AuditLog
from db.catalogue_queries import add_plot
from db.engine import reading, writing
from db.user_queries import Grant, grant, grants, may, require, revoke, roles
from db.users import User, UserRole
from pipeline.errors import CommandError, NotPermitted
from tests.db.samples import WHO


@pytest.fixture
def people(engine):
    with writing(engine) as session:
        for name in ("CDC_occupancy", "FDC_occupancy"):
            add_plot(session, name)
        grant(session, WHO, "root", "Admin", host="console1")
        grant(session, WHO, "ann", "Detector Expert", plot="CDC_occupancy")
        grant(session, WHO, "bob", "Labeler")
        grant(session, WHO, "eve", "Viewer")
        grant(session, WHO, "old", "Admin")
        session.scalars(select(User).where(User.name == "old")).one().active = False
    return engine


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (("root", "console1", "set-threshold", "CDC_occupancy"), True),
        (("root", "console1", "set-news", None), True),
        (("root", "console2", "set-threshold", "CDC_occupancy"), False),
        (("ann", "anywhere", "set-threshold", "CDC_occupancy"), True),
        (("ann", "anywhere", "set-threshold", "FDC_occupancy"), False),
        (("ann", "anywhere", "set-news", None), False),
        (("Ann", "anywhere", "set-threshold", "CDC_occupancy"), False),
        (("ann ", "anywhere", "set-threshold", "CDC_occupancy"), False),
        (("bob", "anywhere", "label", "CDC_occupancy"), True),
        (("bob", "anywhere", "set-threshold", "CDC_occupancy"), False),
        (("bob", "anywhere", "label", "Nowhere"), True),
        (("eve", "anywhere", "label", "CDC_occupancy"), False),
        (("old", "anywhere", "label", "CDC_occupancy"), False),
        (("stranger", "console1", "label", "CDC_occupancy"), False),
        (("root", "*", "label", "CDC_occupancy"), False),
        (("root", "console1", "drop-tables", "CDC_occupancy"), False),
        (("' OR 1=1 --", "console1", "label", "CDC_occupancy"), False),
    ],
)
def test_given_people_with_roles_when_they_ask_then_only_their_roles_allow(people, asked, allowed):
    with reading(people) as session:
        assert may(session, *asked) is allowed


def test_given_nobody_registered_when_anybody_asks_then_access_security_alone_decides(engine):
    with reading(engine) as session:
        assert may(session, "anybody", "anywhere", "set-threshold", "CDC_occupancy")


def test_given_a_refusal_when_required_then_it_names_user_host_action_and_plot(people):
    wanted = "user ann on host console1 may not set-threshold plot FDC_occupancy"
    with pytest.raises(NotPermitted, match=wanted), reading(people) as session:
        require(session, WHO, "set-threshold", "FDC_occupancy")


def test_given_a_role_when_granted_twice_then_it_is_there_and_audited_once(people):
    with writing(people) as session:
        before = len(session.scalars(select(AuditLog)).all())
        grant(session, WHO, "bob", "Labeler")
        grant(session, WHO, "bob", "Labeler", host="console1")
        assert len(session.scalars(select(AuditLog)).all()) == before + 1
        bob = session.scalars(select(User.id).where(User.name == "bob")).one()
        assert len(session.scalars(select(UserRole).where(UserRole.user_id == bob)).all()) == 2


def test_given_no_such_role_when_granted_then_the_roles_are_listed(engine):
    with reading(engine) as session:
        assert "Detector Expert" in roles(session)
    with pytest.raises(CommandError, match="expected a role of"), writing(engine) as session:
        grant(session, WHO, "bob", "King")
    with reading(engine) as session:
        assert session.scalars(select(User)).all() == []


def test_given_roles_when_listed_and_revoked_then_they_are_gone_and_audited(people):
    with writing(people) as session:
        assert Grant("ann", "Detector Expert", "CDC_occupancy", "*") in grants(session)
        revoke(session, WHO, "ann", "Detector Expert", plot="CDC_occupancy")
        assert not may(session, "ann", "anywhere", "label", "CDC_occupancy")
        line = session.scalars(select(AuditLog).order_by(AuditLog.id.desc())).first()
        assert (line.subject, line.new) == ("ann", None)
        assert line.old == {"role": "Detector Expert", "plot": "CDC_occupancy", "host": "*"}
    with pytest.raises(CommandError, match="ann has no role"), writing(people) as session:
        revoke(session, WHO, "ann", "Detector Expert", plot="CDC_occupancy")


def test_given_the_last_ruler_when_revoked_then_it_is_refused(people):
    with pytest.raises(CommandError, match="first give somebody the role Admin"):  # noqa: SIM117
        with writing(people) as session:
            revoke(session, WHO, "root", "Admin", host="console1")
    with reading(people) as session:
        assert may(session, "root", "console1", "set-users")


def test_given_nobody_registered_when_the_first_role_is_not_admin_then_it_is_refused(engine):
    with pytest.raises(CommandError, match="first give somebody"), writing(engine) as session:
        grant(session, WHO, "bob", "Labeler")
    with writing(engine) as session:
        grant(session, WHO, "bob", "Admin")
        revoke(session, WHO, "bob", "Admin")
        assert may(session, "anybody", "anywhere", "set-users")
