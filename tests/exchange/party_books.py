"""What a well-behaved party keeps and answers: every id once, and its first receipt, under its own seal."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable

from gateway.acknowledge.signals import exception, receipt, status_of
from gateway.domain.envelope import read_header
from gateway.domain.errors import IdRepeated, Refused
from gateway.domain.ids import MessageId
from gateway.domain.xml import read_xml
from gateway.trust.seal import seal
from tests.exchange.party_server import Reply, Request
from tests.keys import PartyKeys
from tests.messages import NOW


class Books:
    """
    Keeps messages and gives receipts for them; it checks no seals.

    Attributes:
        kept: how often each message id was processed: once, whatever was sent.
        asked: how often each message id was brought.
    """

    def __init__(self, keys: PartyKeys) -> None:
        self._keys = keys
        self._receipts: dict[MessageId, tuple[bytes, bytes]] = {}
        self.kept: Counter[MessageId] = Counter()
        self.asked: Counter[MessageId] = Counter()

    def answer(self, request: Request) -> Reply:
        """The receipt; the first one again for a repeat, a refusal for an id with other content."""
        header = read_header(read_xml(request.body))
        digest = hashlib.sha256(request.body).digest()
        self.asked[header.message_id] += 1
        if (first := self._receipts.get(header.message_id)) is not None:
            if first[0] != digest:
                return self.refuse(IdRepeated("this id came before with other content"))(request)
            return Reply(body=first[1], headers={"Eco-Repeat": "true"})
        body = seal(receipt(header, digest, home=self._keys.id, at=NOW), self._keys.own)
        self._receipts[header.message_id] = (digest, body)
        self.kept[header.message_id] += 1
        return Reply(body=body)

    def refuse(self, refused: Refused, *, status: int | None = None) -> Callable[[Request], Reply]:
        """A sealed refusal of whatever is brought."""

        def answer(request: Request) -> Reply:
            header = read_header(read_xml(request.body))
            signal = exception(
                refused,
                received=header,
                digest=hashlib.sha256(request.body).digest(),
                home=self._keys.id,
                party=header.sender,
                at=NOW,
            )
            return Reply(status=status or status_of(refused), body=seal(signal, self._keys.own))

        return answer

    def keep_and_cut(self, request: Request) -> Reply:
        """Keep the message, then break off in the answer: its receipt is lost."""
        self.answer(request)
        return Reply(headers={"Content-Length": "100"}, hang_up=True)
