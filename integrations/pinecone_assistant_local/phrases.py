"""Verbs of two and three words, as one word that the thesaurus knows: "get rid of" asks for what "dispose" says."""

from __future__ import annotations

import re

# On the left as it is asked, on the right a word for it.
_PHRASES = """
get rid of: dispose
gets rid of: dispose
pass away: die
passed away: died
look after: care
looks after: care
looked after: care
take care of: care
take part: participate
takes part: participate
took part: participated
take place: happen
takes place: happen
took place: happened
take off: remove
put on: wear
put off: postpone
put out: extinguish
give up: quit
give back: return
send back: return
bring back: return
go back: return
come back: return
comes back: return
come home: return
comes home: return
hand in: submit
turn in: submit
turn down: reject
turned down: rejected
turn off: switch
turn on: switch
switch off: stop
switch on: start
set up: install
set off: depart
find out: discover
found out: discovered
fill in: complete
fill out: complete
fill up: fill
log in: login
log on: login
sign in: login
log out: logout
sign up: register
break down: fail
broken down: broken
broke down: failed
pick up: collect
picked up: collected
carry out: perform
cut off: remove
throw away: discard
thrown away: discarded
throw out: discard
call off: cancel
called off: cancelled
run out: empty
ran out: empty
shut down: close
close down: close
call on: visit
grow up: childhood
bring up: raise
made of: material
made from: material
made out of: material
consist of: contain
belong to: own
belongs to: owner
in charge of: responsible
responsible for: responsible
work for: employer
live on: eat
lives on: eats
feed on: eat
feeds on: eats
how come: why
at once: immediately
right away: immediately
at least: minimum
at most: maximum
no longer: stopped
any longer: stopped
all year: annual
these days: today
at the moment: today
in advance: before
on time: punctual
too late: late
for free: free
free of charge: free
by hand: manual
get married: marry
getting married: marry
got married: marry
fall asleep: sleep
fall ill: ill
get hurt: injured
get lost: lost
get to: reach
get in: enter
get into: enter
get off: leave
stay away: avoid
keep away: repel
keep out: repel
go out: leave
go off: explode
go bad: spoil
gone bad: spoiled
go wrong: fail
try out: test
make a living: earn
make money: earn
earn a living: earn
how long ago: age
"""
_MEANINGS = {
    phrase: meaning.strip() for phrase, _, meaning in (line.partition(":") for line in _PHRASES.strip().splitlines())
}
_ANY = re.compile(rf"\b(?:{'|'.join(sorted(_MEANINGS, key=len, reverse=True))})\b")


def meanings_in(text: str) -> dict[str, str]:
    """The phrases of a text that say what one word says, each with that word."""
    return {found[0]: _MEANINGS[found[0]] for found in _ANY.finditer(text.lower())}
