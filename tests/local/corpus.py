"""Short documents written for these tests, and questions with the words that their answer must contain."""

from __future__ import annotations

DOCUMENTS: dict[str, str] = {
    "red_pine.md": """# Red pine

The red pine (*Pinus resinosa*) is a conifer of eastern North America. It can grow up to 25 meters high
and 75 centimeters in diameter. The bark of older trees breaks into reddish plates.

## Growth

Red pines prefer sandy soil and full sun. A tree in good soil may live for 400 years. Seeds ripen in the autumn of the
second year.

## Use

The wood is sold as poles and pulpwood. In the 1930s many plantations were set up to stop erosion.
""",
    "blue_whale.md": """# Blue whale

The blue whale is the largest animal known to have lived. Adults reach a length of 30 meters. The heart alone weighs about
180 kilograms.

## Diet

Blue whales feed almost only on krill. An adult eats up to 4 tonnes a day in summer.

## Voice

Their calls are among the loudest of any animal and can be heard over 800 kilometers.
""",
    "leave_policy.txt": """Leave policy

Every employee has 28 days of paid holiday a year. Unused days expire on 31 March of the following year.

Parental leave

Parents may take 14 weeks of parental leave at full pay. A request must be sent to the personnel office 6 weeks in advance.

Sick leave

From the third day of illness a doctor's note is required. Dr. Ines Kolb of the personnel office answers questions.
""",
    "router_manual.md": """# Nordwind R7 router

## Reset

To restore the factory settings, hold the button on the back for 12 seconds until the light blinks red.

## Lights

| Light | Meaning |
|---|---|
| steady green | connected to the internet |
| blinking orange | firmware update in progress |
| red | no signal on the line |

## Limits

- The router serves at most 64 wireless devices.
- The default password is printed on the label under the case.
- Firmware before version 3.2 cannot use WPA3.
""",
    "harbour_bridge.txt": """The Old Harbour Bridge was opened on 4 May 1894 by Queen Amalia. The engineer
Tomas Brandt designed it. It is 312 meters long and carries two tram lines. Since 1978
lorries over 12 tonnes are not allowed on it. The bridge was painted green in 2003; before that it was grey.
""",
    "espresso.md": """# Espresso at home

Use 18 grams of finely ground coffee for a double shot. Water should be between 90 and 96 degrees Celsius. A shot takes 25
to 30 seconds.

# Cleaning

Rinse the group head after every use. Remove limescale every two months with citric acid.
""",
    "staff.json": """[
  {"name": "Mira Okafor", "role": "head of research", "office": "B204", "phone": 5521},
  {"name": "Jonas Weil", "role": "accountant", "office": "A017", "phone": 5534},
  {"name": "Lena Sato", "role": "site manager", "office": "C110", "phone": 5570}
]
""",
    "refunds.md": """# Refunds

Customers can return a product within 30 days of delivery. The money is transferred within 5 working days. Opened software
cannot be returned.

## Shipping

We deliver to Austria, Germany and Switzerland. Orders over 50 euros are shipped free of charge.
""",
}

ANSWERED: list[tuple[str, str]] = [
    ("What is the maximum height of a red pine?", "25 meters"),
    ("How tall does a red pine grow?", "25 meters"),
    ("How long can a red pine live?", "400 years"),
    ("What is the lifespan of the red pine?", "400 years"),
    ("Which soil do red pines like?", "sandy"),
    ("How long is an adult blue whale?", "30 meters"),
    ("How heavy is the heart of a blue whale?", "180 kilograms"),
    ("What do blue whales eat?", "krill"),
    ("How far can the calls of a blue whale be heard?", "800 kilometers"),
    ("How many days of holiday does an employee get?", "28 days"),
    ("When do unused holidays expire?", "31 March"),
    ("How many weeks of parental leave are there?", "14 weeks"),
    ("When is a doctor's note needed?", "third day"),
    ("How do I reset the router?", "12 seconds"),
    ("What does a blinking orange light mean?", "firmware update"),
    ("How many wireless devices can the router serve?", "64"),
    ("Who designed the Old Harbour Bridge?", "Tomas Brandt"),
    ("When was the harbour bridge opened?", "1894"),
    ("What is the length of the harbour bridge?", "312 meters"),
    ("How much coffee do I need for a double shot?", "18 grams"),
    ("How hot should the water be for espresso?", "90 and 96"),
    ("How often should limescale be removed?", "two months"),
    ("What is the phone number of Jonas Weil?", "5534"),
    ("Who is the head of research?", "Okafor"),
    ("In which office is Lena Sato?", "C110"),
    ("Within how many days can a product be returned?", "30 days"),
    ("Do you deliver to Switzerland?", "Switzerland"),
]

UNANSWERABLE: list[str] = [
    "What is the capital of France?",
    "How tall is a blue spruce?",
    "What does a red pine cost?",
    "Who won the football match yesterday?",
    "How many teeth does a crocodile have?",
    "What is the salary of Jonas Weil?",
    "Which paint was used for the opera house?",
    "How do I configure a printer?",
    "What is the phone number of Peter Novak?",
    "Is there a discount for students?",
]
