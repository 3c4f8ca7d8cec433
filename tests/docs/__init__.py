"""The README, the docs and their site, run."""
