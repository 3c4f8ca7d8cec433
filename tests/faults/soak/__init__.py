"""Soak: mixed load over a faulty server for many minutes: `python -m tests.faults.soak --minutes 30`.

Sync, async and streamed calls, through the client and both adapters, ask a local assistant in another process. Its faults
change at random, from a seed. Every outcome must be a whole answer (compared with the answer before the first fault), a
stream that was left early on purpose, or a typed error. Anything else fails the run, and so do leaked descriptors, memory
that keeps growing, and complaints that Python only logs, such as an unclosed session.
"""
