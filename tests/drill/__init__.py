"""The cluster drill: two gateways on a replicated PostgreSQL whose primary is killed under load."""
