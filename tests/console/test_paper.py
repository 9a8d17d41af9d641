"""A certificate as people read it, from a whole node: who gets it, and that what is attached is proof."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pypdfium2
import pytest
import zxingcpp

from gateway.cli.main import run
from gateway.domain.caller import Role
from tests.console.visits import Scene, sign_in
from tests.exchange.test_specimens import png

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


async def preview(scene: Scene, token: str | None, path: str, **query: str) -> tuple[int, str, bytes]:
    """Status, file name and body of the PDF."""
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{scene.pair.vn.url}/api/v1{path}/preview"
    async with scene.pair.vn.session.get(url, params=query, headers=headers) as answer:
        return answer.status, answer.headers.get("Content-Disposition", ""), await answer.read()


async def test_the_attached_xml_is_verified_by_the_gateways_own_command(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, _, body = await preview(scene, scene.pair.vn.operator.token, scene.through.path)
    with closing(pypdfium2.PdfDocument(body)) as document:
        (tmp_path / "attached.xml").write_bytes(bytes(document.get_attachment(0).get_data()))
    anchor = scene.pair.work / "registry/certs/trust/vn.moit.anchor.pem"

    status = run(
        ["verify", str(tmp_path / "attached.xml"), "--trust", str(anchor), "--at", "2026-11-21T12:00:00Z"]
    )

    assert status == 0, capsys.readouterr()


async def test_the_code_on_paper_leads_to_the_public_check(scene: Scene) -> None:
    _, name, body = await preview(scene, scene.pair.vn.operator.token, scene.through.path, lang="th")
    with closing(pypdfium2.PdfDocument(body)) as document:
        bitmap = document[0].render(scale=2, grayscale=True)
        pixels = memoryview(bytes(bitmap.buffer)).cast("B", (bitmap.height, bitmap.stride))
        (code,) = zxingcpp.read_barcodes(pixels)

    async with scene.pair.vn.session.get(scene.pair.vn.url + urlsplit(code.text).path) as page:
        assert page.status == 200
        assert scene.through.number in await page.text()
    assert name.endswith('_th.pdf"')


async def test_who_sees_a_certificate_gets_it_on_paper(scene: Scene) -> None:
    path, vn = scene.through.path, scene.pair.vn
    seen = {
        "operator": vn.operator,
        "its organisation": vn.as_(Role.ISSUER, organisation="HN"),
        "its exporter": vn.as_(Role.EXPORTER, organisation="HN"),
        "another": vn.as_(Role.EXPORTER, organisation="SG"),
    }

    statuses = {who: (await preview(scene, caller.token, path))[0] for who, caller in seen.items()}
    statuses["in a language that is not there"] = (await preview(scene, vn.operator.token, path, lang="xx"))[
        0
    ]

    assert statuses == {
        "operator": 200,
        "its organisation": 200,
        "its exporter": 200,
        "another": 404,
        "in a language that is not there": 400,
    }


async def test_the_console_shows_it_where_the_certificate_is(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)
    page = await person.open(scene.page(scene.through))

    answer = await person.open(
        page.text.split('hreflang="vi"')[0].rpartition('href="')[2].split('"')[0].replace("&amp;", "&")
    )

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].endswith('_vi.pdf"')


async def test_the_seal_on_the_specimen_list_of_its_day_is_printed(scene: Scene) -> None:
    administrator, record = scene.pair.vn.as_(Role.ADMINISTRATOR), scene.through.record
    path = "/specimens/pictures"
    seal = (await administrator.call("POST", path, content=png(4, 3), kind="image/png")).body["sha256"]
    body = {"name": record["issuing_body"].upper(), "seal": seal}
    told = {"country": "VN", "from": record["issue_date"], "source": "circular 8", "body": [body]}
    assert (await administrator.post("/specimens", told)).status == 201

    _, _, pdf = await preview(scene, scene.pair.vn.operator.token, scene.through.path)

    with closing(pypdfium2.PdfDocument(pdf)) as document:
        assert "not the electronic seal" in document[0].get_textpage().get_text_bounded()
