"""
Answers: receipts and exceptions on the wire, acknowledgements and customs responses after it.

Three layers that never mix. ``signals`` writes and reads what is answered at once, ``reading`` judges what
a party answered us; ``bodies`` are the documents that travel as messages of their own, ``posted`` the same
as JSON at the national API, ``schema`` holds them against their XSD; ``judging``, ``utilisation`` and
``lives`` say what an answer means for what the ledger knows. Everything here is a pure function.
"""
