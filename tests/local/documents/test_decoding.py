"""Bytes to text: encodings that are read, and those that are refused with a reason."""

# ruff: noqa: RUF001  (this module tests letters of other alphabets)

from __future__ import annotations

import pytest

from pinecone_assistant_local.documents.decoding import decode_text
from pinecone_assistant_local.errors import DocumentError

WESTERN = [
    "Düsseldorf",
    "Die Straße nach Köln kostet 40 € und führt über die Brücke.",
    "L’été dernier, nous avons mangé des crêpes à l’hôtel. Ça coûte 12 €.",
    "¿Dónde está el baño? El niño comió una manzana en España.",
    "“The pump” – it’s said – weighs 25 kg… and costs £40.",
    "A ação começou em São Paulo e não terminou até o verão.",
    "Smörgåsbord är en svensk måltid.",
    "Þórður át súrmjólk á þorrablóti.",
    "It is 25 °C ±2 × 3, §5, 5½ µm.",
    "GRÖSSE UND ÄRGER",
    "0000 é 1000 2000 3000",
    "Er sagte: „Schön.“ ‚Nein‘, meinte sie…aber SÄÄ ja.",
]
OTHERS = [
    "Все люди рождаются свободными.",
    "これは日本語の文章です。",
    "人人生而自由，在尊严和权利上平等。",
    "Όλοι οι άνθρωποι είναι ίσοι.",
    "Plain.",
]


@pytest.mark.parametrize("text", WESTERN)
def test_windows_1252_is_read(text: str) -> None:
    assert decode_text(text.encode("cp1252")) == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
@pytest.mark.parametrize("text", [*WESTERN, *OTHERS])
def test_unicode_is_read_with_and_without_a_mark(text: str, encoding: str) -> None:
    assert decode_text(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Все люди рождаются свободными.", "cp1251"),
        ("Все люди рождаются свободными.", "koi8-r"),
        ("Zażółć gęślą jaźń.", "cp1250"),
        ("これは日本語の文章です。", "shift_jis"),
        ("これは日本語の文章です。", "euc_jp"),
        ("人人生而自由，在尊严和权利上一律平等。", "gb18030"),
        ("Όλοι οι άνθρωποι.", "cp1253"),
        ("כל בני האדם נולדו בני חורין.", "cp1255"),
        ("Bütün insanlar hür, haklar bakımından eşit doğarlar.", "cp1254"),
        ("Düsseldorf", "mac_roman"),
        ("Köln", "cp850"),
        ("Es kostet 5 €.", "iso8859-15"),
        ("Café crème", "cp437"),
        ("Ein schönes Mädchen wohnt in der Straße.", "cp850"),
        ("─── list ───", "cp437"),
    ],
)
def test_another_encoding_is_refused_and_never_misread(text: str, encoding: str) -> None:
    with pytest.raises(DocumentError, match=r"not valid UTF-8 text .* nor does it look like .* save it as UTF-8"):
        decode_text(text.encode(encoding))


def test_a_damaged_utf_8_file_is_refused_with_the_place() -> None:
    with pytest.raises(DocumentError, match=r"not valid UTF-8 text .*at byte 15"):
        decode_text("Grüße an Köl".encode() + b"\xc3" + " und Düren".encode())


def test_all_ends_of_lines_are_one() -> None:
    assert decode_text(b"a\r\nb\rc\n") == "a\nb\nc\n"
