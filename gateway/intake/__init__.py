"""The doors: the national API for systems at home, the exchange endpoint for parties abroad."""
