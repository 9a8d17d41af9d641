"""The table of rights, written out once more by hand: a change of one must be a change of both."""

from __future__ import annotations

import itertools

import pytest

from gateway.domain.caller import Caller, Role, Sight
from gateway.domain.status import Direction
from gateway.intake.roles import MAY, Right, may, sight_of

COLUMNS = (Role.ISSUER, Role.CUSTOMS, Role.EXPORTER, Role.OPERATOR, Role.AUDITOR, Role.ADMINISTRATOR)
TABLE = {
    Right.SUBMIT: "y-----",
    Right.VALIDATE: "yyyyyy",
    Right.READ: "yyyyyy",
    Right.DOCUMENT: "yy-yy-",
    Right.INBOX: "yy-yy-",
    Right.ANSWER: "-y----",
    Right.REPLY: "y-----",
    Right.ASK_STATUS: "yy-y--",
    Right.EVENTS: "yyyyyy",
    Right.OPERATE: "---y-y",
    Right.EXCEPTIONS: "yy-yyy",
    Right.SETTLE: "yy-y-y",
    Right.PARTIES: "---yyy",
    Right.SUBSCRIBE: "-----y",
    Right.REFUSED: "y--yy-",
    Right.METRICS: "---yyy",
    Right.SPECIMENS: "yy-yyy",
    Right.LIST_SPECIMENS: "-----y",
    Right.CHANGES: "---yyy",
    Right.DECIDE: "-----y",
    Right.AUDIT: "nnnyyy",
    Right.DESCRIBE: "yyyyyy",
}


def caller(*roles: Role, organisation: str | None = None) -> Caller:
    return Caller(subject="s", roles=frozenset(roles), organisation=organisation)


def test_every_right_has_its_row() -> None:
    assert set(MAY) == set(Right) == set(TABLE)


@pytest.mark.parametrize(("right", "role"), list(itertools.product(Right, Role)))
def test_a_role_has_exactly_the_rights_of_its_column(right: Right, role: Role) -> None:
    assert may(caller(role), right) == (TABLE[right][COLUMNS.index(role)] == "y")


@pytest.mark.parametrize("right", Right)
def test_without_a_role_there_is_no_right(right: Right) -> None:
    assert not may(caller(), right)


@pytest.mark.parametrize(
    ("who", "right", "sight"),
    [
        pytest.param(caller(Role.OPERATOR), Right.READ, Sight(everything=True), id="operator"),
        pytest.param(caller(Role.ISSUER), Right.READ, Sight(issued=True), id="whole-issuing-authority"),
        pytest.param(
            caller(Role.ISSUER, organisation="A"), Right.READ, Sight(organisation="A"), id="bound-issuer"
        ),
        pytest.param(
            caller(Role.EXPORTER, organisation="A"), Right.READ, Sight(organisation="A"), id="exporter"
        ),
        pytest.param(caller(Role.EXPORTER), Right.READ, Sight(), id="exporter-of-nothing"),
        pytest.param(caller(Role.CUSTOMS), Right.READ, Sight(received=True), id="customs"),
        pytest.param(
            caller(Role.CUSTOMS),
            Right.INBOX,
            Sight(everything=True, received=True),
            id="customs-read-the-whole-inbox",
        ),
        pytest.param(
            caller(Role.ISSUER, Role.CUSTOMS),
            Right.EVENTS,
            Sight(issued=True, received=True),
            id="several-roles-add-up",
        ),
        pytest.param(
            caller(Role.ADMINISTRATOR, Role.CUSTOMS),
            Right.DOCUMENT,
            Sight(received=True),
            id="a-role-without-the-right-adds-nothing",
        ),
    ],
)
def test_a_caller_sees_what_its_roles_let_it_see(who: Caller, right: Right, sight: Sight) -> None:
    assert sight_of(who, right) == sight


@pytest.mark.parametrize(
    ("sight", "direction", "organisation", "seen"),
    [
        pytest.param(Sight(everything=True), Direction.IN, None, True, id="everything"),
        pytest.param(Sight(issued=True), Direction.OUT, "A", True, id="issued"),
        pytest.param(Sight(issued=True), Direction.IN, None, False, id="issued-is-not-received"),
        pytest.param(Sight(received=True), Direction.IN, None, True, id="received"),
        pytest.param(Sight(received=True), Direction.OUT, None, False, id="received-is-not-issued"),
        pytest.param(Sight(organisation="A"), Direction.OUT, "A", True, id="own"),
        pytest.param(Sight(organisation="A"), Direction.OUT, "B", False, id="anothers"),
        pytest.param(Sight(organisation="A"), Direction.OUT, None, False, id="nobodys"),
        pytest.param(Sight(), Direction.OUT, None, False, id="nothing"),
    ],
)
def test_sight_goes_by_direction_and_organisation(
    sight: Sight, direction: Direction, organisation: str | None, seen: bool
) -> None:
    assert sight.sees(direction, organisation) is seen
