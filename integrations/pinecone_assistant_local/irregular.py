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
awake awoke awoken
bleed blood
breathe breath
choose choice
dwell dwelt
foresee foresaw
forgive forgave forgiven
leap leapt
learn learnt
melt molten
mistake mistook mistaken
mow mown
overcome overcame
oversee oversaw
overtake overtook
prove proof proven
redo redid redone
rebuild rebuilt
resell resold
saw sawn
sew sewn
show shown
shrink shrunken
smell smelt
sow sown
spell spelt
spill spilt
spoil spoilt
spread spreading
spring sprang sprung
strive strove
swell swollen
thrive throve
undergo underwent undergone
undertake undertook
upset upsetting
withdraw withdrew withdrawn
withhold withheld
withstand withstood
young youth
loud loudness
thick thickness
warm warmth
cold coldness
hungry hunger
angry anger
dead death
alive life
true truth
free freedom
proud pride
poor poverty
safe safety
destroy destruction destructive
receive receipt reception
describe description
decide decision
permit permission
admit admission
apply application applicant
begin beginner
arrive arrival
depart departure
refuse refusal
approve approval
survive survivor survival
inhabit inhabitant
donate donor donation
invade invader invasion
conquer conqueror conquest
defend defender defence defense
attack attacker
explode explosion
erode erosion
pay payment
deliver delivery
discover discovery
recover recovery
injure injury
marry marriage
bury burial
renew renewal
remove removal
propose proposal
try trial
analyse analysis
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
