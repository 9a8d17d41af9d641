"""
The operator console: pages made on the server, for the people who run the exchange.

Every page works without a script: links are links, what changes something is a form that answers 303. What
moves is brought up to date by server-sent events. It reads the ledger and acts on it by the same verbs as the
national API, and who may see what is decided by the same roles.
"""
