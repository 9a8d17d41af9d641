"""
The code on a certificate: its number in the ledger, sealed so that nobody can guess another.

A code is made when it is wanted and kept nowhere. AES-SIV gives the same number the same code, and what it
did not seal does not open; the key lies in the database, so all nodes agree and a restored database knows the
codes that are printed.
"""

from __future__ import annotations

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from gateway.store.ledger import Ledger

_NUMBER_BYTES = 6
_LENGTH = 36  # characters: 22 bytes in base 32, without padding
_SETTING = "verification_key"


class Codes:
    """
    Makes and reads codes.

    Args:
        key: 32 secret bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def code_of(self, certificate_no: int) -> str:
        """The code of a certificate, capital letters and digits."""
        sealed = self._cipher.encrypt(certificate_no.to_bytes(_NUMBER_BYTES), None)
        return base64.b32encode(sealed).decode().rstrip("=")

    def read(self, code: str) -> int | None:
        """The certificate of *code*, in any case, with any spaces or dashes; None for what we never made."""
        letters = code.replace("-", "").replace(" ", "").upper()
        if len(letters) != _LENGTH or not letters.isascii():
            return None
        try:
            sealed = base64.b32decode(letters + "=" * (-_LENGTH % 8))
            return int.from_bytes(self._cipher.decrypt(sealed, None))
        except (binascii.Error, InvalidTag):
            return None


async def load_codes(ledger: Ledger) -> Codes:
    """The codes of this database; its first node makes the key."""
    kept = await ledger.setting(_SETTING, secrets.token_hex(32))
    assert kept is not None
    return Codes(bytes.fromhex(kept))
