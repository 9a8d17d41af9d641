"""Where a key lies in a token: the ``pkcs11:`` URIs of RFC 7512, as far as they name one private key."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_PATH = {"token", "serial", "manufacturer", "model", "object", "id", "type"}
_SECRET = {"pin-value", "pin-source"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUri:
    """
    The parts of the URI that are looked for; None matches anything.

    Attributes:
        module: the PKCS #11 library on this machine.
        label: of the key object.
    """

    module: str
    token: str | None = None
    serial: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    label: str | None = None
    id: bytes | None = None


def read_uri(text: str) -> KeyUri:
    """
    Read a ``pkcs11:`` URI.

    Raises:
        ValueError: with words for an operator: it is none, names no token, no key, no module or an attribute
            that is not known, or carries a PIN, which never stands in configuration.
    """
    scheme, _, rest = text.partition(":")
    if scheme != "pkcs11":
        raise ValueError("is no pkcs11: URI, such as pkcs11:token=eco;object=seal?module-path=/usr/lib/…")
    path, _, query = rest.partition("?")
    found = _attributes(path, ";")
    asked = _attributes(query, "&")
    if _SECRET & (found.keys() | asked.keys()):
        raise ValueError("a PIN, or where it is, does not stand in the URI: use pin_file or pin_env")
    if unknown := sorted((found.keys() - _PATH) | (asked.keys() - {"module-path"})):
        raise ValueError(f"the attribute {unknown[0]!r} is not known")
    if found.get("type", b"private") != b"private":
        raise ValueError("names no private key: type must be private, or left out")
    if "module-path" not in asked:
        raise ValueError("does not say which library reaches the token: ?module-path=/usr/lib/….so")
    if not {"token", "serial"} & found.keys() or not {"object", "id"} & found.keys():
        raise ValueError("must name the token (token or serial) and the key (object or id)")
    texts = {name: value.decode() for name, value in found.items() if name != "id"}
    return KeyUri(
        module=asked["module-path"].decode(),
        token=texts.get("token"),
        serial=texts.get("serial"),
        manufacturer=texts.get("manufacturer"),
        model=texts.get("model"),
        label=texts.get("object"),
        id=found.get("id"),
    )


def _attributes(text: str, between: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in text.split(between) if text else ():
        name, equals, value = part.partition("=")
        if not equals or name in found:
            raise ValueError(f"the part {part[:40]!r} is not read: attributes are name=value, each once")
        found[name] = unquote_to_bytes(value)
    return found
