"""A small node of the national API for the command line's tests; it answers as the API's page says."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from gateway.domain.verbs import VERBS

Json = dict[str, Any]
PAGE = 2


def a_message(message_id: str, **differently: Any) -> Json:
    """One element of a certificate's messages, delivered and accepted."""
    return {
        "message_id": message_id,
        "type": "certificate",
        "direction": "out",
        "party": "TH.CUSTOMS",
        "delivery": "delivered",
        "receipt": {"at": "2026-11-21T08:00:05.000Z", "digest": "ab" * 32, "signer": "CN=TH.CUSTOMS sign"},
        "acknowledgement": {
            "outcome": "accepted",
            "by": "gateway",
            "at": "2026-11-21T08:00:07.000Z",
            "findings": [],
        },
        "attempts": [
            {
                "at": "2026-11-21T08:00:01.000Z",
                "outcome": "retry",
                "cause": "T01: cannot connect to th.example:8443: refused",
                "next_at": "2026-11-21T08:00:05.000Z",
            },
            {"at": "2026-11-21T08:00:05.000Z", "outcome": "delivered", "cause": None, "next_at": None},
        ],
    } | differently


def a_certificate(number: str, *, form: str = "atiga/form-d/1.0", **differently: Any) -> Json:
    """A certificate object with one message."""
    return {
        "certificate_number": number,
        "form": form,
        "exporting_country": "VN",
        "importing_country": "TH",
        "life": "in_force",
        "cause": None,
        "owner": "none",
        "next_action": "Nothing; it is finished.",
        "until": None,
        "messages": [a_message(f"{number.lower().replace('/', '-')}@vn.moit")],
        "customs_responses": [],
        "events": [{"at": "2026-11-21T08:00:00.000Z", "what": "submission:accepted", "who": "issuer"}],
        "chain": [],
    } | differently


@dataclass
class NodeThatRemembers:
    """
    A node of the national API that keeps everything in memory and does what its page says.

    Attributes:
        certificates: what it knows, newest first.
        refusals: content -> status and findings, for what it must refuse.
        notice: of the receiver's outage, told to who submits.
        taken: the content of every submission, in their order.
        busy_for: how many submissions it answers 503 before it takes one.
        calls: every call it got: method, raw path with query, body.
        rounds: of housekeeping, until nothing is left.
        stands_still: whether actions make no progress.
    """

    certificates: list[Json] = field(default_factory=list)
    messages: dict[str, Json] = field(default_factory=dict)
    refusals: dict[bytes, tuple[int, list[Json]]] = field(default_factory=dict)
    parties: list[Json] = field(default_factory=list)
    lanes: list[Json] = field(default_factory=list)
    actions: list[Json] = field(default_factory=list)
    stands_still: bool = False
    retention: list[Json] = field(default_factory=list)
    rounds: int = 0
    notice: Json | None = None
    taken: list[bytes] = field(default_factory=list)
    busy_for: int = 0
    token: str | None = None
    dies_after: int | None = None
    calls: list[tuple[str, str, bytes]] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    url: str = ""

    def called(self, method: str) -> list[str]:
        return [path for how, path, _ in self.calls if how == method]

    def application(self) -> web.Application:
        made = web.Application(middlewares=[self._door], client_max_size=8 * 1024 * 1024)
        made.add_routes(
            [
                web.post("/api/v1/certificates", self._submit),
                web.post("/api/v1/certificates/batch", self._batch),
                web.post("/api/v1/certificates/validate", self._validate),
                web.get("/api/v1/certificates", self._search),
                web.get("/api/v1/certificates/{country}/{form}/{number}", self._certificate),
                web.get("/api/v1/messages/{id}", self._message),
                web.get("/api/v1/messages/{id}/timeline", self._timeline),
                web.post("/api/v1/messages/{id}/{verb}", self._operate),
                web.get("/api/v1/parties", self._list("parties")),
                web.get("/api/v1/lanes", self._list("lanes")),
                web.post("/api/v1/parties/{id}/{verb}", self._steer),
                web.get("/api/v1/housekeeping", self._list("retention")),
                web.post("/api/v1/housekeeping", self._housekeep),
                web.post("/api/v1/actions", self._plan),
                web.get("/api/v1/actions", self._list("actions")),
                web.get("/api/v1/actions/{id}", self._action),
                web.get("/api/v1/actions/{id}/messages", self._action_messages),
                web.post("/api/v1/actions/{id}/start", self._start),
                web.post("/api/v1/actions/{id}/stop", self._stop),
            ]
        )
        return made

    @web.middleware
    async def _door(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.calls.append((request.method, request.raw_path, await request.read()))
        if self.token is not None and request.headers.get("Authorization") != f"Bearer {self.token}":
            return problem(401, "No valid credential.", {"WWW-Authenticate": "Bearer"})
        self.in_flight += 1
        self.most_in_flight = max(self.in_flight, self.most_in_flight)
        try:
            await asyncio.sleep(0)  # lets calls that came together be counted together
            answer: web.StreamResponse = await handler(request)
            return answer
        except web.HTTPNotFound:
            if not request.path.startswith("/api/v1/"):
                raise
            return problem(404, "No such thing.")
        finally:
            self.in_flight -= 1

    async def _submit(self, request: web.Request) -> web.Response:
        if self.busy_for:
            self.busy_for -= 1
            return problem(503, "Shutting down.", {"Retry-After": "0"})
        self._live_or_die(request)
        status, body = self._take(await request.read())
        if status in (200, 202):
            return web.json_response(body, status=status)
        more: Json = {"submission_id": "6a1"} if status == 422 else {}
        return problem(status, body["findings"][0]["text"], findings=body["findings"], **more)

    async def _batch(self, request: web.Request) -> web.Response:
        self._live_or_die(request)
        raw = await request.read()
        if request.content_type == "application/zip":
            archive = zipfile.ZipFile(io.BytesIO(raw))
            contents = [archive.read(name) for name in archive.namelist()]
        else:
            contents = raw.split(b"\n")
        items = []
        for index, content in enumerate(contents):
            status, body = self._take(content)
            items.append({"index": index, "name": None, "status": status, "findings": [], **body})
        return web.json_response({"items": items})

    def _live_or_die(self, request: web.Request) -> None:
        if self.dies_after is not None and len(self.called("POST")) > self.dies_after:
            assert request.transport is not None
            request.transport.abort()

    def _take(self, content: bytes) -> tuple[int, Json]:
        if content in self.refusals:
            status, findings = self.refusals[content]
            return status, {"findings": findings}
        first = content not in self.taken
        self.taken.append(content)
        number = f"N-{len(content)}"
        return 202 if first else 200, {
            "message_id": f"{number.lower()}@vn.moit",
            "certificate_number": number,
            "form": "atiga/form-d/1.0",
            "receiver": "TH.CUSTOMS",
            **({} if self.notice is None else {"notice": self.notice}),
        }

    async def _validate(self, request: web.Request) -> web.Response:
        _, findings = self.refusals.get(await request.read(), (422, []))
        return web.json_response({"form": "atiga/form-d/1.0", "valid": not findings, "findings": findings})

    async def _search(self, request: web.Request) -> web.Response:
        query = request.query
        found = [
            search_item(one)
            for one in self.certificates
            if query.get("number", one["certificate_number"]) == one["certificate_number"]
            and query.get("form", one["form"]) in (one["form"], one["form"][:-4], one["form"].split("/")[1])
            and query.get("receiver", one["messages"][0]["party"]) == one["messages"][0]["party"]
            and query.get("status") in (None, one["life"], one["messages"][0]["delivery"])
        ]
        start = int(query.get("after", 0))
        rest = found[start + PAGE :]
        following = str(start + PAGE) if rest else None
        return web.json_response({"items": found[start : start + PAGE], "next": following})

    async def _certificate(self, request: web.Request) -> web.Response:
        named = request.match_info
        for one in self.certificates:
            key = (one["exporting_country"], one["form"].split("/")[1], one["certificate_number"])
            if key == (named["country"], named["form"], named["number"]):
                return web.json_response(one)
        raise web.HTTPNotFound

    async def _message(self, request: web.Request) -> web.Response:
        return web.json_response(self._known(request))

    async def _timeline(self, request: web.Request) -> web.Response:
        self._known(request)
        return web.json_response(
            {"items": [{"at": "2026-11-21T08:00:00.000Z", "what": "receipt:stored", "who": None}]}
        )

    def _known(self, request: web.Request) -> Json:
        found = self.messages.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found

    async def _operate(self, request: web.Request) -> web.Response:
        message = self._known(request)
        targets = {"hold": "on_hold", "release": "ready_to_send", "resend": "ready_to_send"}
        target = targets.get(request.match_info["verb"], "withdrawn")
        if message["delivery"] in (target, "withdrawn"):
            return problem(409, f"It is {message['delivery']}.")
        message["delivery"] = target
        return web.json_response(message)

    async def _housekeep(self, _: web.Request) -> web.Response:
        self.rounds -= 1
        return web.json_response({"certificates": 5, "documents": 10, "left": self.rounds > 0})

    async def _plan(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        if "messages" in wanted:
            ids = list(wanted["messages"])
        else:
            ids = [one for one, message in self.messages.items() if self._is_meant(wanted, message)]
        if len(ids) > wanted["most"]:
            return problem(409, f"more than {wanted['most']} messages match; narrow the filter")
        if not ids:
            return problem(404, f"No message matches, nothing to {wanted['verb']}.")
        action = {
            "action_id": f"a{len(self.actions)}",
            "verb": wanted["verb"],
            "state": "planned",
            "count": len(ids),
            "done": 0,
            "refused": 0,
            "left": len(ids),
            "planned_at": "2026-11-21T08:00:00.000Z",
            "who": "operator",
            "stopped_by": None,
            "stopped_for": None,
            "list": [[one, None] for one in ids],
        }
        self.actions.append(action)
        return web.json_response({**action, "sample": self._listed(action)[:5]}, status=201)

    def _is_meant(self, wanted: Json, message: Json) -> bool:
        meant = wanted["filter"]
        return (
            meant.get("party", message["party"]) == message["party"]
            and meant.get("status", message["delivery"]) == message["delivery"]
            and message["delivery"] in VERBS[wanted["verb"]].allowed
        )

    def _listed(self, action: Json) -> list[Json]:
        return [
            {
                "position": position,
                "message_id": message_id,
                "party": self.messages[message_id]["party"],
                "certificate_number": "VN-1",
                "delivery": self.messages[message_id]["delivery"],
                "result": result,
            }
            for position, (message_id, result) in enumerate(action["list"], 1)
        ]

    def _known_action(self, request: web.Request) -> Json:
        for action in self.actions:
            if action["action_id"] == request.match_info["id"]:
                return action
        raise web.HTTPNotFound

    async def _action(self, request: web.Request) -> web.Response:
        """One message further each time it is looked at."""
        action = self._known_action(request)
        if action["state"] == "running" and not self.stands_still:
            self._go_on(action)
        return web.json_response(action)

    def _go_on(self, action: Json) -> None:
        item = next(item for item in action["list"] if item[1] is None)
        message = self.messages[item[0]]
        verb = VERBS[action["verb"]]
        moves = message["delivery"] in verb.allowed
        item[1] = "done" if moves else f"It is {message['delivery']}."
        action["done" if moves else "refused"] += 1
        action["left"] -= 1
        if moves:
            message["delivery"] = verb.to
        if not action["left"]:
            action["state"] = "done"

    async def _action_messages(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self._listed(self._known_action(request)), "next": None})

    async def _start(self, request: web.Request) -> web.Response:
        action = self._known_action(request)
        if action["state"] == "done":
            return problem(409, "This action is done; plan another.")
        action["state"] = "running"
        return web.json_response(action)

    async def _stop(self, request: web.Request) -> web.Response:
        action = self._known_action(request)
        if action["state"] != "running":
            return problem(409, f"This action is {action['state']}; only a running one is stopped.")
        body = json.loads(await request.read() or b"{}")
        action.update(state="stopped", stopped_by="operator", stopped_for=body.get("reason"))
        return web.json_response(action)

    async def _steer(self, request: web.Request) -> web.Response:
        for party in self.parties:
            if party["id"] == request.match_info["id"]:
                return web.json_response(party)
        raise web.HTTPNotFound

    def _list(self, name: str) -> Any:
        async def listed(_: web.Request) -> web.Response:
            return web.json_response({"items": getattr(self, name)})

        return listed


def search_item(certificate: Json) -> Json:
    """The certificate as a search shows it."""
    message = certificate["messages"][0]
    keys = ("certificate_number", "form", "exporting_country", "importing_country", "life")
    return {key: certificate[key] for key in keys} | {
        "receiver": message["party"],
        "message_id": message["message_id"],
        "issue_date": "2026-11-20",
        "delivery": message["delivery"],
        "acknowledgement": "accepted",
        "customs_response": None,
        "submitted_at": "2026-11-21T08:00:00.000Z",
    }


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **members: Any) -> web.Response:
    """An answer as RFC 9457 has it."""
    body = {"type": "about:blank", "title": "Refused", "status": status, "detail": detail, "findings": []}
    return web.Response(
        status=status,
        text=json.dumps(body | members),
        content_type="application/problem+json",
        headers=headers,
    )


@contextmanager
def running(node: NodeThatRemembers) -> Iterator[NodeThatRemembers]:
    """Serve *node* on a loopback port from a thread of its own, so that commands may bring their own loop."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(node.application())

    async def start() -> None:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        node.url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, name="node")
    thread.start()
    try:
        yield node
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
