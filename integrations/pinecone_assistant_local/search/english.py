"""Words that mean the same: `remove` in a question matches `delete` in a text.

The list is short and general on purpose: it was written before the quality set in tests/local/quality, and must not be
fitted to that set. The kind of thing that a question asks for is decided in expectations.py, not here.
"""

from __future__ import annotations

from ..text.words import Stems

# Each line holds words that may replace each other.
_GROUPS = """
height tall high altitude elevation taller
maximum max greatest largest highest biggest peak
minimum min least smallest lowest
length long longest
width wide broad breadth across diameter
depth deep deepest
weight weigh heavy mass heaviest
age old lifespan longevity lifetime
speed fast velocity quick rapid
price cost fee charge expensive rate
begin start commence
found establish create launch
end finish conclude stop
build construct erect
make produce manufacture
buy purchase order
big large huge
small little tiny
repair fix
remove delete erase
change modify alter edit
allow permit
forbid prohibit ban
require need must necessary
job work occupation
doctor physician
car vehicle automobile
film movie
illness disease sickness
pick choose select
near close nearby
refund reimburse reimbursement
location located place situated
live inhabit habitat dwell reside
eat feed diet food
size large big dimension
colour color
author write written wrote writer
invent inventor invention
discover discovery discoverer
born birth birthplace
die death died dead
capacity hold
area cover square
population people inhabitant
temperature hot cold warm degree
employee staff worker
holiday vacation leave
error fault failure
rule policy
company firm business
help assist support
phone telephone
mail email
"""


class Synonyms:
    """Stems that may replace another stem.

    Args:
        stems: Gives words the index's stems.
    """

    def __init__(self, stems: Stems) -> None:
        self._by_stem: dict[str, dict[str, str]] = {}
        for line in (_GROUPS + IRREGULAR_FORMS).split("\n"):
            words = line.split()
            group = dict(zip(stems.of(words), words, strict=True))
            for stem in group:
                self._by_stem.setdefault(stem, {}).update(group)

    def of(self, stem: str) -> dict[str, str]:
        """The stems that may replace this one, each with a word that has that stem."""
        return {other: word for other, word in self._by_stem.get(stem, {}).items() if other != stem}


IRREGULAR_FORMS = """
arise arose arisen
bear bore borne
beat beaten
become became
begin began begun
bend bent
bind bound
bite bit bitten
bleed bled
blow blew blown
break broke broken
breed bred
bring brought
build built
burn burnt
buy bought
catch caught
choose chose chosen choice
come came
creep crept
deal dealt
dig dug
draw drew drawn
drink drank drunk
drive drove driven
eat ate eaten
fall fell fallen
feed fed
feel felt
fight fought
find found
flee fled
fly flew flown flight
forbid forbade forbidden
forget forgot forgotten
freeze froze frozen
grind ground
grow grew grown growth
hang hung
hear heard
hide hid hidden
hold held
keep kept
kneel knelt
lay laid
lead led
leave left
lend lent
lie lay lain
light lit
lose lost loss
make made
mean meant
meet met
pay paid
ride rode ridden
ring rang rung
rise rose risen
run ran
see saw seen
seek sought
sell sold sale
send sent
shake shook shaken
shine shone
shoot shot
shrink shrank shrunk
sing sang sung
sink sank sunk
sit sat
sleep slept
slide slid
speak spoke spoken
speed sped
spend spent
spin spun
stand stood
steal stole stolen
stick stuck
sting stung
strike struck
swear swore sworn
sweep swept
swim swam swum
swing swung
take took taken
teach taught
tear tore torn
tell told
think thought
throw threw thrown
understand understood
wake woke woken
wear wore worn
weave wove woven
weigh weight
win won
write wrote written
child children
foot feet
goose geese
leaf leaves
life lives
man men
mouse mice
person people
tooth teeth
wolf wolves
woman women
hot heat
high height
long length
wide width
deep depth
strong strength
old older oldest
good better best
bad worse worst
"""
