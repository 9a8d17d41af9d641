"""A year of certificates, the clock passed in: what happens, what the law says, and the ledger beside it."""
