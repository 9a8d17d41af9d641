"""
Seal ours, check theirs, and know by which keys.

Nothing here trusts a certificate because it came with a message: whoever seals, and whoever connects, is
known by the certificates in the party's file, each with the window in which we honour it.
"""
