"""
The development issuer: signs bearer tokens for demonstrations and tests with a key of its own.

Its key lies beside the data of a node, made once and readable by its owner alone. Where an OpenID Connect
issuer is set, this one is neither asked nor believed.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey

from gateway.domain.caller import Role
from gateway.domain.clock import Clock
from gateway.domain.ids import PartyId

ISSUER = "urn:eco-gateway:development-issuer"
ALGORITHM = "ES256"
KEY_FILE = "development-issuer.key"
DEFAULT_TTL_S = 8 * 3600


def mint(
    data_dir: Path,
    home: PartyId,
    roles: Iterable[Role],
    organisation: str | None,
    ttl_s: int,
    clock: Clock,
) -> str:
    """
    Sign a bearer token for the national API of *home*; needs no running node.

    Args:
        data_dir: where the issuer's key lies; folder and key are made if there are none.
        organisation: what an issuer or exporter is bound to; None binds to nothing.
        ttl_s: for how many seconds from now, by *clock*, the token counts.
    """
    key = _key(data_dir)
    names = sorted(set(roles))
    issued_at = int(clock().timestamp())
    claims: dict[str, object] = {
        "iss": ISSUER,
        "aud": home,
        "sub": "+".join(names) + (f"@{organisation}" if organisation else ""),
        "roles": [str(name) for name in names],
        "iat": issued_at,
        "exp": issued_at + ttl_s,
    }
    if organisation:
        claims["org"] = organisation
    return jwt.encode({"alg": ALGORITHM, "kid": key.thumbprint()}, claims, key, algorithms=[ALGORITHM])


def public_jwk(data_dir: Path) -> str:
    """
    The issuer's public key as a JSON Web Key, the same text every time.

    A node keeps it in the database, where the first one counts: nodes of one database agree on one issuer.
    """
    key = _key(data_dir)
    return json.dumps({**key.as_dict(private=False), "kid": key.thumbprint()}, sort_keys=True)


def _key(data_dir: Path) -> ECKey:
    """The issuer's key; made when there is none. Of two processes that make one at once, the first counts."""
    path = data_dir / KEY_FILE
    with contextlib.suppress(FileNotFoundError):
        return ECKey.import_key(path.read_bytes())
    data_dir.mkdir(parents=True, exist_ok=True)
    made = ECKey.generate_key("P-256").as_pem(private=True)
    draft = data_dir / f".{KEY_FILE}.{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(made)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    return ECKey.import_key(path.read_bytes())
