"""The event log at the national API: its sealed head, proofs about it, and its audit, step by step."""

from __future__ import annotations

from aiohttp import web

from gateway.domain.audit import Wrong
from gateway.domain.caller import Caller
from gateway.domain.clock import rfc3339_exact
from gateway.domain.merkle import leaf_hash
from gateway.intake.problems import bad_parameter
from gateway.intake.roles import Right
from gateway.intake.routes import Answer, Call, Parameter, Query, text
from gateway.intake.serving import Parts, answer
from gateway.intake.shapes import Shape

_NUMBER = {"type": "integer", "minimum": 0}


class LogHead(Shape):
    """A head: a tree of *size* leaves with its root; *sealed* is the signed document."""

    size: int
    root: str
    at: str
    sealed: str


class InclusionProof(Shape):
    """That an event is a leaf of a tree: hash the entry as RFC 6962 says, follow the proof, find the root."""

    entry: str
    leaf: int
    leaf_hash: str
    size: int
    root: str
    proof: list[str]


class ConsistencyProof(Shape):
    """That one tree is how another began."""

    first: int
    second: int
    proof: list[str]


class LogFault(Shape):
    """One thing that is wrong with the log."""

    wrong: Wrong
    leaf: int | None
    event: int | None
    text: str


class AuditStep(Shape):
    """One step of an audit; ``next`` is the leaf from which to go on, null at the end."""

    size: int
    leaves: int
    heads: int
    faults: list[LogFault]
    next: int | None


class Log:
    """The calls about the log."""

    def __init__(self, parts: Parts) -> None:
        self._log = parts.log

    async def head(self, _: web.Request, __: Caller) -> web.Response:
        """The newest sealed head."""
        head = await self._log.head()
        return answer(
            {
                "size": head.size,
                "root": head.root.hex(),
                "at": rfc3339_exact(head.at),
                "sealed": head.sealed.decode(),
            }
        )

    async def inclusion(self, request: web.Request, _: Caller) -> web.Response:
        """The proof that one event is in the log."""
        query = Query(request)
        event = query.text("event")
        if event is None:
            raise bad_parameter("event: say which, by its cursor.")
        proved = await self._log.inclusion(event, _number(query, "size"))
        hashed = leaf_hash(proved.entry.encode())
        return answer(
            {
                "entry": proved.entry,
                "leaf": proved.leaf,
                "leaf_hash": hashed.hex(),
                "size": proved.size,
                "root": proved.root.hex(),
                "proof": [each.hex() for each in proved.proof],
            }
        )

    async def consistency(self, request: web.Request, _: Caller) -> web.Response:
        """The proof that one tree is how another began."""
        query = Query(request)
        first, second = _number(query, "first"), _number(query, "second")
        if first is None or second is None:
            raise bad_parameter("first and second: say the sizes of both trees.")
        proof = await self._log.consistency(first, second)
        return answer({"first": first, "second": second, "proof": [each.hex() for each in proof]})

    async def audit(self, request: web.Request, _: Caller) -> web.Response:
        """One step of an audit."""
        page = await self._log.audit(_number(Query(request), "from") or 0)
        faults = [
            {"wrong": each.wrong, "leaf": each.leaf, "event": each.event, "text": each.text}
            for each in page.faults
        ]
        return answer(
            {
                "size": page.size,
                "leaves": page.leaves,
                "heads": len(page.heads),
                "faults": faults,
                "next": page.following,
            }
        )

    def calls(self) -> tuple[Call, ...]:
        """The table's part."""
        return (
            Call(
                method="GET",
                path="/log/head",
                right=Right.AUDIT,
                serve=self.head,
                name="getLogHead",
                meaning="The newest sealed head of the event log.",
                answers={200: Answer("The head.", LogHead)},
                problems=(404,),
            ),
            Call(
                method="GET",
                path="/log/inclusion",
                right=Right.AUDIT,
                serve=self.inclusion,
                name="proveInclusion",
                meaning="The proof that an event is in the log (RFC 6962 2.1.1).",
                query=(
                    text("event", "The event, by its cursor."),
                    Parameter("size", "Of the tree; the largest when not given.", _NUMBER),
                ),
                answers={200: Answer("The proof.", InclusionProof)},
                problems=(404,),
            ),
            Call(
                method="GET",
                path="/log/consistency",
                right=Right.AUDIT,
                serve=self.consistency,
                name="proveConsistency",
                meaning="The proof that one tree is how another began (RFC 6962 2.1.2).",
                query=(
                    Parameter("first", "Leaves of the smaller tree.", _NUMBER),
                    Parameter("second", "Leaves of the larger tree.", _NUMBER),
                ),
                answers={200: Answer("The proof.", ConsistencyProof)},
                problems=(404,),
            ),
            Call(
                method="GET",
                path="/log/audit",
                right=Right.AUDIT,
                serve=self.audit,
                name="auditLog",
                meaning="Hold some leaves against the events they were made of, and heads against the tree.",
                query=(Parameter("from", "The leaf to begin with: the last step's next.", _NUMBER),),
                answers={200: Answer("What was found.", AuditStep)},
            ),
        )


def _number(query: Query, name: str) -> int | None:
    value = query.text(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise bad_parameter(f"{name}: must be a whole number.")
    return int(value)
