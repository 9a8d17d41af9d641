"""
Who we are and who the others are, as of the last time the files were read; every TLS context comes from here.

Windows open and close by themselves, by the clock that is passed in: whoever asks for a context or a key gets
that of the hour. What the files say is read anew on demand, as a whole or not at all: with a fault everything
stays as it was. Connections that are open stay open; new ones are made under what is good now.
"""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from gateway.domain.clock import Clock
from gateway.domain.corridor import Party, with_lists
from gateway.domain.errors import Misconfigured
from gateway.domain.ids import PartyId
from gateway.domain.revocation import ListSource, RevocationList, tried
from gateway.registry.folder import ROOMS, Folder
from gateway.registry.parties import PARTIES, TRUST, LiveParties, load_parties
from gateway.registry.seals import SEALS
from gateway.trust.keys import OpenElsewhere, OwnKey, OwnKeys, load_keys
from gateway.trust.tls import Refusal, client_context, judged, server_context, server_fault, watched

_PATTERNS = (f"{PARTIES}/*.toml", f"{SEALS}/*.toml", f"{TRUST}/*.pem", f"{TRUST}/*.crl")


class Credentials:
    """
    The parties' certificates and our own keys, and the TLS contexts made of them.

    Args:
        parties: what everybody else reads parties from; renewed in place.
        keys: likewise.
        open_elsewhere: see ``load_keys``.
    """

    def __init__(
        self,
        folder: Folder,
        keys_folder: Path,
        *,
        parties: LiveParties,
        home: PartyId,
        keys: OwnKeys,
        clock: Clock,
        open_elsewhere: OpenElsewhere | None = None,
    ) -> None:
        self._load_keys = (
            load_keys if open_elsewhere is None else partial(load_keys, open_elsewhere=open_elsewhere)
        )
        self._folder = folder
        self._keys_folder = keys_folder
        self._parties = parties
        self._home = home
        self.keys = keys
        self._clock = clock
        self._reading = 0
        self._fetched: Mapping[PartyId, Sequence[RevocationList]] = {}
        self._tries: Mapping[PartyId, Mapping[str, ListSource]] = {}
        self._renewing = threading.Lock()
        self._clients: dict[PartyId, tuple[object, ssl.SSLContext]] = {}
        self._server: tuple[object, ssl.SSLContext] | None = None

    @property
    def home(self) -> Party:
        """We, with our certificates as they are registered now."""
        return self._parties[self._home]

    @property
    def others(self) -> Mapping[PartyId, Party]:
        """The parties we exchange with."""
        return {name: party for name, party in self._parties.items() if name != self._home}

    def client(self, party: PartyId) -> ssl.SSLContext:
        """
        How we call *party* now; the same object while nothing changes, so that connections last.

        A new list of its authority is a change: it is held against the server's certificate at a handshake.
        """
        own = self._own_tls()
        lists = tuple((each.source, each.this_update) for each in self._parties[party].lists)
        made_of = (self._reading, own and own.certificate.fingerprint, lists)
        known = self._clients.get(party)
        if known is not None and (own is None or known[0] == made_of):
            return known[1]
        context = self._calling(party, own or self.keys.tls_key(self._clock()))
        self._clients[party] = (made_of, context)
        return context

    def rehearsing(self, party: PartyId, key: OwnKey) -> ssl.SSLContext:
        """How we would call *party* with *key*."""
        return self._calling(party, key)

    def _calling(self, party: PartyId, key: OwnKey) -> ssl.SSLContext:
        context = client_context(key, self._parties[party])
        context.sslobject_class = judged(lambda peer: server_fault(peer, self._parties[party], self._clock()))
        return context

    def server(self, refused: Refusal = lambda _: None) -> ssl.SSLContext:
        """
        How parties call us: to listen with.

        Args:
            refused: told of each handshake that fails.

        Every handshake is led by the context of the hour, into which it is put before a certificate is shown
        or asked for. OpenSSL calls back for that whether or not the client names the host it wants.
        """

        def lead(handshake: ssl.SSLObject, _name: str | None, _listening: ssl.SSLContext) -> None:
            handshake.context = self._server_now()

        listening = server_context(self.keys.tls_key(self._clock()), self.others.values())
        listening.sni_callback = lead
        listening.sslobject_class = watched(refused)
        return listening

    def reread(self) -> tuple[PartyId, ...]:
        """
        Read certificates, windows and keys anew; blocks.

        Anchors, certificates and ways to seal of known parties are taken over; all else of a party's file,
        and parties that came or went, wait for a restart.

        Returns:
            the parties of which anything was changed, ourselves included where our keys were.

        Raises:
            Misconfigured: with every fault; nothing was changed.
        """
        with self._renewing:
            return self._reread()

    def hold_lists(
        self,
        fetched: Mapping[PartyId, Sequence[RevocationList]],
        tries: Mapping[PartyId, Mapping[str, ListSource]],
    ) -> None:
        """
        Hold the lists that were *fetched* against the parties' certificates, beside those of files.

        Args:
            tries: by URL, how each source did last.
        """
        with self._renewing:
            self._fetched, self._tries = fetched, tries
            self._parties.renew({name: self._with_fetched(party) for name, party in self._parties.items()})

    def _with_fetched(self, party: Party) -> Party:
        of_files = (each for each in party.lists if each.fetched_at is None)
        policy = party.revocation
        if policy is not None:
            policy = tried(policy, self._tries.get(party.id, {}))
            # What we sealed ourselves, such as heads of the log, is never put off for want of a list.
            party = replace(party, revocation=replace(policy, hard=policy.hard and party.id != self._home))
        return with_lists(party, (*of_files, *self._fetched.get(party.id, ())))

    def _reread(self) -> tuple[PartyId, ...]:
        found = load_parties(self._folder)
        renewed = {
            name: self._with_fetched(_with_certificates_of(party, found.get(name)))
            for name, party in self._parties.items()
        }
        others = [party for name, party in renewed.items() if name != self._home]
        keys = self._load_keys(self._keys_folder, renewed[self._home], self._clock(), others)
        changed = {name for name, party in renewed.items() if party != self._parties[name]}
        if _prints(keys) != _prints(self.keys):
            changed.add(self._home)
        self._parties.renew(renewed)
        self.keys.renew(keys)
        self._reading += 1
        return tuple(sorted(changed))

    def digests(self) -> Mapping[str, str]:
        """SHA-256 of every file of the registry, and of our certificates whose keys are here; blocks."""
        found = {
            name: hashlib.sha256(path.read_bytes()).hexdigest()
            for room in ROOMS
            for name, path in self._folder.glob(f"{room}/**/*")
        }
        for use, keys in (("sign", self.keys.sign), ("tls", self.keys.tls)):
            found |= {f"key for {use}: {key.certificate.file}": _print(key) for key in keys}
        return found

    def stamp(self) -> frozenset[tuple[str, int, int]]:
        """Name, time and length of every file that is read; whatever changes one changes this."""
        files = [path for pattern in _PATTERNS for _, path in self._folder.glob(pattern)]
        stats = (
            (path, path.stat())
            for path in (*files, *self._keys_folder.glob("*.key"), *self._keys_folder.glob("*.toml"))
        )
        return frozenset((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in stats)

    def _server_now(self) -> ssl.SSLContext:
        own = self._own_tls()
        made_of = (self._reading, own and own.certificate.fingerprint)
        if self._server is None or (own is not None and self._server[0] != made_of):
            context = server_context(own or self.keys.tls_key(self._clock()), self.others.values())
            self._server = (made_of, context)
        return self._server[1]

    def _own_tls(self) -> OwnKey | None:
        """Our key of the hour; None where no window is open: what was good last goes on."""
        try:
            return self.keys.tls_key(self._clock())
        except Misconfigured:
            return None


def _with_certificates_of(party: Party, found: Party | None) -> Party:
    if found is None:
        return party
    return replace(
        party,
        anchor=found.anchor,
        tls_anchor=found.tls_anchor,
        sign=found.sign,
        tls=found.tls,
        revocation=found.revocation,
        lists=found.lists,
        seals=found.seals,
    )


def _print(key: OwnKey) -> str:
    return key.certificate.fingerprint.hex()


def _prints(keys: OwnKeys) -> set[tuple[str, bytes]]:
    signing = {("sign", key.certificate.fingerprint) for key in keys.sign}
    return signing | {("tls", key.certificate.fingerprint) for key in keys.tls}
