"""The HTTP API: routes, request checks, JSON bodies, streams and the server that runs them."""
