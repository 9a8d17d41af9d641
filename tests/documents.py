"""Documents as nobody would write them by hand: odd prefixes, white space, scripts, quotes, comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from hypothesis import strategies as st

# "ds" and the XML-DSig namespace stand there on purpose: a seal must not trip over a document that uses them.
_PREFIXES = ("", "a", "b", "ds", "x-1")
_NAMESPACES = (
    "urn:one",
    "urn:two:%C3%A9",
    "http://example.org/?a=1;b='2'",
    "http://www.w3.org/2000/09/xmldsig#",
)
ASCII_NAMES = ("Item", "Reference", "id", "x.y", "_")
NAMES = (*ASCII_NAMES, "名", "código")
_WHITE = ("", " ", "\n", "\r\n\t", "  \n")

_texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\ufffe\uffff", exclude_categories=["Cs", "Cc"])
    | st.sampled_from("\t\n\r<>&\"' ]"),
    max_size=12,
)
_comments = st.sampled_from(["<!---->", "<!-- VN<a>&b -->", "<?note a<b?>", "<?n?>", "<![CDATA[<a>&]]>"])


@st.composite
def xml_documents(draw: st.DrawFn, *, names: Sequence[str] = NAMES) -> bytes:
    """
    A well-formed document in UTF-8, with or without declaration, byte order mark, comments around.

    *names* are those of elements and attributes; ``ASCII_NAMES`` for a reader that knows no others.
    """
    root = draw(_element({"": "urn:root"}, names, depth=3, is_root=True))
    before = draw(st.sampled_from(["", "<?xml version='1.0' encoding='utf-8'?>", '<?xml version="1.0"?>\n']))
    around = draw(st.sampled_from(["", "\n", "<!-- around -->", "\n<!-- around -->\r\n"]))
    mark = draw(st.sampled_from(["", "\ufeff"]))
    return f"{mark}{before}{around}{root}{around}".encode()


@st.composite
def _element(
    draw: st.DrawFn, scope: Mapping[str, str], names: Sequence[str], *, depth: int, is_root: bool = False
) -> str:
    declared = draw(st.dictionaries(st.sampled_from(_PREFIXES), st.sampled_from(_NAMESPACES), max_size=2))
    if draw(st.booleans()) and not is_root:
        declared[""] = ""
    if is_root:
        declared = dict(scope) | declared
    inside = {**scope, **declared}
    prefix = draw(st.sampled_from(sorted(inside)))
    name = draw(st.sampled_from(names))
    tag = f"{prefix}:{name}" if prefix else name
    attributes = [f"xmlns{':' + each if each else ''}={_quoted(draw, uri)}" for each, uri in declared.items()]
    attributes += draw(_attributes(inside, names))
    gap = draw(st.sampled_from([" ", "\n ", "\t"]))
    opening = tag + "".join(gap + each for each in draw(st.permutations(attributes)))
    content = draw(_content(inside, names, depth=depth))
    if not content and draw(st.booleans()):
        return f"<{opening}{draw(st.sampled_from(_WHITE))}/>"
    return f"<{opening}>{content}</{tag}>"


@st.composite
def _attributes(draw: st.DrawFn, scope: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """No name twice, whatever the prefix: two prefixes may mean one namespace."""
    chosen = draw(st.lists(st.sampled_from([*names, "xml:lang", "xml:space"]), unique=True, max_size=3))
    written = []
    for name in chosen:
        prefix = draw(st.sampled_from(["", *(each for each in sorted(scope) if each)]))
        full = f"{prefix}:{name}" if prefix and ":" not in name else name
        value = draw(st.sampled_from(["preserve", "default"])) if name == "xml:space" else draw(_texts)
        written.append(f"{full}={_quoted(draw, value)}")
    return written


@st.composite
def _content(draw: st.DrawFn, scope: Mapping[str, str], names: Sequence[str], *, depth: int) -> str:
    pieces: list[st.SearchStrategy[str]] = [_texts.map(_written), st.sampled_from(_WHITE), _comments]
    if depth:
        pieces.append(_element(scope, names, depth=depth - 1))
    return "".join(draw(st.lists(st.one_of(pieces), max_size=4)))


def _written(text: str) -> str:
    return escape(text, {"\r": "&#13;"})


def _quoted(draw: st.DrawFn, value: str) -> str:
    mark: str = draw(st.sampled_from("'\""))
    entities = {"\r": "&#xD;", "\n": "&#10;", "\t": "&#9;", mark: "&apos;" if mark == "'" else "&quot;"}
    return mark + escape(value, entities) + mark
