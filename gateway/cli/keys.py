"""
``eco-gateway keys``: our own keys and everybody's certificates, with the windows in which they count.

They are files of the machine on which the node runs, and so are worked on there. A running node takes changes
over by itself within seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.cli.failures import CommandFailed, Status, WrongUse
from gateway.cli.files import read_file, write_file
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.screen import print_json, remark, say, table
from gateway.cli.windows import PartyPaper
from gateway.domain.clock import rfc3339
from gateway.domain.corridor import Party, RegisteredCertificate
from gateway.domain.errors import Misconfigured
from gateway.domain.ids import PartyId
from gateway.observe.credentials import ends_of
from gateway.registry.folder import over_shipped
from gateway.registry.parties import load_parties
from gateway.settings import Settings, read_instant, read_settings
from gateway.signers.elsewhere import KeyElsewhere
from gateway.signers.files import open_key
from gateway.trust.chain import UNREADABLE
from gateway.trust.keys import Elsewhere, PrivateKey, belongs, read_key
from gateway.trust.make import Kind, make_key, make_request, write_key

keys = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

USES = ("sign", "tls")
_DAY_S = 86_400

PartyOption = Annotated[
    str | None, typer.Option("--party", metavar="PARTY", help="Whose certificate; else our own.")
]


@keys.callback()
def _keys() -> None:
    """Our keys and everybody's certificates with their windows. Works on the files of this machine."""


@keys.command("list")
def list_(as_json: AsJson = False) -> int:
    """Every certificate with its window, how long it lasts, and whether its key is here."""
    settings, home = _installation()
    now = settings.make_clock()()
    parties = load_parties(over_shipped(settings.registry))
    ours = _own_keys(settings, parties[home]) if home in parties else []
    rows = [
        _row(party, use, each, ours if party.id == home else None, now)
        for party in sorted(parties.values(), key=lambda party: (party.id != home, party.id))
        for use, each in _certificates(party)
    ]
    if as_json:
        print_json(rows)
        return Status.DONE
    headings = ("party", "use", "status", "until", "days", "key", "file")
    cells = [
        (r["party"], r["use"], r["status"], r["to"][:10], r["days"], r["key"] or "", r["file"]) for r in rows
    ]
    table(headings, cells, right=[4])
    return Status.DONE


@keys.command("new")
def new(
    use: Annotated[str, typer.Argument(metavar="sign|tls", help="What the key is for.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Its file: sign-NAME.key.")],
    kind: Annotated[
        Kind | None, typer.Option("--kind", help="RSA for seals, P-256 for TLS by default.")
    ] = None,
) -> int:
    """Make a private key, and the request with which an authority issues its certificate."""
    if use not in USES or not name.replace("-", "").replace(".", "").isalnum():
        raise WrongUse("say 'sign' or 'tls', and a name of letters, digits, dots and hyphens")
    settings, home = _installation()
    party = _party(settings, home)
    private = make_key(kind or (Kind.RSA if use == "sign" else Kind.ECDSA))
    folder = settings.keys_folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{use}-{name}.key"
    try:
        write_key(path, private)
    except FileExistsError:
        raise CommandFailed(f"{path} is there already; keys are never written over") from None
    request = path.with_suffix(".csr")
    write_file(request, make_request(party, use, private))
    say(f"wrote {path}")
    say(f"wrote {request}")
    remark(
        "Have the request's certificate issued, then: eco-gateway keys schedule CERTIFICATE.pem --from TIME"
    )
    return Status.DONE


@keys.command("schedule")
def schedule(
    certificate: Annotated[Path, typer.Argument(metavar="CERTIFICATE.pem", help="As it was issued.")],
    begins: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="When it begins to count; else now.")
    ] = None,
    ends: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="When it ends to; else with itself.")
    ] = None,
    party: PartyOption = None,
    use: Annotated[
        str | None, typer.Option("--use", metavar="sign|tls", help="For another party's certificate.")
    ] = None,
) -> int:
    """Register a certificate with its window, beside those that are there."""
    settings, home = _installation()
    issued = _read_certificate(certificate)
    use = use or _use_of(issued, settings, _party(settings, home))
    if use not in USES:
        raise WrongUse("no key of ours belongs to this certificate; say --party and --use sign or tls")
    paper = PartyPaper(_own_registry(settings), party or home)
    begin = _instant("--from", begins) or settings.make_clock()()
    end = _instant("--to", ends) or issued.not_valid_after_utc
    name = f"{paper.party.lower()}.{use}-{issued.serial_number % 16**8:08x}.pem"
    text = paper.with_window(use, name, begin, end)
    content = {name: issued.public_bytes(Encoding.PEM)}
    paper.judged(text, content)
    paper.write(text, content)
    say(f"{paper.party}: {use} certificate {name} counts from {rfc3339(begin)} to {rfc3339(end)}")
    remark("A running node takes it in within seconds. Tell the parties, so that they register it in time.")
    return Status.DONE


@keys.command("retire")
def retire(
    file: Annotated[str, typer.Argument(metavar="FILE", help="As 'keys list' names it.")],
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="When; else now.")] = None,
    party: PartyOption = None,
) -> int:
    """Close a certificate's window early. Never the last one of ours."""
    settings, home = _installation()
    paper = PartyPaper(_own_registry(settings), party or home)
    when = _instant("--at", at) or settings.make_clock()()
    known = _party(settings, paper.party)
    found = [(use, each) for use, each in _certificates(known) if each.file == file]
    if len(found) != 1:
        raise CommandFailed(f"{paper.party} has {len(found)} windows of {file}; see 'keys list'")
    (use, window), *_ = found
    if not window.valid_from < when < window.valid_to:
        raise CommandFailed(f"{file} counts from {rfc3339(window.valid_from)} to {rfc3339(window.valid_to)}")
    text = paper.closed(use, file, when)
    after = paper.judged(text, {})
    if paper.party == home and not _serves(after, use, when, _own_keys(settings, known)):
        raise CommandFailed(f"no other {use} certificate with a key here counts at {rfc3339(when)}")
    paper.write(text, {})
    say(f"{paper.party}: {use} certificate {file} counts until {rfc3339(when)}")
    return Status.DONE


@keys.command("rehearse")
def rehearse(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="Whose gateway is asked.")],
    to: To = None,
    as_json: AsJson = False,
) -> int:
    """Would our certificates, scheduled ones too, count at a party? Its gateway answers; nothing changes."""
    answer = on_node(to, lambda node: node.steer("rehearse", party, {}))
    if not answer.is_good:
        raise CommandFailed(f"{party}: {answer.words}")
    told = answer.body["certificates"]
    if as_json:
        print_json(answer.body)
    else:
        for each in told:
            step = "" if each["step"] is None else f"step {each['step']}, "
            verdict = "counts" if each["counts"] else f"{step}{each['cause']}"
            say(f"{each['use']:4}  {each['file']}  from {each['as_of']}: {verdict}")
    return Status.DONE if all(each["counts"] for each in told) else Status.REFUSED


# ---- reading -----------------------------------------------------------------------------------------------


def _installation() -> tuple[Settings, PartyId]:
    settings = read_settings()
    if settings.home is None:
        raise WrongUse("say which party we are with ECO_GATEWAY_HOME")
    return settings, settings.home


def _own_registry(settings: Settings) -> Path:
    if settings.registry is None:
        raise WrongUse("say where our own registry is with ECO_GATEWAY_REGISTRY")
    return settings.registry


def _party(settings: Settings, party: PartyId) -> Party:
    known = load_parties(over_shipped(settings.registry)).get(party)
    if known is None:
        raise CommandFailed(f"no party {party} under mappings/parties/")
    return known


def _own_keys(settings: Settings, home: Party) -> list[tuple[str, PrivateKey | Elsewhere]]:
    """Every key that can be read, with its use."""
    found: list[tuple[str, PrivateKey | Elsewhere]] = []
    for path in sorted(settings.keys_folder.glob("*.key")):
        try:
            found.append((path.name.partition("-")[0], read_key(path)))
        except Misconfigured as error:
            remark(f"note: {error}")
    for path in sorted(settings.keys_folder.glob("sign-*.toml")):
        try:
            found += (("sign", key.private) for key in open_key(path, home.sign))
        except Misconfigured as error:
            remark(f"note: {error}")
    return found


def _certificates(party: Party) -> Iterator[tuple[str, RegisteredCertificate]]:
    yield from (("sign", each) for each in party.sign)
    yield from (("tls", each) for each in party.tls)


def _row(
    party: Party,
    use: str,
    each: RegisteredCertificate,
    ours: Sequence[tuple[str, PrivateKey | Elsewhere]] | None,
    now: datetime,
) -> dict[str, Any]:
    here = [key for kind, key in ours or () if kind == use and belongs(key, each.certificate)]
    return {
        "party": party.id,
        "use": use,
        "file": each.file,
        "fingerprint": each.fingerprint.hex(),
        "subject": each.certificate.subject.rfc4514_string(),
        "from": rfc3339(each.valid_from),
        "to": rfc3339(ends_of(each)),
        "days": int((ends_of(each) - now).total_seconds() // _DAY_S),
        "status": "scheduled" if now < each.valid_from else "active" if now < ends_of(each) else "ended",
        "key": None if ours is None else _place(here),
    }


def _place(keys: Sequence[PrivateKey | Elsewhere]) -> str:
    """Where the key of a certificate lies: in a file here, in a token, behind a service, or not here."""
    if not keys:
        return "not here"
    first = keys[0]
    return str(first.place) if isinstance(first, KeyElsewhere) else "here"


def _serves(party: Party, use: str, at: datetime, ours: Sequence[tuple[str, PrivateKey | Elsewhere]]) -> bool:
    return any(
        kind == use
        and each.covers(at)
        and any(belongs(key, each.certificate) for name, key in ours if name == use)
        for kind, each in _certificates(party)
    )


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(read_file(path))
    except UNREADABLE:
        raise CommandFailed(f"{path} holds no PEM certificate") from None


def _use_of(certificate: x509.Certificate, settings: Settings, home: Party) -> str | None:
    uses = {use for use, key in _own_keys(settings, home) if belongs(key, certificate)}
    return next(iter(uses)) if len(uses) == 1 else None


def _instant(option: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else read_instant(text)
    except ValueError as error:
        raise WrongUse(f"{option}: {error}") from None
