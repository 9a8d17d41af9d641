"""
Tells subscribers of events over HTTP, signed, in order, at least once.

``outside`` says which addresses may be called, ``teller`` whose turn it is; what a signature is stands in
``domain.webhook``.
"""
