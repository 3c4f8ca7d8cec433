"""The store: durability and filters."""
