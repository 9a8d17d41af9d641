"""
The walk: gateways die at every point of the delivery and receipt paths, one point a run.

A point is a place before or after one effect: a statement, a message on the wire, an answer at a door.
Between two effects nothing changes that outlives a process, so dying at any other await is dying at one of
these. The points are not written down anywhere: a run in which nobody dies names those it comes by, the
first times of each, and the walk kills at each of them in turn. Every run tells the same story: a certificate
whose first attempt finds a closed door and whose second loses its receipt, its acknowledgement likewise, and
the customs response to it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.domain.ids import PartyId
from tests.exchange.chaos import CLERK, TH, VN, Chaos, Life, Side, Wire

TIMES = 3  # a point that comes again and again, such as a look for what is due, is one so often
TRIES = 5  # of a run until it comes by its point: which times there are depends on the moment
ITEMS = 2
_SCRIPT = ("closed", "cut-after")


@dataclass(frozen=True, slots=True)
class Point:
    """Where somebody dies."""

    party: PartyId
    name: str


@dataclass
class Walked:
    """What a walk came to; *missed* are points by which no run came."""

    points: int = 0
    hit: int = 0
    missed: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class ScriptedWire(Wire):
    """The first messages of each side meet what the script says, all later ones nothing."""

    def __init__(self) -> None:
        super().__init__(random.Random(0))
        self._sent: Counter[PartyId] = Counter()

    def fault(self, side: Side) -> str | None:
        sent = self._sent[side.home]
        self._sent[side.home] += 1
        return _SCRIPT[sent] if sent < len(_SCRIPT) else None


class Walk:
    """Runs of one story on two gateways; *both* are nobody else's meanwhile."""

    def __init__(self, both: Chaos) -> None:
        self._both = both

    async def points(self) -> list[Point]:
        """Every point that a life comes by when nobody dies."""
        faults, lives = await self._tell({})
        assert faults == [], faults
        return [
            Point(life, name)
            for life, fate in lives.items()
            for name in fate
            if int(name.rpartition("#")[2]) < TIMES
        ]

    async def through(self, points: Sequence[Point]) -> Walked:
        """Die at each of *points*; the first fault ends the walk."""
        walked = Walked(points=len(points))
        for point in points:
            for _ in range(TRIES):
                deaths = self._both.side(point.party).deaths
                faults, _ = await self._tell({point.party: [point.name]})
                walked.faults += [f"{point.party} dead {point.name}: {fault}" for fault in faults]
                if self._both.side(point.party).deaths > deaths:
                    walked.hit += 1
                    break
                if faults:
                    return walked
            else:
                walked.missed.append(f"{point.party} {point.name}")
            if walked.faults:
                return walked
        return walked

    async def _tell(
        self, fates: dict[PartyId, list[int | str]]
    ) -> tuple[list[str], dict[PartyId, list[str]]]:
        """The story once; what was wrong at its end, and the points of each side's last life."""
        async with self._both.living(ScriptedWire(), fates) as wire:
            number = await self._both.submit()
            faults = await self._both.faults([number], wire)
            if not faults:
                await self._utilise(number)
                faults = await self._both.faults([number], wire)
            if not faults:
                faults = await self._faults_of_response(number)
            lives = {party: self._both.side(party).life for party in (VN, TH)}
            points = {party: list(life.fate.points) for party, life in lives.items() if life is not None}
        return faults, points

    async def _utilise(self, number: str) -> None:
        """The customs response, as a national system gives it: until it is answered."""
        message_no = await self._both.side(TH).outside.fetchval(_CERTIFICATE, number)
        outcomes = [{"no": no, "outcome": "utilised", "declaration": "D-1"} for no in range(1, ITEMS + 1)]

        async def respond(life: Life) -> None:
            message = await life.ledger.message(message_no)
            await life.pipeline.answer(message, "customs-response", {"items": outcomes}, CLERK)

        await self._both.ask(TH, respond)

    async def _faults_of_response(self, number: str) -> list[str]:
        """What was said must have come, once each; said twice, as after a lost answer, it counts once."""
        said = await self._both.side(TH).outside.fetch(_RESPONSES, number, "out")
        heard = await self._both.side(VN).outside.fetch(_RESPONSES, number, "in")
        faults = [
            f"{row['message_id']} has {row['receipts']} receipts" for row in said if row["receipts"] != 1
        ]
        if sorted(row["message_id"] for row in said) != sorted(row["message_id"] for row in heard):
            faults.append(f"customs responses: {len(said)} sent, {len(heard)} came")
        for party in (VN, TH):
            entries = await self._both.side(party).outside.fetchval(_ENTRIES, number)
            faults += [] if entries == ITEMS else [f"{party} counts {entries} items as utilised"]
        return faults


_CERTIFICATE = "SELECT message_no FROM message WHERE certificate_number = $1 AND type = 'certificate'"
_RESPONSES = """
SELECT m.message_id, (SELECT count(*) FROM receipt r WHERE r.message_no = m.message_no) AS receipts
  FROM message m
 WHERE m.certificate_number = $1 AND m.type = 'customs-response' AND m.direction = $2
"""
_ENTRIES = """
SELECT count(DISTINCT (r.item, r.declaration))
  FROM customs_response r
  JOIN certificate c USING (certificate_no)
 WHERE c.number = $1
"""
