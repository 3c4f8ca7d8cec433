"""Everything but asking: files, operations, assistants, evaluation, sync.

Each procedure (upload a file and wait for it, delete one, bring a folder in line) is written once, as a generator that yields
effects: "send this request", "sleep", "read that file". `driving.py` performs the effects, sync or async. So the decisions
are the same for both clients, and can be tested without a network.
"""
