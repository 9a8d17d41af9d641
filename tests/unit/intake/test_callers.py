from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from gateway.domain.caller import Caller, Role
from gateway.domain.ids import PartyId
from gateway.intake.callers import NotProven, bearer, verifier
from gateway.intake.issuer import ALGORITHM, ISSUER, mint, public_jwk

HOME = PartyId("VN.MOIT")
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
KEY = ECKey.generate_key("P-256")
PUBLIC = json.dumps(KEY.as_dict(private=False))
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": HOME,
    "sub": "s",
    "roles": ["issuer"],
    "iat": SECONDS,
    "exp": SECONDS + 60,
}


def verify_at(at: datetime = NOW) -> Callable[[str], Caller]:
    return verifier(PUBLIC, HOME, lambda: at)


def signed(claims: dict[str, Any], key: ECKey = KEY) -> str:
    return jwt.encode({"alg": ALGORITHM}, claims, key, algorithms=[ALGORITHM])


def unsigned(claims: dict[str, Any], **header: Any) -> str:
    parts = ({"typ": "JWT", **header}, claims)
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


def by_shared_secret() -> str:
    """The classic confusion: the public key, which everybody knows, used as the secret of a MAC."""
    text = unsigned(CLAIMS, alg="HS256")
    mac = hmac.digest(KEY.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{urlsafe_b64encode(mac).decode().rstrip('=')}"


def test_a_token_of_our_issuer_is_its_caller() -> None:
    caller = verify_at()(signed({**CLAIMS, "org": "DGFT"}))

    assert caller == Caller(subject="s", roles=frozenset({Role.ISSUER}), organisation="DGFT")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("nonsense", id="no-token-at-all"),
        pytest.param("a.b.c", id="three-parts-of-nothing"),
        pytest.param(unsigned(CLAIMS, alg="none") + ".", id="alg-none"),
        pytest.param(unsigned(CLAIMS, alg=ALGORITHM) + ".", id="signature-left-out"),
        pytest.param(unsigned(CLAIMS, alg=ALGORITHM), id="two-parts"),
        pytest.param(by_shared_secret(), id="public-key-as-secret"),
        pytest.param(signed(CLAIMS, ECKey.generate_key("P-256")), id="key-of-another-issuer"),
        pytest.param(signed({**CLAIMS, "iss": "https://issuer.example"}), id="another-issuer"),
        pytest.param(signed({**CLAIMS, "aud": "TH.CUSTOMS"}), id="another-audience"),
        pytest.param(signed({**CLAIMS, "aud": None}), id="no-audience"),
        pytest.param(signed({**CLAIMS, "exp": SECONDS}), id="expired-this-second"),
        pytest.param(signed({k: v for k, v in CLAIMS.items() if k != "exp"}), id="without-an-end"),
        pytest.param(signed({**CLAIMS, "exp": "tomorrow"}), id="end-that-is-no-number"),
        pytest.param(signed({**CLAIMS, "nbf": SECONDS + 3600}), id="not-yet-valid"),
        pytest.param(signed({**CLAIMS, "sub": ""}), id="without-a-subject"),
        pytest.param(signed({**CLAIMS, "roles": "operator"}), id="roles-that-are-no-list"),
        pytest.param(signed({**CLAIMS, "org": 7}), id="organisation-that-is-no-name"),
    ],
)
def test_whatever_does_not_hold_proves_nobody(token: str) -> None:
    with pytest.raises(NotProven):
        verify_at()(token)


def test_every_changed_character_of_a_token_breaks_it() -> None:
    token = signed(CLAIMS)
    verify = verify_at()

    for place in range(0, len(token) - 1, 7):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(NotProven):
            verify(token[:place] + other + token[place + 1 :])


def test_a_token_that_was_good_ends_on_its_second(tmp_path: Path) -> None:
    now = NOW
    token = mint(tmp_path, HOME, [Role.CUSTOMS], None, 60, lambda: NOW)
    verify = verifier(public_jwk(tmp_path), HOME, lambda: now)
    assert verify(token).roles == {Role.CUSTOMS}

    now = NOW + timedelta(seconds=60)

    with pytest.raises(NotProven, match="expired"):
        verify(token)


def test_a_clock_slightly_behind_the_issuers_is_forgiven() -> None:
    token = signed({**CLAIMS, "nbf": SECONDS + 30})

    assert verify_at()(token).subject == "s"


def test_a_role_nobody_knows_gives_no_right() -> None:
    assert verify_at()(signed({**CLAIMS, "roles": ["king", "issuer", 7]})).roles == {Role.ISSUER}


def test_several_audiences_may_be_named() -> None:
    assert verify_at()(signed({**CLAIMS, "aud": ["TH.CUSTOMS", HOME]})).subject == "s"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "token"])
def test_a_header_without_a_bearer_token_proves_nobody(header: str | None) -> None:
    with pytest.raises(NotProven):
        bearer(header)


def test_the_scheme_is_read_in_any_case() -> None:
    assert bearer("bEaReR  abc ") == "abc"
