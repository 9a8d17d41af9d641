"""Ways to a party's door. Each is one class with ``send``; the party's file names it."""
