"""What a plot's companions need of the model that judges, before another takes over."""

from dataclasses import replace

from sqlalchemy.orm import Session

from db.audit_queries import Actor
from db.catalogue import PlotType
from db.models import Model
from db.reference_queries import references_in_force, retire_references
from db.shadow_queries import end_shadow, misfit, shadow_model
from pipeline.errors import CommandError


def suit_companions(
    session: Session, who: Actor, target: PlotType, model: Model, *, end: bool
) -> tuple[str, ...]:
    """Refuse a model that does not suit the references or the shadow of a plot, or end these.

    A shadow that is to judge itself ends as a shadow.

    Args:
        session: A session of a transaction that writes.
        who: Who, from where and why.
        target: The plot type.
        model: What is to judge it.
        end: End companions that do not suit instead of refusing the model.

    Returns:
        What was ended, in words.

    Raises:
        CommandError: A companion does not suit; says what to do.
    """
    plot, ended, faults = target.name, [], []
    shadow = shadow_model(session, target.id)
    if shadow is not None and shadow.id == model.id:
        end_shadow(session, replace(who, why="it judges from now on"), plot)
        ended.append(f"model {model.digest[:12]} is no longer the shadow of {plot}: it judges")
    elif shadow is not None and (why := misfit(model, shadow)):
        if end:
            end_shadow(session, who, plot)
            ended.append(f"shadow {shadow.digest[:12]} of {plot} ended: {why}")
        else:
            faults.append(f"{why}; end it with 'hydra-ioc models shadow {plot} --end'")
    references = references_in_force(session).get(target.id)
    if references is not None:
        wanted = tuple(model.input_shape), model.preprocessing
        found = references.input_shape, references.preprocessing
        if wanted != found:
            why = (
                f"references version {references.version} of {plot} need the input {found[0]}"
                f" {found[1]}; model {model.digest[:12]} has {wanted[0]} {wanted[1]}"
            )
            if end:
                retire_references(session, who, plot)
                ended.append(f"{why}: retired")
            else:
                faults.append(f"{why}; retire them with 'hydra-ioc references retire {plot}'")
    if faults:
        raise CommandError(
            "; ".join(faults)
            + "; or add --end-companions, which ends them in the same step as the model takes over"
        )
    return tuple(ended)
