"""JSON and JSON Lines: each value comes with its owner."""

from __future__ import annotations

import pytest

from pinecone_assistant_local.errors import DocumentError

from .reading import blocks_of, quoted, quoted_under


def test_json_values_keep_the_fields_that_identify_them() -> None:
    text = (
        '{"trees": [{"name": "Red pine", "max_height_m": 25, "native": true, "notes": {"bark": "red"}, "tags": ["a"]}]}'
    )
    assert quoted_under("x.json", text) == [
        ("trees > Red pine", "name: Red pine"),
        ("trees > Red pine", "Red pine: max height m: 25"),
        ("trees > Red pine", "Red pine: native: yes"),
        ("trees > Red pine > notes", "Red pine: notes: bark: red"),
        ("trees > Red pine > tags", "Red pine: tags: a"),
    ]


@pytest.mark.parametrize("text", ['"just text"', "5", "[1, 2]", '{"a": 1}'])
def test_any_json_value_with_something_in_it_is_a_document(text: str) -> None:
    assert quoted_under("x.json", text)


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"a": null}', '{"a": ""}', "[[], {}]"])
def test_json_without_a_value_is_an_error(text: str) -> None:
    with pytest.raises(DocumentError, match="No text"):
        blocks_of("x.json", text.encode())


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            '{"Bhutan": {"capital": "Thimphu", "area": {"km2": 38394}}, "Chile": {"capital": "Santiago"}}',
            ["Bhutan: capital: Thimphu", "Bhutan: area: km2: 38394", "Chile: capital: Santiago"],
        ),
        (
            '[{"country": "Bhutan", "capital": "Thimphu"}, {"country": "Chile", "capital": "Santiago"}]',
            ["country: Bhutan", "country Bhutan: capital: Thimphu", "country: Chile", "country Chile: capital: Santiago"],
        ),
        (
            '[{"name": "Bhutan", "cities": [{"name": "Paro", "people": 11448, "rivers": ["Paro Chhu"]}]}]',
            [
                "name: Bhutan",
                "Bhutan: cities: name: Paro",
                "Bhutan: cities: Paro: people: 11448",
                "Bhutan: cities: Paro: rivers: Paro Chhu",
            ],
        ),
        (
            '{"plants": [{"name": "pine", "m": 25}], "animals": [{"name": "whale", "m": 30}]}',
            ["plants: name: pine", "plants: pine: m: 25", "animals: name: whale", "animals: whale: m: 30"],
        ),
        (
            '{"readings": [{"kind": "a", "day": 1, "value": 5}, {"kind": "a", "day": 2, "value": 5}]}',
            ["day 1: kind: a", "day: 1", "day 1: value: 5", "day 2: kind: a", "day: 2", "day 2: value: 5"],
        ),
        ('{"server": {"host": "a", "ports": [80, 443]}}', ["server: host: a", "server: ports: 80, 443"]),
        ("[[1, 2], [3, 4]]", ["values: 1, 2", "values: 3, 4"]),
        ('{"rows": [[1, 2], [3]]}', ["rows: 1, 2", "rows: 3"]),
        ('{"k": 1, "k": 2}', ["k: 1", "k: 2"]),
        ('{"-5": "ice", "5": "water", "2024-05-01": "closed", "e-mail": "a@b", "__init__": 1, "top_speed": 9}',
         ["-5: ice", "5: water", "2024-05-01: closed", "e-mail: a@b", "__init__: 1", "top speed: 9"]),
        ('{"far": 1E400, "near": [1e-999, 100000000000000000000.50]}',
         ["far: 1E400", "near: 1e-999, 100000000000000000000.50"]),
        ('{"price": 25.50, "n": 1e3, "ok": false}', ["price: 25.50", "n: 1e3", "ok: no"]),
        ('{"name": "Ann", "middle_name": null, "tags": [], "more": {}}',
         ["name: Ann", "Ann: middle name: none", "Ann: tags: none", "Ann: more: none"]),
    ],
)  # fmt: skip
def test_a_value_says_whose_it_is(text: str, sentences: list[str]) -> None:
    assert quoted("x.json", text) == sentences


def test_json_lines_are_read_as_a_list() -> None:
    lines = '{"city": "Paro", "people": 11448}\n\n{"city": "Arica", "people": 222619}\n'
    assert quoted("x.json", lines) == [
        "city: Paro", "city Paro: people: 11448", "city: Arica", "city Arica: people: 222619",
    ]  # fmt: skip
    assert quoted("x.json", '{\n "a": 1\n}\n{\n "a": 2\n}') == ["a: 1", "a: 2"]
    with pytest.raises(DocumentError, match=r"not valid JSON in line 2"):
        blocks_of("x.json", '{"a": 1}\n{"a": 2,,}\n')


def test_deeply_nested_values_are_read() -> None:
    text = '{"a":' * 300 + '"found"' + "}" * 300
    (sentence,) = quoted("x.json", text)
    assert sentence.endswith("a: a: found")
    assert len(sentence) < 300
