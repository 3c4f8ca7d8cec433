"""Names of fields, such as `Phone`, that precede values in forms, business cards and key-value tables."""

from __future__ import annotations

_NAMES = frozenset(
    """
    account address age amount approved approver assignee attendees attention author balance bank birthday birthplace born
    branch budget building buyer category cell chair city class client code colour color comment comments company confidential
    contact contractor contributors copy cost country county course creator currency customer date deadline delivery
    department description destination diagnosis diet doctor document dose due duration e-mail editor email employee
    employer end event expires extension fax fee file floor format founded from gender grade group hair headquarters height
    home hours iban id industry instructor insurance invoice invoiced issue issued items job keywords language languages
    length license licence location mail mailbox manager material mobile model name names nationality no note notes number
    occupation office order organisation organization origin overview owner pages participants password patient payment
    payee phase phone place plan population position postcode prepared presenter price priority product profession project
    publisher purpose quantity rate reason recipient ref reference region release remarks reporter report reviewer revision role
    room salary school sender sent serial series sex sign signature signed size source species speaker sponsor staff start
    state status street subject summary supervisor supplier surname task team tel telephone term terms time title to total
    type unit url user username valid validity value vat vendor venue version visit warranty weather web website weight width
    year zip
    allergies area battery brand capacity ceo chemical current density depth diameter difficulty dimensions dosage engine
    finish flow founder frequency fuel humidity ingredients make manufacturer mass memory noise parent power pressure processor
    range resolution revenue scale servings shape speed spouse storage surface symptoms temperature texture thickness timezone
    tolerance torque viscosity voltage volume wattage
    adresse alter art beruf betreff datum email-adresse firma geburtsdatum gewicht kunde kundennummer land nachname name nummer
    ort plz preis strasse straße telefon titel vorname
    """.split()  # noqa: SIM905  (no 250 quotes)
)
_MAX_WORDS = 4


def is_field_name(text: str) -> bool:
    """Return whether a text is the name of a field: `Phone`, `Date of birth`, `Contract no.:`."""
    words = [word.strip(".:()") for word in text.lower().replace("/", " ").split()]
    words = [word for word in words if word]
    if any(character.isdigit() for character in text):
        return False
    return 0 < len(words) <= _MAX_WORDS and (words[-1] in _NAMES or words[0] in _NAMES)


def is_field(line: str) -> bool:
    """Return whether a line is a field with its value: `Phone: 555 0100`."""
    name, colon, value = line.partition(": ")
    return bool(colon and value.strip() and is_field_name(name.strip()))
