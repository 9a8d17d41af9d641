"""``eco-gateway sign`` and ``verify``: the gateway's own seal, on a desk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.failures import CommandFailed, Status, WrongUse
from gateway.cli.files import read_file, write_file
from gateway.cli.moments import judged_at
from gateway.cli.screen import complain, remark, say
from gateway.domain.errors import Misconfigured, Refused
from gateway.domain.seals import ECO_HTTPS
from gateway.registry.folder import over_shipped
from gateway.registry.seals import load_seals
from gateway.settings import read_settings
from gateway.trust.explain import CheckResult, CheckVerdict
from gateway.trust.offline import sign_file, verify_file

_STYLES = {CheckVerdict.PASSED: "green", CheckVerdict.FAILED: "red"}


def sign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A business document or a whole message.")],
    key: Annotated[Path, typer.Option("--key", metavar="PEM", help="The private key, PKCS#8, unencrypted.")],
    certificate: Annotated[
        Path, typer.Option("--certificate", metavar="PEM", help="The certificate of that key.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="Where the result goes.")],
    profile: Annotated[str, typer.Option("--profile", metavar="NAME", help="How to seal.")] = ECO_HTTPS.name,
) -> int:
    """Seal a document as the gateway does."""
    known = load_seals(over_shipped(read_settings().registry))
    if profile not in known:
        raise WrongUse(f"--profile: '{profile}' is not known, only {', '.join(known)}")
    content, key_pem, certificate_pem = read_file(file), read_file(key), read_file(certificate)
    try:
        sealed = sign_file(content, key_pem, certificate_pem, known[profile], at=judged_at(None))
    except Misconfigured as error:
        raise _unusable(error) from None
    except Refused as refused:
        raise CommandFailed(f"{file}: {refused.code}: {refused}") from None
    write_file(output, sealed)
    remark(f"wrote {output}")
    return Status.DONE


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Whatever is sealed.")],
    trust: Annotated[
        list[Path],
        typer.Option("--trust", metavar="PEM", help="Anchors or signing certificates; several may be given."),
    ],
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Judge by this instant or day; else by now.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT", help="Where what was signed goes.")
    ] = None,
) -> int:
    """Tell each numbered check of a seal. Exit status 1, and the number, if one failed."""
    raw, pems = read_file(file), [read_file(path) for path in trust]
    try:
        results, signed = verify_file(raw, pems, judged_at(at))
    except Misconfigured as error:
        raise _unusable(error) from None
    for result in results:
        say(_line(result), style=_STYLES.get(result.verdict))
    failed = next((result for result in results if result.verdict is CheckVerdict.FAILED), None)
    if failed is not None or signed is None:
        what = f"check {failed.step} failed: {failed.detail}" if failed else "nothing was signed"
        complain(f"{file}: {what}")
        return Status.REFUSED
    if output is not None:
        write_file(output, signed)
        remark(f"wrote {output}, only what was signed")
    return Status.DONE


def _line(result: CheckResult) -> str:
    detail = f": {result.detail}" if result.detail else ""
    return f"{result.step}  {result.verdict.value:11}  {result.title}{detail}"


def _unusable(error: Misconfigured) -> WrongUse:
    return WrongUse("\n".join(f"{fault.file}: {fault.fault}" for fault in error.faults))
