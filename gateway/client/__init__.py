"""
A client of the national API, for the systems of issuing and customs authorities; see ``docs/client.md``.

It knows nothing of the gateway but its interface.
"""
