"""Transports: the only code that touches the network. Plain data in and out; library exceptions stay inside."""
