"""Soak: mixed load over a faulty server for many minutes: `python -m tests.faults.soak --minutes 30`.

Sync, async and streamed calls, through the client and both adapters, ask a local assistant in another process, whose
faults change at random with a seed. Every outcome is a whole answer (compared with the answer before the first fault), a
beginning of it that was left on purpose, or a typed error; anything else fails the run, and so do leaked descriptors,
memory that keeps growing, and what Python tells only the log, such as an unclosed session.
"""
