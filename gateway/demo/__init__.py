"""Four real gateways on this machine, exchanging certificates; nothing imports it but __main__."""
