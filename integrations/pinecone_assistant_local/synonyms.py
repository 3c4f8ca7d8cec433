"""Words that ask for the same thing: a question's `height` is a text's `tall`."""

from __future__ import annotations

from pinecone_assistant_local.words import Stems

# Each line: words of which any may stand for any other.
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
# What a question's word is answered with, but that is not the same the other way round.
_ANSWERED_BY = """
maximum: up most record reach limit exceed tallest longest deepest
height: metre meter foot feet grow reach rise
weight: kilogram kg gram tonne ton pound
length: metre meter kilometre kilometer mile
age: year
lifespan: live year decade century
long: last minute hour day week month year
speed: kilometre kilometer mph
price: euro dollar pound eur usd
temperature: celsius fahrenheit
far: distance kilometre kilometer mile
distance: far kilometre kilometer mile
large: hectare
"""


class Synonyms:
    """Stems that may stand for another stem.

    Args:
        stems: Gives words the index's stems.
    """

    def __init__(self, stems: Stems) -> None:
        self._by_stem: dict[str, dict[str, str]] = {}
        for line in _GROUPS.strip().splitlines():
            words = line.split()
            group = dict(zip(stems.of(words), words, strict=True))
            for stem in group:
                self._by_stem.setdefault(stem, {}).update(group)
        for line in _ANSWERED_BY.strip().splitlines():
            word, _, answers = line.partition(":")
            words = answers.split()
            known = self._by_stem.setdefault(stems.of([word])[0], {})
            known.update(zip(stems.of(words), words, strict=True))

    def of(self, stem: str) -> dict[str, str]:
        """The other stems that may stand for this one, each with a word that has it."""
        return {other: word for other, word in self._by_stem.get(stem, {}).items() if other != stem}
