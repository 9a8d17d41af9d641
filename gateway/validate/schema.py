"""
Hold a document against the XSD of its form.

lxml always decides; it is fast and strict. Only a document that failed is gone through again, to say in plain
words what is wrong with it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from lxml import etree

from gateway.domain.form import Form
from gateway.validate.places import Flaw
from gateway.validate.sources import compiled_schema

if TYPE_CHECKING:
    from gateway.validate.explain import Explanation


class Structure:
    """The XSD of one form, compiled. Not to be shared between threads; the explainer may be."""

    def __init__(self, form: Form, explainer: Explainer) -> None:
        self._schema = compiled_schema(form)
        self._explainer = explainer

    def flaws(self, document: etree._Element) -> list[Flaw]:
        """Every S02 of *document*, in no particular order; empty if it is valid."""
        if self._schema.validate(document):
            return []
        return self._explainer.flaws(document, list(self._schema.error_log))


class Explainer:
    """Explains the failures of one form, one at a time; shared by all threads."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._lock = threading.Lock()
        self._explanation: Explanation | None = None

    def flaws(self, document: etree._Element, log: list[etree._LogEntry]) -> list[Flaw]:
        """See ``Explanation.flaws``."""
        with self._lock:
            if self._explanation is None:
                # Importing it takes longer than all the rest of judging; only a failure pays for that.
                from gateway.validate.explain import Explanation

                self._explanation = Explanation(self._form)
            return self._explanation.flaws(document, log)
