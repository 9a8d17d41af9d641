"""
Pay what we owe: one lane per party, each with its own window, connections and waits.

``verdict`` judges what an attempt came to and touches nothing; ``lane`` claims, sends and records;
``transports`` put the bytes on the wire. The ledger says what is owed and when it falls due, so a lane keeps
nothing that a restart would miss.
"""
