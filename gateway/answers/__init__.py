"""
Everything that is said about a certificate after it was sent, and how it moves what the ledger knows.

Each answer takes one page of the ledger: lock the certificate, judge with the pure functions of
``acknowledge``, write the message with its effects, owe our own acknowledgement of it. ``incoming`` does this
for what parties say, ``outgoing`` for what the home side says; ``desk`` is what both share.
"""
