"""The local assistant's HTTP API."""
