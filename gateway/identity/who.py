"""The parts by which a node knows who somebody is, put together from its settings."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.domain.caller import Caller
from gateway.domain.clock import Clock
from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.domain.ids import PartyId
from gateway.identity.grants import Grants, load_grants
from gateway.identity.provider import Provider
from gateway.identity.proving import Prove, development_tokens, prover, tokens_of
from gateway.identity.signing_in import Client, SignIns
from gateway.settings import Settings
from gateway.store.ledger import Ledger

CALLBACK = "/console/signed-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """
    Who may come in, and how.

    Attributes:
        prove: finds out who calls the national API.
        sign_ins: the door for people.
        token_of_development: checks a token of the development issuer; None where a real issuer is set.
        provider: the issuer's URL, or None.
        tls: with which the national port is opened; None leaves it plain, behind the operator's own TLS.
    """

    prove: Prove
    sign_ins: SignIns
    token_of_development: Callable[[str], Awaitable[Caller]] | None
    provider: str | None
    tls: ssl.SSLContext | None


def development_identity(
    settings: Settings, ledger: Ledger, clock: Clock, verify: Callable[[str], Caller]
) -> Identity:
    """Everybody who holds a token of the development issuer, and who shows a certificate that is named."""
    grants = load_grants(settings.roles)
    tokens = development_tokens(verify)
    return Identity(
        prove=prover(tokens, grants),
        sign_ins=SignIns(ledger, clock, grants),
        token_of_development=tokens,
        provider=None,
        tls=national_tls(settings),
    )


def issuer_identity(
    settings: Settings, ledger: Ledger, clock: Clock, home: PartyId, provider: Provider
) -> Identity:
    """Everybody for whom the issuer vouches, and who shows a certificate that is named."""
    grants: Grants = load_grants(settings.roles)
    secret = settings.client_secret
    client = Client(
        client_id=settings.client_id,
        secret=None if secret is None else secret.get_secret_value(),
        redirect_uri=settings.browser_url + CALLBACK,
    )
    return Identity(
        prove=prover(tokens_of(provider, grants, home, clock), grants),
        sign_ins=SignIns(ledger, clock, grants, provider=provider, client=client),
        token_of_development=None,
        provider=provider.issuer,
        tls=national_tls(settings),
    )


def national_tls(settings: Settings) -> ssl.SSLContext | None:
    """
    TLS of the national port, as the settings say; a client may show a certificate and need not.

    Raises:
        Misconfigured: a file is missing or OpenSSL does not take it.
    """
    if settings.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
        if settings.tls_clients is not None:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(settings.tls_clients)
    except (ssl.SSLError, OSError) as error:
        fault = RegistryFault(settings.tls_certificate.name, "-", f"OpenSSL does not take it: {error}")
        raise Misconfigured((fault,)) from None
    return context
