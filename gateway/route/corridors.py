"""
Which corridor a message travels. A corridor joins sender, receiver and form; answers travel it backwards.

Who submits a certificate names a country and no party, so the outbound look-up goes by the importing country;
a message from abroad names both parties, so the inbound one goes by them and by the type of the message.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import assert_never

from lxml import etree

from gateway.domain.corridor import Corridor, Party
from gateway.domain.dialect import DialectName
from gateway.domain.errors import (
    ContentRefused,
    Fault,
    Finding,
    FormNotAgreed,
    Misconfigured,
    RegistryFault,
)
from gateway.domain.form import Form
from gateway.domain.ids import FormId, PartyId, family_of
from gateway.domain.status import MessageType
from gateway.domain.words import Words

Corridors = Mapping[tuple[PartyId, PartyId, FormId], Corridor]


def corridor_for(
    corridors: Corridors,
    parties: Mapping[PartyId, Party],
    *,
    sender: PartyId,
    form: FormId,
    importing_country: str,
    members: Collection[str] | None,
    words: Words,
) -> Corridor:
    """
    The corridor in which *sender* sends a certificate in *form*, as handed in, to *importing_country*.

    Args:
        corridors: by sender, receiver and the form they accept.
        importing_country: ISO 3166 alpha-2, from the certificate.
        members: countries that are Parties to the agreement behind *form*; None where there is no agreement.
        words: in which to say why there is none.

    Raises:
        ContentRefused: C01; the text tells whether the country is no Party to the agreement, has no party
            file, does not implement this form, or no corridor has agreed it.
        Misconfigured: several corridors fit, and nothing says which.
    """
    country = importing_country
    if members is not None and country not in members:
        raise _no_corridor(country, words.say("country-no-member", country=country, family=family_of(form)))
    there = sorted(party.id for party in parties.values() if party.country == country and party.id != sender)
    if not there:
        raise _no_corridor(country, words.say("country-no-party", country=country))
    fitting = [key for receiver in there if (key := (sender, receiver, form)) in corridors]
    if not fitting and not any(parties[receiver].implements(form) for receiver in there):
        can = _implemented([parties[receiver] for receiver in there], words)
        raise _no_corridor(country, words.say("form-not-implemented", country=country, form=form, can=can))
    if not fitting:
        agreed = _agreed(corridors, sender, there) or words.phrase("nothing")
        said = words.say("corridor-missing", country=country, form=form, sender=sender, agreed=agreed)
        raise _no_corridor(country, said)
    if len(fitting) > 1:
        fault = f"several receivers in {country} take {form} from {sender}"
        raise Misconfigured((RegistryFault("mappings/corridors", "receiver", fault),))
    return corridors[fitting[0]]


def accepted_to(corridors: Corridors, *, sender: PartyId, importing_country: str) -> frozenset[FormId]:
    """The forms, with their versions, in which *sender* may hand in certificates for *importing_country*."""
    return frozenset(
        corridor.accepts
        for corridor in corridors.values()
        if corridor.sender.id == sender and corridor.receiver.country == importing_country
    )


def over_item_limit(
    document: etree._Element, form: Form, corridor: Corridor, words: Words
) -> tuple[Finding, ...]:
    """
    S04 where *document*, a certificate of *form*, has more items than *corridor* takes; else nothing.

    The form's own limit is one of its rules and is not looked at here.
    """
    if corridor.max_items is None:
        return ()
    items = document.find(f"{{{form.namespace}}}Items")
    count = 0 if items is None else len(items.findall(f"{{{form.namespace}}}Item"))
    if items is None or count <= corridor.max_items:
        return ()
    path = f"/{form.root}/Items"
    text, action = words.say(
        "corridor-items", count=str(count), most=str(corridor.max_items), receiver=corridor.receiver.id
    )
    finding = Finding(
        code=Fault.TOO_LARGE.value,
        text=text,
        box=form.box_of(path),
        path=path,
        line=items.sourceline,
        action=action,
    )
    return (finding,)


def owed_to(corridor: Corridor) -> PartyId:
    """The party to which what travels *corridor* is owed."""
    return corridor.receiver.id


def answers_owed_to(corridor: Corridor) -> PartyId:
    """The party to which the answers are owed: they go the way back."""
    return corridor.sender.id


def agreed_way(
    corridors: Corridors, *, sender: PartyId, receiver: PartyId, form: FormId, kind: MessageType
) -> Corridor | None:
    """
    The corridor that allows a message of *kind* about a certificate in *form*, as it travels.

    Certificates, cancellations and what the issuing side says in a verification go along a corridor; what
    customs says goes backwards; acknowledgements and questions about a status go either way.

    Returns:
        the corridor; None for a ping, which needs none.

    Raises:
        FormNotAgreed: S03, no corridor between the two has agreed the form, or it does not go this way.
    """
    along = _delivering(corridors, sender, receiver, form)
    back = _delivering(corridors, receiver, sender, form)
    match kind:
        case MessageType.PING:
            return None
        case MessageType.CERTIFICATE | MessageType.CANCELLATION | MessageType.VERIFICATION_REPLY:
            found = along
        case (
            MessageType.CUSTOMS_RESPONSE
            | MessageType.RETRANSMISSION_REQUEST
            | MessageType.VERIFICATION_REQUEST
            | MessageType.VERIFICATION_RESULT
        ):
            found = back
        case MessageType.ACKNOWLEDGEMENT | MessageType.STATUS_QUERY | MessageType.STATUS_REPLY:
            found = back or along
        case _:
            assert_never(kind)
    if found is not None:
        return found
    if along or back:
        raise FormNotAgreed(
            f"a {kind} about {form} goes from {receiver} to {sender}, not from {sender} to {receiver}"
        )
    raise FormNotAgreed(
        f"no corridor between {sender} and {receiver} for {form}; "
        f"agreed: {_forms(c.delivers for c in corridors.values() if _joins(c, sender, receiver)) or 'none'}"
    )


def dialect_between(
    corridors: Corridors,
    *,
    sender: PartyId,
    receiver: PartyId,
    form: FormId,
    kind: MessageType,
    acknowledged: MessageType | None = None,
) -> DialectName | None:
    """
    The dialect in which *sender* writes a message of *kind* to *receiver*; None for canonical form.

    Where a corridor is no longer agreed, what is still said about its certificates is in canonical form.

    Args:
        acknowledged: of an acknowledgement, the type of the message it is about, whose corridor it travels.
    """
    one, other, what = (sender, receiver, kind)
    if acknowledged is not None:
        one, other, what = (receiver, sender, acknowledged)
    try:
        corridor = agreed_way(corridors, sender=one, receiver=other, form=form, kind=what)
    except FormNotAgreed:
        return None
    return None if corridor is None else corridor.dialect_from(sender)


def _delivering(corridors: Corridors, sender: PartyId, receiver: PartyId, form: FormId) -> Corridor | None:
    straight = corridors.get((sender, receiver, form))
    if straight is not None and straight.delivers == form:
        return straight
    return next(
        (
            corridor
            for (one, other, _), corridor in corridors.items()
            if (one, other) == (sender, receiver) and corridor.delivers == form
        ),
        None,
    )


def _joins(corridor: Corridor, one: PartyId, other: PartyId) -> bool:
    return {corridor.sender.id, corridor.receiver.id} == {one, other}


def _agreed(corridors: Corridors, sender: PartyId, receivers: Collection[PartyId]) -> str:
    return _forms(accepts for (one, other, accepts) in corridors if one == sender and other in receivers)


def _forms(forms: Iterable[FormId]) -> str:
    return ", ".join(sorted(set(forms)))


def _implemented(receivers: Iterable[Party], words: Words) -> str:
    """What each of *receivers* has declared that it implements (ATIGA Annex 8 Rule 27(2))."""
    return "; ".join(
        words.phrase("implements", party=each.id, forms=_forms(each.forms or ()) or words.phrase("nothing"))
        for each in receivers
    )


def _no_corridor(country: str, said: tuple[str, str]) -> ContentRefused:
    text, action = said
    return ContentRefused((Finding(code=Fault.NO_CORRIDOR, text=text, value=country, action=action),))
