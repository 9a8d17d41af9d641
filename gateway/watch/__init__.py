"""
The watch: what a person must act on, and when the law's clocks run out.

``troubles`` says what is wrong with a message and ``clocks`` when something is due; both are pure.
``watcher`` looks again and again, one node at a time, and writes exceptions.
"""
