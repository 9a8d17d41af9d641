"""
The national API as the commands use it: one session, typed answers, errors in words an operator can act on.

A call that may be repeated safely is repeated when the node asks for patience (429, 503 with Retry-After) or
drops the connection; a node that cannot be reached at all is told at once.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from yarl import URL

from gateway.cli.failures import CommandFailed

Json = dict[str, Any]

BUSY_ATTEMPTS = 6
DROPPED_ATTEMPTS = 3
LONGEST_WAIT_S = 60.0
_BUSY = frozenset({429, 503})
_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the node answered: its status and the JSON it sent, an empty object when it sent none."""

    status: int
    body: Json

    @property
    def is_good(self) -> bool:
        """Whether the node did what was asked."""
        return self.status < 300

    @property
    def words(self) -> str:
        """The problem's detail, else its title, else the bare status."""
        return str(self.body.get("detail") or self.body.get("title") or f"status {self.status}")

    @property
    def findings(self) -> list[Json]:
        """All findings of the answer."""
        return list(self.body.get("findings") or ())


class NodeUnreachable(CommandFailed):
    """No gateway could be asked; nothing was done."""


class NodeBusy(CommandFailed):
    """The node asked for patience more often than we have it."""

    def __init__(self, text: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class NodeRefused(CommandFailed):
    """The node answered with a problem (RFC 9457)."""

    def __init__(self, text: str, answer: Answer) -> None:
        super().__init__(text)
        self.answer = answer


class _Dropped(NodeUnreachable):
    """The connection ended before the answer was whole."""


class Node:
    """A running gateway node, seen through its national API."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, *, waiting: Callable[[float], None] | None = None
    ) -> None:
        self._session = session
        self._url = url
        self._waiting = waiting

    def certificates(self, **query: str | None) -> AsyncIterator[Json]:
        """Every certificate that the search finds, newest first, page by page."""
        return self.pages("certificates", **query)

    async def pages(self, path: str, **query: str | None) -> AsyncIterator[Json]:
        """Every item of a paged call that ends, page by page."""
        wanted = {name: text for name, text in query.items() if text is not None}
        after: dict[str, str] = {}
        while True:
            page = await self._get(path, {"limit": str(_PAGE), **wanted, **after})
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            after = {"after": page["next"]}

    async def certificate(self, item: Mapping[str, Any]) -> Json | None:
        """The whole story of the certificate that a search *item* names; None when there is no such."""
        return await self._find(_path_of(item))

    async def message(self, message_id: str, party: str | None = None) -> Json | None:
        """One message; None when there is no such."""
        return await self._find(f"messages/{quote_all(message_id)}", _by(party))

    async def events(self, message_id: str, party: str | None = None) -> list[Json]:
        """The timeline of one message, oldest first."""
        found = await self._get(f"messages/{quote_all(message_id)}/timeline", _by(party))
        return list(found["items"])

    async def parties(self) -> list[Json]:
        """Who we exchange with."""
        return list((await self._get("parties", {}))["items"])

    async def lanes(self) -> list[Json]:
        """Each lane's backlog."""
        return list((await self._get("lanes", {}))["items"])

    async def exception(self, number: str) -> Json | None:
        """One exception; None when there is no such."""
        return await self._find(f"exceptions/{quote_all(number)}")

    async def settle(self, verb: str, number: str, body: Json) -> Answer:
        """Take, hand back, note or close one exception."""
        return await self._act(f"exceptions/{quote_all(number)}/{verb}", body, {})

    async def submit(self, content: bytes, content_type: str) -> Answer:
        """Hand in one certificate; the same content may be handed in again and again."""
        return await self._patiently("POST", "certificates", content=content, content_type=content_type)

    async def submit_batch(self, content: bytes, content_type: str) -> Answer:
        """Hand in many certificates in one call; it may be made again and again."""
        return await self._patiently("POST", "certificates/batch", content=content, content_type=content_type)

    async def judge(self, content: bytes, content_type: str) -> Answer:
        """What the node thinks of one certificate; it stores nothing."""
        return await self._patiently(
            "POST",
            "certificates/validate",
            query={"route": "true"},
            content=content,
            content_type=content_type,
        )

    async def operate(self, verb: str, message_id: str, body: Json, party: str | None = None) -> Answer:
        """Hold, release, resend or withdraw one message."""
        return await self._act(f"messages/{quote_all(message_id)}/{verb}", body, _by(party))

    async def steer(self, verb: str, party: str, body: Json) -> Answer:
        """Suspend, resume or ping one party."""
        return await self._act(f"parties/{quote_all(party)}/{verb}", body, {})

    async def evidence(self, message_id: str, party: str | None = None) -> bytes:
        """The bundle about a message and its conversation."""
        return await self._bytes(f"messages/{quote_all(message_id)}/evidence", _by(party))

    async def changes(self) -> list[Json]:
        """What wants to change whom we believe."""
        return list((await self._get("changes", {}))["items"])

    async def decide(self, change: str, verb: str, body: Json) -> Answer:
        """Approve or reject one of them."""
        return await self._act(f"changes/{quote_all(change)}/{verb}", body, {})

    async def webhooks(self) -> list[Json]:
        """Every subscriber, without its secrets."""
        return list((await self._get("webhooks", {}))["items"])

    async def webhook(self, path: str, body: Json) -> Answer:
        """Add a subscriber, where *path* is empty, or do what *path* (``name/verb``) says with one."""
        return await self._act(f"webhooks/{path}".removesuffix("/"), body, {})

    async def specimens(self) -> list[Json]:
        """Every specimen list, in the order of their import."""
        return list((await self._get("specimens", {}))["items"])

    async def import_specimens(self, body: Json) -> Answer:
        """Import a specimen list; its pictures were handed in before."""
        return await self._act("specimens", body, {})

    async def keep_picture(self, content: bytes, content_type: str) -> Answer:
        """Hand in the picture of a signature or a seal."""
        return await self._patiently("POST", "specimens/pictures", content=content, content_type=content_type)

    async def picture(self, sha256: str) -> bytes:
        """The picture of a signature or a seal."""
        return await self._bytes(f"specimens/pictures/{sha256}", {})

    async def _bytes(self, path: str, query: Mapping[str, str]) -> bytes:
        url = URL(f"{self._url}/api/v1/{path}", encoded=True).update_query(query)
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status == 200:
                    return await response.read()
                answer = Answer(status=response.status, body=await self._json(response))
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from error
        raise NodeRefused(self._refusal(answer), answer)

    async def preview(self, item: Mapping[str, Any], language: str) -> bytes:
        """A certificate as people read it."""
        return await self._bytes(f"{_path_of(item)}/preview", {"lang": language})

    async def log(self, what: str, **query: str) -> Json:
        """What the event log says: ``head``, ``inclusion``, ``consistency`` or one step of an ``audit``."""
        return await self._get(f"log/{what}", query)

    async def report(self, what: str, first: str, last: str) -> list[Json]:
        """The rows of one report over these days, both included."""
        return list((await self._get(f"reports/{quote_all(what)}", {"from": first, "to": last}))["items"])

    async def housekeeping(self) -> list[Json]:
        """What would be removed, corridor by corridor."""
        return list((await self._get("housekeeping", {}))["items"])

    async def housekeep(self) -> Answer:
        """Remove some of it now."""
        return await self._act("housekeeping", {}, {})

    async def plan(self, body: Json) -> Answer:
        """Freeze a list of messages to act upon; nothing is done yet."""
        return await self._act("actions", body, {})

    async def action(self, action_id: str) -> Json:
        """One act on many messages as it stands."""
        return await self._get(f"actions/{quote_all(action_id)}", {})

    async def actions(self) -> list[Json]:
        """The latest acts on many messages, newest first."""
        return list((await self._get("actions", {}))["items"])

    async def start(self, action_id: str, body: Json) -> Answer:
        """Start an act on many messages, or go on with a stopped one."""
        return await self._act(f"actions/{quote_all(action_id)}/start", body, {})

    async def stop(self, action_id: str, body: Json) -> Answer:
        """Stop an act on many messages where it is."""
        return await self._act(f"actions/{quote_all(action_id)}/stop", body, {})

    async def action_messages(self, action_id: str) -> AsyncIterator[Json]:
        """The list of an act on many messages, in its order."""
        after: dict[str, str] = {}
        while True:
            path = f"actions/{quote_all(action_id)}/messages"
            page = await self._get(path, {"limit": str(_PAGE), **after})
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            after = {"after": page["next"]}

    async def _get(self, path: str, query: Mapping[str, str]) -> Json:
        answer = await self._patiently("GET", path, query=query)
        if not answer.is_good:
            raise NodeRefused(self._refusal(answer), answer)
        return answer.body

    async def _find(self, path: str, query: Mapping[str, str] | None = None) -> Json | None:
        answer = await self._patiently("GET", path, query=query or {})
        if answer.status == 404:
            return None
        if not answer.is_good:
            raise NodeRefused(self._refusal(answer), answer)
        return answer.body

    async def _act(self, path: str, body: Json, query: Mapping[str, str]) -> Answer:
        return await self._patiently("POST", path, query=query, body=body, repeatable=False)

    async def _patiently(self, method: str, path: str, *, repeatable: bool = True, **request: Any) -> Answer:
        retried = (NodeBusy, _Dropped) if repeatable else (NodeBusy,)
        trying = AsyncRetrying(
            retry=retry_if_exception_type(retried),
            wait=_wait_s,
            stop=_is_hopeless,
            before_sleep=self._tell_wait,
            reraise=True,
        )
        return await trying(self._once, method, path, **request)

    async def _once(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        content: bytes | None = None,
        content_type: str | None = None,
    ) -> Answer:
        url = URL(f"{self._url}/api/v1/{path}", encoded=True).update_query(query or {})
        headers = {"Content-Type": content_type} if content_type else {}
        try:
            async with self._session.request(
                method, url, json=body, data=content, headers=headers, allow_redirects=False
            ) as response:
                answer = Answer(status=response.status, body=await self._json(response))
                retry_after = response.headers.get("Retry-After")
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise self._unreachable(error) from error
        if answer.status in _BUSY:
            raise NodeBusy(
                f"the node at {self._url} is busy: {answer.words}", retry_after_s=_seconds(retry_after)
            )
        if answer.status in (401, 403):
            raise NodeRefused(self._refusal(answer), answer)
        return answer

    async def _json(self, response: aiohttp.ClientResponse) -> Json:
        raw = await response.read()
        kind = response.content_type
        if raw and kind in ("application/json", "application/problem+json"):
            try:
                found = await response.json(content_type=None)
            except ValueError:
                found = None
            if isinstance(found, dict):
                return cast("Json", found)
        if response.status in _BUSY or (not raw and response.status < 300):
            return {}
        raise NodeUnreachable(
            f"what answers at {self._url} is not a gateway's national API"
            f" (status {response.status}, {kind}); say where it is with --to or ECO_GATEWAY_URL"
        )

    def _refusal(self, answer: Answer) -> str:
        match answer.status:
            case 401:
                return (
                    f"the node at {self._url} does not know who asks: {answer.words}. Put a token into"
                    " ECO_GATEWAY_TOKEN; 'eco-gateway token --role operator' makes one for demo and tests"
                )
            case 403:
                return f"this token may not do that: {answer.words}"
            case _:
                return f"the node at {self._url} refused: {answer.words}"

    def _unreachable(self, error: Exception) -> NodeUnreachable:
        kind = _Dropped if isinstance(error, _BROKEN_OFF) else NodeUnreachable
        return kind(
            f"no gateway answers at {self._url} ({_reason(error)}); start one with 'eco-gateway serve',"
            " or say where it is with --to or ECO_GATEWAY_URL"
        )

    def _tell_wait(self, state: RetryCallState) -> None:
        if self._waiting is not None and state.next_action is not None:
            self._waiting(state.next_action.sleep)


_BROKEN_OFF = (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, ConnectionResetError)


def _path_of(item: Mapping[str, Any]) -> str:
    """Where the certificate that a search *item* names stands."""
    country = item.get("issuing_country") or item["exporting_country"]
    return f"certificates/{quote_all(country, str(item['form']).split('/')[1], item['certificate_number'])}"


@asynccontextmanager
async def connect(
    url: str,
    token: str | None,
    *,
    at_once: int = 8,
    timeout_s: float = 60,
    waiting: Callable[[float], None] | None = None,
) -> AsyncIterator[Node]:
    """
    A session with the node at *url*; its connections are kept until the end.

    Args:
        at_once: most connections at a time.
        waiting: told how many seconds we are about to wait because the node asked for it.
    """
    headers = {"Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=at_once),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=timeout_s),
    ) as session:
        yield Node(session, url, waiting=waiting)


def quote_all(*parts: str) -> str:
    """*parts* as they stand in a path: percent-encoded, slashes too, joined by slashes."""
    return "/".join(quote(part, safe="") for part in parts)


def _by(party: str | None) -> dict[str, str]:
    return {} if party is None else {"party": party}


def _seconds(retry_after: str | None) -> float | None:
    try:
        return max(0.0, float(retry_after or ""))
    except ValueError:
        return None


def _wait_s(state: RetryCallState) -> float:
    doubling: float = 2.0 ** (state.attempt_number - 1)
    match _error_of(state):
        case NodeBusy(retry_after_s=asked):
            return min(LONGEST_WAIT_S, doubling if asked is None else asked)
        case _:
            return 0.1 * doubling


def _is_hopeless(state: RetryCallState) -> bool:
    most = BUSY_ATTEMPTS if isinstance(_error_of(state), NodeBusy) else DROPPED_ATTEMPTS
    return state.attempt_number >= most


def _error_of(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return f"the host {error.host} is unknown"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError() | ssl.SSLError():
            return f"TLS failed: {error}"
        case aiohttp.ClientConnectorError():
            refused = isinstance(error.os_error, ConnectionRefusedError)
            return "connection refused" if refused else error.os_error.strerror or str(error.os_error)
        case TimeoutError():
            return "no answer in time"
        case aiohttp.ServerDisconnectedError() | ConnectionResetError():
            return "it closed the connection"
        case _:
            return str(error) or type(error).__name__
