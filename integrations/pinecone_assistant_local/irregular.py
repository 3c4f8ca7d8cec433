"""Forms of English words that no stemmer brings together: `kept` and `keep`, `feet` and `foot`."""

from __future__ import annotations

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
