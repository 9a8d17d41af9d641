"""
The project's own benchmark: two real gateways, in turns with a straight line that does the same work.

Read ``__main__`` for the order of a benchmark and ``run`` for what one measured run is.
"""
