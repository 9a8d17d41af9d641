"""Show people what happened: logs, metrics, health, timelines."""
