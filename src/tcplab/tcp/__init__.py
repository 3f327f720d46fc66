"""A TCP (RFC 9293) without input, output, clock, logging or randomness of its own."""
