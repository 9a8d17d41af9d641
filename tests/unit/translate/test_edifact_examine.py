"""Whatever comes ends as faults with their places, and as a CONTRL that is sound itself and says where."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import Fault, TooLarge
from gateway.domain.xml import MAX_MESSAGE_BYTES
from gateway.translate.edifact.examine import MAX_SEGMENTS
from gateway.translate.edifact.faults import CAP
from tests.unit.translate.edifact_shipped import SANCRT, SEGMENTS, dialect, examined, segments_of

HEAD = b"UNB+UNOW:4+A+B+20260101:0000+R1'UNH+1+SANCRT:D:01B:UN'BGM+864+X+9'"
TAIL = b"UNT+3+1'UNZ+1+R1'"
ROOM = MAX_MESSAGE_BYTES - len(HEAD) - len(TAIL)

Spoil = Callable[[str], str]


def without(start: str) -> Spoil:
    def spoil(text: str) -> str:
        before, found, rest = text.partition(start)
        return before + rest.partition("'")[2] if found else text

    return spoil


def instead(find: str, put: str) -> Spoil:
    def spoil(text: str) -> str:
        assert find in text
        return text.replace(find, put, 1)

    return spoil


def more(find: str, put: str) -> Spoil:
    """A segment more, and counted."""
    return lambda text: instead(find, put)(text).replace("UNT+27+", "UNT+28+")


def beheaded(text: str) -> str:
    return text[text.index("UNH") :]


# What is done to a sound interchange; the code of 0085 and the place that must be told, and what CONTRL says.
HOSTILE = [
    pytest.param(without("UNT+"), "13", "/Interchange/Message[1]/Segment[26]", "+4+13+UNT'", id="no-unt"),
    pytest.param(without("UNZ+"), "13", "/Interchange/Segment[28]", "+4+13+UNZ'", id="no-unz"),
    pytest.param(without("UNH+"), "33", "/Interchange/Segment[2]", "+4+33+UNB'", id="no-unh"),
    pytest.param(beheaded, "13", "/Interchange", "+4+13+UNB'", id="no-unb"),
    pytest.param(
        instead("UNT+27+", "UNT+99+"),
        "29",
        "/Interchange/Message[1]/Segment[27]/Element[1]",
        "+4+29+UNT+2'",
        id="segments-miscounted",
    ),
    pytest.param(
        instead("UNT+27+", "UNT+27.5+"),
        "29",
        "/Interchange/Message[1]/Segment[27]/Element[1]",
        "+4+29+UNT+2'",
        id="segments-miscounted-by-halves",
    ),
    pytest.param(
        instead("+27+1'", "+27+7'"),
        "28",
        "/Interchange/Message[1]/Segment[27]/Element[2]",
        "+4+28+UNT+3'",
        id="message-reference-differs",
    ),
    pytest.param(
        instead("UNZ+1+", "UNZ+2+"),
        "29",
        "/Interchange/Segment[29]/Element[1]",
        "+4+29+UNZ+2'",
        id="messages-miscounted",
    ),
    pytest.param(
        instead("UNZ+1+", "UNZ+1+X"),
        "28",
        "/Interchange/Segment[29]/Element[2]",
        "+4+28+UNZ+3'",
        id="reference-differs",
    ),
    pytest.param(
        more("DTM+182", "ZZZ+1'DTM+182"),
        "15",
        "/Interchange/Message[1]/Segment[3]",
        "UCS+3+15'",
        id="unknown-segment",
    ),
    pytest.param(
        more("LIN+1'", "LIN+1'BGM+864'"),
        "15",
        "/Interchange/Message[1]/Segment[17]",
        "UCS+17+15'",
        id="segment-out-of-order",
    ),
    pytest.param(
        instead("BGM+864", "BGM+86444"),
        "39",
        "/Interchange/Message[1]/Segment[2]/Element[1]/Component[1]",
        "UCS+2'UCD+39+2:1'",
        id="too-long",
    ),
    pytest.param(
        instead("LOC+35+", "LOC++"),
        "13",
        "/Interchange/Message[1]/Segment[4]/Element[1]",
        "UCS+4'UCD+13+2'",
        id="element-missing",
    ),
    pytest.param(
        instead("+9'", "+9+AB+C+D'"),
        "16",
        "/Interchange/Message[1]/Segment[2]/Element[5]",
        "UCS+2'UCD+16+6'",
        id="too-many-elements",
    ),
    pytest.param(
        instead("CNT+2:1'", "CNT+2:one'"),
        "37",
        "/Interchange/Message[1]/Segment[26]/Element[1]/Component[2]",
        "UCS+26'UCD+37+2:2'",
        id="letters-for-a-number",
    ),
    pytest.param(lambda text: text + "?", "22", "/Interchange/Segment[30]", "+4+22+UNZ'", id="loose-release"),
    pytest.param(lambda text: text[:-1], "22", "/Interchange/Segment[29]", "+4+22+UNZ'", id="unterminated"),
    pytest.param(
        lambda text: text + "UNB+UNOW:4'",
        "33",
        "/Interchange/Segment[30]",
        "+4+33+UNZ'",
        id="something-behind",
    ),
    pytest.param(
        instead("SANCRT:D:01B", "SANCRT:D:96B"),
        "17",
        "/Interchange/Message[1]/Segment[1]/Element[2]",
        "+4+17+UNH+3'",
        id="another-directory",
    ),
    pytest.param(
        instead("UNOW", "UNOY"), "46", "/Interchange/Element[1]/Component[1]", "+4+46+UNB+2:1'", id="charset"
    ),
    pytest.param(
        instead("'UNH", "++++++1'UNH"),
        "25",
        "/Interchange/Segment[1]/Element[11]",
        "+4+25+UNB+12'",
        id="test",
    ),
    pytest.param(
        instead("UNH+1", "UNG+A'UNH+1"), "47", "/Interchange/Segment[2]", "+4+47+UNB'", id="functional-group"
    ),
    pytest.param(
        instead("Mekong", "Mek\tong"), "21", "/Interchange/Message[1]/Segment[8]", "UCS+8+21'", id="tab"
    ),
    pytest.param(
        lambda _: "UNA''''''UNB+UNOW:4", "20", "/Interchange", "+4+20+UNA'", id="una-of-one-character"
    ),
    pytest.param(lambda text: text[:9] + text[10:], "13", "/Interchange", "+4+13+UNB'", id="una-without-unb"),
    pytest.param(
        instead("UNOW:4", "UNOW:9"),
        "2",
        "/Interchange/Element[1]/Component[2]",
        "+4+2+UNB+2:2'",
        id="version",
    ),
    pytest.param(
        lambda text: text[: text.index("CNT")], "13", "/Interchange/Segment[26]", "+4+13+UNZ'", id="cut-off"
    ),
    pytest.param(lambda _: "", "13", "/Interchange", "+4+13+UNB'", id="nothing"),
    pytest.param(
        lambda _: "UNB+UNOW:4+A+B+20260101:0000+R1'UNZ+0+R1'",
        "32",
        "/Interchange/Segment[2]",
        "+4+32+UNZ'",
        id="empty",
    ),
]


def test_the_interchange_to_be_spoilt_is_sound() -> None:
    assert examined(SANCRT.encode()).faults == []
    assert b"+7'" in dialect().contrl(SANCRT.encode())


@pytest.mark.parametrize(("spoil", "code", "path", "answer"), HOSTILE)
def test_a_fault_is_told_with_its_place(spoil: Spoil, code: str, path: str, answer: str) -> None:
    octets = spoil(SANCRT).encode()

    faults = examined(octets).faults

    assert [(fault.code, fault.finding.path) for fault in faults] == [(code, path)]
    assert answer in dialect().contrl(octets).decode()


@pytest.mark.parametrize(("spoil", "code", "path", "answer"), HOSTILE)
@pytest.mark.parametrize("level", ["UNOW", "UNOC"])
def test_the_answer_to_a_faulty_interchange_is_sound_itself(
    level: str, spoil: Spoil, code: str, path: str, answer: str
) -> None:
    octets = dialect(level).contrl(spoil(SANCRT).encode())

    assert examined(octets).faults == []


def test_octets_that_are_no_text_are_told_by_their_place() -> None:
    octets = SANCRT.encode().replace(b"Mekong", b"Mek\xff\xfeong")

    (fault,) = examined(octets).faults

    assert (fault.code, fault.number, fault.fault) == ("21", 9, Fault.UNREADABLE)
    assert b"+4+21+UNB'" in dialect().contrl(octets)


def test_what_a_repertoire_does_not_hold_is_told() -> None:
    text = SANCRT.replace("UNOW:4", "UNOA:3").replace("20260921:0000", "260921:0000")

    faults = examined(text.encode()).faults

    assert {fault.code for fault in faults} == {"21"}
    assert "'r' (U+0072)" in faults[0].text


def test_every_fault_is_told_up_to_the_fiftieth() -> None:
    octets = HEAD + b"ZZZ+1'" * 100 + TAIL

    faults = examined(octets).faults

    assert len(faults) == CAP
    assert examined(dialect().contrl(octets)).faults == []


def test_several_faults_of_one_segment_stand_under_its_place() -> None:
    octets = SANCRT.replace("BGM+864", "BGM+86444").replace("+9'", "+9999'").encode()

    assert b"UCS+2'UCD+39+2:1'UCD+39+4'" in dialect().contrl(octets)


def test_messages_without_fault_are_acknowledged_beside_a_faulty_one() -> None:
    sound = "UNH+1+SANCRT:D:01B:UN'BGM+864+X+9'UNT+3+1'"
    faulty = "UNH+2+SANCRT:D:01B:UN'BGM+864+X+9'UNT+4+2'"
    octets = f"UNB+UNOW:4+A+B+20260101:0000+R1'{sound}{faulty}UNZ+2+R1'".encode()

    answer = segments_of(dialect().contrl(octets))

    assert answer[2:5] == ["UCI+R1+A+B+7", "UCM+1+SANCRT:D:01B:UN+7", "UCM+2+SANCRT:D:01B:UN+4+29+UNT+2"]


def test_a_message_reference_that_stands_twice_is_a_duplicate() -> None:
    message = "UNH+1+SANCRT:D:01B:UN'BGM+864+X+9'UNT+3+1'"
    octets = f"UNB+UNOW:4+A+B+20260101:0000+R1'{message}{message}UNZ+2+R1'".encode()

    assert [(fault.code, fault.message) for fault in examined(octets).faults] == [("26", 2)]


def test_an_answer_goes_back_to_the_sender() -> None:
    answer = segments_of(dialect().contrl(HEAD + TAIL))

    assert answer[0].startswith("UNB+UNOW:4+B+A+20260101:0000+")


@pytest.mark.parametrize(
    "spell",
    [
        pytest.param(lambda text: text.replace("'", "'\r\n"), id="a-line-a-segment"),
        pytest.param(
            lambda text: "\n".join(text[at : at + 35] for at in range(0, len(text), 35)), id="wrapped"
        ),
        pytest.param(lambda text: text[9:], id="without-una"),
        pytest.param(lambda text: "\ufeff" + text, id="byte-order-mark"),
        pytest.param(lambda text: "\r\n " + text.replace("'UNB", "'\r\nUNB"), id="blank-before"),
        pytest.param(lambda text: text.replace("'LIN", "'  LIN"), id="indented"),
        pytest.param(lambda text: text.replace("UNT+27+", "UNT+000027+"), id="zeros-before-a-count"),
    ],
)
def test_other_ways_of_writing_the_same_are_read(spell: Spoil) -> None:
    assert examined(spell(SANCRT).encode()).faults == []


def test_other_service_characters_are_read() -> None:
    text = SANCRT.replace("?: 50?+ boxes, men?'", "").translate(str.maketrans("'+:", "~|^"))

    found = examined(text.replace("UNA^|.?*~", "UNA^|,?*~").encode())

    assert found.faults == []
    assert len(found.messages[0].segments) == SEGMENTS


def filled(unit: bytes, times: int) -> bytes:
    return HEAD + (unit * times)[:ROOM] + TAIL


NEARLY_TOO_LARGE = [
    pytest.param(filled(b"ZZZ+A'", ROOM), id="segments"),
    pytest.param(filled(b"'", ROOM), id="terminators"),
    pytest.param(HEAD + b"FTX+AAI+++" + b"?" * (ROOM - 10) + TAIL, id="releases"),
    pytest.param(HEAD + b"FTX+AAI+++" + b"?+" * ((ROOM - 10) // 2) + TAIL, id="released"),
    pytest.param(HEAD + b"FTX+AAI" + b":" * (ROOM - 7) + TAIL, id="components"),
    pytest.param(HEAD + b"FTX" + b"+" * (ROOM - 3) + TAIL, id="elements"),
    pytest.param(filled(b"\r\n", ROOM), id="line-breaks"),
    pytest.param(bytes(range(256)) * (MAX_MESSAGE_BYTES // 256), id="binary"),
    pytest.param(b" " * MAX_MESSAGE_BYTES, id="spaces"),
    pytest.param(b"UNA" * (MAX_MESSAGE_BYTES // 3), id="una"),
    pytest.param(HEAD + b"\xff" * ROOM, id="no-utf-8"),
    pytest.param(filled(b"LIN+1'PIA+5+1:HS'DOC+380+1'PAC+1'", MAX_SEGMENTS // 4 - 10), id="items"),
    pytest.param(filled(b"LIN+1'" + (b"GIN+Z+" + b"A" * 240 + b"'") * 900, 22), id="long-segments"),
]


def cpu_seconds(octets: bytes) -> float:
    before = time.process_time()
    examined(octets)
    return time.process_time() - before


@pytest.mark.parametrize("octets", NEARLY_TOO_LARGE)
def test_five_megabytes_of_anything_are_answered_in_a_second(octets: bytes) -> None:
    found = examined(octets)

    assert len(octets) <= MAX_MESSAGE_BYTES
    assert found.faults or found.messages
    assert any(cpu_seconds(octets) < 1 for _ in range(5))
    assert examined(dialect().contrl(octets)).faults == []


def test_too_many_segments_are_too_large() -> None:
    (fault,) = examined(filled(b"ZZZ'", MAX_SEGMENTS)).faults

    assert fault.finding.code == Fault.TOO_LARGE


def test_more_octets_than_agreed_are_not_looked_at() -> None:
    with pytest.raises(TooLarge):
        dialect().contrl(b"U" * (MAX_MESSAGE_BYTES + 1))


pieces = st.sampled_from(
    [
        "UNA:+.?*'",
        "UNB+UNOW:4+A+B+20260101:0000+R1'",
        "UNH+1+SANCRT:D:01B:UN'",
        "BGM+864",
        "+",
        ":",
        "'",
        "?",
        "\n",
        *[
            "UNT+3+1'",
            "UNZ+1+R1'",
            "LIN+1'",
            "DTM+182:20260101:102'",
            "é",
            "UNOC:3",
            "UNOA:1",
            "PNA+EX",
            "\x00",
        ],
    ]
)


@given(st.lists(pieces | st.text(max_size=5), max_size=25).map("".join))
def test_no_text_is_beyond_an_answer(text: str) -> None:
    octets = text.encode("utf-8", "replace")

    assert examined(dialect().contrl(octets)).faults == []
    assert examined(dialect("UNOC").contrl(octets)).faults == []


@given(st.integers(0), st.integers(0, 255))
def test_no_flipped_octet_is_beyond_an_answer(at: int, value: int) -> None:
    octets = bytearray(SANCRT.encode())
    octets[at % len(octets)] = value

    assert examined(dialect().contrl(bytes(octets))).faults == []
