"""What other clients do where this package does better; the README and docs cite these."""
