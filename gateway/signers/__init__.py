"""
Our signing keys that lie elsewhere: in tokens reached by PKCS #11, or behind signing services.

Such a key is never seen here. It is asked for a signature, and what it answers is held against its
certificate before it goes into a seal; a key that cannot be asked, or answers wrongly, seals nothing.
"""
