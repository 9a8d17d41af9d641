"""Certificates and acknowledgements in OASIS UBL 2.1, both ways."""
