"""The genuine message is moved to where a careless verifier finds it, while another is read."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
from lxml import etree

from gateway.domain.errors import SealRefused
from tests.conformance.forge import DS
from tests.conformance.sealed import SEALED, check
from tests.messages import NUMBER


def evil() -> etree._Element:
    """The genuine message with another certificate number, without Signature."""
    root = etree.fromstring(SEALED.replace(NUMBER.encode(), b"VN-TH 66/66/66666"))
    root.remove(root[-1])
    return root


def genuine(*, sealed: bool = True) -> etree._Element:
    root = etree.fromstring(SEALED)
    if not sealed:
        root.remove(root[-1])
    return root


def its_signature() -> etree._Element:
    return etree.fromstring(SEALED)[-1]


def wrapped_1() -> etree._Element:
    """Evil message, genuine Signature, genuine message in an Object of it."""
    root = evil()
    signature = its_signature()
    etree.SubElement(signature, f"{{{DS}}}Object").append(genuine(sealed=False))
    root.append(signature)
    return root


def wrapped_2() -> etree._Element:
    """Genuine message as a sibling before its Signature."""
    root = evil()
    root.append(genuine(sealed=False))
    root.append(its_signature())
    return root


def wrapped_3() -> etree._Element:
    """Genuine message, Signature and all, as the last child of the evil one."""
    root = evil()
    root.append(genuine())
    return root


def wrapped_4() -> etree._Element:
    """Genuine message, Signature and all, inside the evil business document."""
    root = evil()
    root[1].append(genuine())
    return root


def wrapped_5() -> etree._Element:
    """Evil business document in place, the genuine one behind the Signature."""
    root = genuine()
    document = root[1]
    root.replace(document, copy.deepcopy(evil()[1]))
    root.append(document)
    return root


def wrapped_6() -> etree._Element:
    """The Signature in the header, before everything it is read with."""
    root = evil()
    root[0].append(its_signature())
    return root


def wrapped_7() -> etree._Element:
    """Genuine message hidden in a Manifest of the header, Signature last."""
    root = evil()
    manifest = etree.Element(str(root.tag).replace("StandardBusinessDocument", "Manifest"))
    manifest.append(genuine(sealed=False))
    root[0].insert(4, manifest)
    root.append(its_signature())
    return root


def wrapped_8() -> etree._Element:
    """Genuine message in the KeyInfo of its Signature."""
    root = evil()
    signature = its_signature()
    signature[2].append(genuine(sealed=False))
    root.append(signature)
    return root


def twice_signed() -> etree._Element:
    root = genuine()
    root.append(its_signature())
    return root


def evil_root_around() -> etree._Element:
    root = etree.Element("Wrapper")
    root.append(genuine())
    return root


def signature_first() -> etree._Element:
    root = genuine()
    root.insert(0, root[-1])
    return root


def signature_is_root() -> etree._Element:
    return its_signature()


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(attack, id=attack.__name__)
        for attack in (
            wrapped_1,
            wrapped_2,
            wrapped_3,
            wrapped_4,
            wrapped_5,
            wrapped_6,
            wrapped_7,
            wrapped_8,
            twice_signed,
            evil_root_around,
            signature_first,
            signature_is_root,
        )
    ],
)
def test_wrapping_is_refused(attack: Callable[[], etree._Element]) -> None:
    raw = etree.tostring(attack())

    with pytest.raises(SealRefused) as refused:
        check(raw)

    assert refused.value.step in (2, 6)
    assert refused.value.code == "G01"
