"""The local assistant against the published descriptions."""
