"""What a command changes in the record, in one transaction with its audit line."""

from typing import Final

from sqlalchemy.orm import Session

from db.audit_queries import Actor, audit
from db.catalogue_queries import set_ignored
from db.doubt_queries import set_novel
from db.limit_queries import set_limit
from db.operation_queries import post_news
from db.reference_queries import RIGHT as REFERENCES
from db.reference_queries import set_similarity_threshold
from db.run_type_queries import set_run_type
from db.steadiness_queries import set_steadiness
from db.threshold_queries import set_threshold
from db.user_queries import require
from pipeline.keeper.mask_changes import change_mask
from pipeline.messages import (
    ChangeMask,
    Command,
    PutRefused,
    Reload,
    SetIgnore,
    SetLimit,
    SetNews,
    SetRunType,
    SetSteadiness,
    SetThreshold,
    Who,
)

SIMILARITY: Final = "Similarity"
"""Stands for a label where the threshold of the similarity is changed."""
NOVELTY: Final = "Novelty"
"""Stands for a label where the limit of novelty is changed."""
ACTIONS = {
    SetThreshold: "set-threshold",
    SetIgnore: "set-ignore",
    SetNews: "set-news",
    SetRunType: "set-run-type",
    Reload: "reload",
    ChangeMask: "set-mask",
    SetSteadiness: "set-steadiness",
    SetLimit: "set-limit",
}
"""Commands that change the record, by the action the audit log names."""

RIGHTS: dict[type[Command], str] = {
    SetSteadiness: "set-threshold",
    SetLimit: "set-threshold",
    SetRunType: REFERENCES,
}
"""Commands that need another right than that of their name."""


def apply(session: Session, command: Command) -> str:
    """Carry out a command.

    Args:
        session: A session of a transaction that writes.
        command: One of ``ACTIONS``.

    Returns:
        What was done, in words.

    Raises:
        CommandError: It cannot be done; says what was expected.
        NotPermitted: No role of the user allows it.
    """
    _permit(session, command)
    match command:
        case SetThreshold():
            return _set_threshold(session, command)
        case SetLimit() | SetSteadiness():
            return _tune(session, command)
        case SetIgnore(who=who, plot=plot, ignored=ignored):
            set_ignored(session, actor(who), plot, ignored)
            return f"{plot} {'ignored' if ignored else 'taken into account'}"
        case SetNews() | SetRunType() | Reload():
            return _for_all(session, command)
        case ChangeMask(who=who):
            return change_mask(session, actor(who), command)
    raise TypeError(f"{type(command).__name__} changes nothing in the record")


def _permit(session: Session, command: Command) -> None:
    """Refuse what a person may not do; what the facility measures needs no right."""
    of_plot = SetThreshold | SetIgnore | ChangeMask | SetSteadiness | SetLimit
    if not isinstance(command, of_plot | SetNews | SetRunType):
        return
    if isinstance(command, SetRunType) and command.measured:
        return
    plot = command.plot if isinstance(command, of_plot) else None
    right = RIGHTS.get(type(command), ACTIONS[type(command)])
    require(session, actor(command.who), right, plot)


def _set_threshold(session: Session, command: SetThreshold) -> str:
    who, plot, label, value = actor(command.who), command.plot, command.label, command.value
    if label == SIMILARITY:
        old = set_similarity_threshold(session, who, plot, value)
    elif label == NOVELTY:
        old = set_novel(session, who, plot, value)
    else:
        old = set_threshold(session, who, plot, label, value)
    return f"threshold of {plot} {label}: {old:g} -> {value:g}"


def _for_all(session: Session, command: SetNews | SetRunType | Reload) -> str:
    who = actor(command.who)
    if isinstance(command, SetNews):
        post_news(session, who, command.text)
        return "news posted" if command.text else "news cleared"
    if isinstance(command, SetRunType):
        taken = set_run_type(session, who, command.run_type, measured=command.measured)
        return (
            f"run type {command.run_type or 'not known'}: references of {len(taken)} plots changed"
        )
    audit(session, who, "reload", "catalogue")
    return "catalogue read again"


def _tune(session: Session, command: SetLimit | SetSteadiness) -> str:
    who, plot, value = actor(command.who), command.plot, command.value
    if isinstance(command, SetLimit):
        before, _ = set_limit(session, who, plot, command.limit, value)
        was = "none" if before is None else f"{before:g}"
        return f"{command.limit.upper()} of {plot}: {was} -> {value:g}"
    old, new = set_steadiness(session, who, plot, command.setting, value)
    return f"{command.setting} of {plot}: {old:g} -> {new:g}"


def refuse(session: Session, command: Command, why: str) -> None:
    """Put a refused command on record.

    Args:
        session: A session of a transaction that writes.
        command: One of ``ACTIONS``.
        why: Why it was refused.
    """
    match command:
        case SetThreshold(who=who, plot=plot, label=label, value=value):
            subject, new = f"{plot} {label}", {"value": value, "refused": why}
        case SetLimit(who=who, plot=plot, limit=limit, value=value):
            subject, new = f"{plot} {limit}", {"value": value, "refused": why}
        case SetSteadiness(who=who, plot=plot, setting=setting, value=value):
            subject, new = f"{plot} {setting}", {"value": value, "refused": why}
        case SetIgnore(who=who, plot=plot, ignored=ignored):
            subject, new = plot, {"value": ignored, "refused": why}
        case SetNews(who=who, text=text):
            subject, new = "news", {"value": text, "refused": why}
        case SetRunType(who=who, run_type=run_type):
            subject, new = run_type, {"refused": why}
        case Reload(who=who):
            subject, new = "catalogue", {"refused": why}
        case ChangeMask(who=who, plot=plot, action=action, name=name):
            subject, new = f"{plot} {name}", {"action": action, "refused": why}
        case _:
            raise TypeError(f"{type(command).__name__} is never on record")
    audit(session, actor(who), ACTIONS[type(command)], subject, new=new, accepted=False)


def note_refused_put(session: Session, note: PutRefused) -> None:
    """Put on record that the IOC refused a put."""
    new = {"value": note.value, "refused": note.who.why, "times": note.times}
    audit(session, actor(note.who), "put", note.pv, new=new, accepted=False)


def actor(who: Who) -> Actor:
    """Give who asks as the record takes it."""
    return Actor(user=who.user, host=who.host, why=who.why)
