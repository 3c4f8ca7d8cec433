"""Text to sentences. The examples are written for this project; a bar marks the end of a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinecone_assistant_local.text.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("It is 3.5 m high. Dr. Kolb knows.", ["It is 3.5 m high.", "Dr. Kolb knows."]),
        ("See e.g. the pine, i.e. a tree. Yes.", ["See e.g. the pine, i.e. a tree.", "Yes."]),
        ("J. R. Smith wrote it. I did not.", ["J. R. Smith wrote it.", "I did not."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("A line\nthat is wrapped. And more.", ["A line that is wrapped.", "And more."]),
        ("Wait... what? Yes.", ["Wait... what?", "Yes."]),
        ("see www.example.com for more. Done.", ["see www.example.com for more.", "Done."]),
        ("赤松は高い。樹皮は赤い。", ["赤松は高い。", "樹皮は赤い。"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_text_is_split_into_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@given(st.text("aB .!?\n\"')1-", max_size=200))
def test_no_word_is_lost_between_sentences(text: str) -> None:
    assert " ".join(" ".join(split_sentences(text)).split()) == " ".join(text.split()) or "".join(
        split_sentences(text)
    ).replace(" ", "") == "".join(text.split())


ENGLISH = [
    "She was born on Jan. 13, 1971, in Oslo.|She moved in Feb. of 1990.",
    "The meeting is on Mon. and Tues. at noon.|Bring your own cup.",
    "It opened on Sept. 4.|It closed in Dec. 2019.",
    "Prices rose in Oct.|Wages did not.",
    "Contact Sen. Ruth Ames or Gov. Li.|They will reply.",
    "Gen. Patel met Lt. Col. Brown and Sgt. Diaz.|Nobody spoke.",
    "Mt. Fuji is 3,776 m high.|Ft. Worth is flat.",
    "The St. Lawrence River is long.|Boats use it.",
    "Send it to 12 Elm St., Apt. 4, Springfield.|Use stamps.",
    "He lives at 55 Oak Ave. in Dayton.|She does not.",
    "Acme Corp. makes anvils.|Beta Inc. makes rope.",
    "Acme, Inc., was founded in 1901.|It is now part of Gamma Ltd.",
    "Shares of Acme Inc. rose.|The bank Co. Ltd. did well.",
    "The U.S. Army arrived.|The U.K. government agreed.",
    "He moved to the U.S. in 1999.|She stayed.",
    "He moved back to the U.S.|She stayed in Rome.",
    "The store opens at 9 a.m. and closes at 5 p.m. on weekdays.|It is shut on Sundays.",
    "We open at 9 a.m.|The café opens later.",
    "Doors close at 6 p.m. Eastern time.|Be early.",
    "She has a Ph.D. in physics.|He has an M.A. from Leeds.",
    "She finished her Ph.D.|Then she travelled.",
    "See Fig. 3 and Eq. (4).|Both are new.",
    "See Sec. 3.2 of the manual.|It is short.",
    "Figs. 2 and 3 show it (cf. Table 1).|The rest is in App. B.",
    "Smith et al. (2010) disagree.|We follow Jones et al.",
    "As shown in Smith et al. 2011, it works.|It is cheap.",
    "The result (p < 0.05) held.|See pp. 12-15, vol. 3, no. 2.",
    "It costs approx. 40 euros.|Add 3 euros for shipping.",
    "It weighs 3.5 kg.|It is 2.1 m wide.",
    "The board is 6 ft. long and 4 in. wide.|It is pine.",
    "It holds 5 lbs. of flour.|It also holds 8 oz. of milk.",
    "Use tools, e.g. a saw, i.e. something sharp.|Be careful.",
    "Pens, pencils, etc. are in the drawer.|Paper is on the shelf.",
    "We sell pens, pencils, etc.|Ask at the desk.",
    "Mr. and Mrs. Okafor arrived.|Dr. Weil did not.",
    "J. R. R. Tolkien wrote it.|C. S. Lewis read it.",
    "J.R.R. Tolkien wrote it.|E. B. White did not.",
    "It was built by John F. Kennedy's father.|He was rich.",
    'He shouted "Stop!" and ran.|Nobody followed.',
    '"I am here," she said.|"So am I."',
    '"Are you there?" he asked.|She was.',
    'He asked, "Why?"|She shrugged.',
    "(It was late.)|We went home.",
    "It was late (see above).|We went home.",
    "Is it safe?|Yes!|Good.",
    "Wait... there is more.|Read on.",
    "He hesitated...|Then he jumped.",
    "Visit www.example.com or mail a.b@example.org.|Then call.",
    "Open config.yaml and set debug=1.|Restart.",
    "Use version 3.2.1.|Older ones fail.",
    "Python 3.11 is needed.|Python 3.9 is too old.",
    "Call Node.js or ASP.NET.|Both work.",
    "Yahoo! is a company.|It has a search engine.",
    "No. 5 is the winner.|No. 7 is second.",
    "Is it red?|No.|It is blue.",
    "The answer is no.|The question was easy.",
    "He took vitamin C.|She took none.",
    "It was he and I.|Nobody else came.",
    "World War II.|It ended in 1945.",
    "The drug was tested [4].|It worked [5, 6].",
    "The pine is tall.[3]|It is green.[4]",
    "The pine is tall. [3]|It is green.",
    "In 1998.|In 1999 too.",
    "The total was $3.50.|The tip was extra.",
    "The score was 3-2.|The crowd left.",
    "It is 10 km. away.",
    "At 10 km. the road ends.",
    "Add 2 tsp. salt and 1 tbsp. oil.|Stir.",
    "The flight (No. BA 12) is late.|Wait.",
    "Est. 1889.|Open daily.",
    "He was b. 1920 and d. 1990.|He was a smith.",
    "The Hon. Ana Ruiz presided.|Rev. Cole prayed.",
    "Prof. Sato and Asst. Prof. Lee teach it.|It is hard.",
    "Robert Downey Jr. plays him.|He is good.",
    "Martin Luther King Jr.|He was born in Atlanta.",
    "The firm of Brown & Co. was sold.|Its debts were paid.",
    "Attn. Ms. Reed.|Please reply.",
    "Tel. 555 0100.|Fax 555 0101.",
    "Dept. of Health rules apply.|Read them.",
    "Max. load 200 kg.|Min. age 12.",
    "Temp. must not exceed 40 degrees.|Stop if it does.",
    "Incl. VAT the price is 12 euros.|Excl. VAT it is 10.",
    "The P.O. Box is full.|Use the other one.",
    "She lives in Washington, D.C., now.|He lives in Maine.",
    "She lives in Washington, D.C.|He lives in Maine.",
    "It happened in 44 B.C.|Rome was shocked.",
    "By 300 A.D. the town was large.|It had walls.",
    "Vol. 3, ch. 2, par. 7.|Read it.",
    "It is a win vs. a loss.|Choose.",
    "Art. 5 of the law says so.|Art. 6 does not.",
    "Cpl. Hart and Pvt. Stone stood guard.|It rained.",
    "Minn. is cold.|Calif. is warm.",
    "Doylestown, Pa. 18901 is the address.|Write there.",
    "Wm. Hughes and Chas. Dow signed.|It was 1896.",
    "The file is 5 MB.|The limit is 10 MB.",
    "iPhone sales grew.|eBay sales fell.",
    "This is a line\nthat is wrapped.|This is another.",
    "She works at Google.|He works at Apple.",
    "What is this?!|A test.",
    'She said: "It works."|He said: "It does not."',
    "The U.N. is in N.Y. and Geneva.|It is large.",
    "Mark the spot w/ an X.|Then dig.",
    "See the note on p. 12.|It is brief.",
    'It is called "St. Elmo\'s fire."|Sailors feared it.',
    "The bill of Rs. 500 was paid.|The rest is due.",
    "Lat. 47.2 N, long. 8.5 E.|That is Zug.",
    "He is 6 ft. 2 in. tall.|She is not.",
]
OTHER_LANGUAGES = [
    "Die Firma Müller & Co. KG sitzt in Köln.|Sie hat z. B. 40 Mitarbeiter.",
    "Das gilt z.B. für Nr. 5.|Andere Fälle, d.h. alle anderen, nicht.",
    "Am 3. Mai 1990 begann es.|Am 4. war es vorbei.",
    "Dr. Weber und Prof. Dr. Klein kamen.|Es regnete.",
    "Die Straße ist ca. 5 km lang.|Sie führt usw. weiter.",
    "Kaiser Wilhelm II. regierte lange.|Er starb 1941.",
    "M. Dupont et Mme. Leroy sont là.|Ils parlent.",
    "La loi, art. 5, al. 2, le dit.|C'est clair.",
    "El Sr. López llegó.|La Sra. Ruiz no.",
    "¿Dónde está?|Está aquí.",
    "Il dott. Rossi vive qui.|La sig.ra Verdi no.",
    "De heer Jansen, d.w.z. mijn buurman, kwam.|Hij bleef.",
    "Он родился в 1970 г. в Москве.|Он уехал.",  # noqa: RUF001  (Russian)
    "これは本です。|それはペンです。",
    "他来了。|我走了！",  # noqa: RUF001  (Chinese)
    "คุณสบายดีไหม",
]


@pytest.mark.parametrize("example", ENGLISH + OTHER_LANGUAGES)
def test_abbreviations_end_a_sentence_only_where_one_ends(example: str) -> None:
    assert split_sentences(example.replace("|", " ")) == [" ".join(one.split()) for one in example.split("|")]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It is tall.[3] It is green.[4]", ["It is tall.[3]", "It is green.[4]"]),
        ("It is tall. [3] It is green.", ["It is tall. [3]", "It is green."]),
        ("It is in chapter [4] of the book. It is long.", ["It is in chapter [4] of the book.", "It is long."]),
        ("[1] A. Smith, Trees. [2] B. Jones, Roots.", ["[1] A. Smith, Trees.", "[2] B. Jones, Roots."]),
    ],
)
def test_numbers_of_notes_stay_with_the_sentence_before_them(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences
