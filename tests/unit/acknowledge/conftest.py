"""A shared machine may be slow for a moment: how long one example takes proves nothing here."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
