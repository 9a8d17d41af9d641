"""Who somebody is: tokens of an OpenID Connect issuer, client certificates, people at the console."""
