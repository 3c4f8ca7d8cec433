"""`examples/ray_batch.py` on a real Ray with two workers; run by `make ray` in an environment of its own."""
