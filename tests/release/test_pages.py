"""Few install lines in docs/, and one for each page with code. `make dist` runs the blocks after each of them."""

from __future__ import annotations

from .pages import blocks, install_line, install_lines


def test_the_pages_with_code_share_five_install_lines_at_most() -> None:
    """Fails with the page's name where a page with Python blocks has no line."""
    lines = install_lines()
    assert 0 < len(lines) <= 5, lines
    assert "'.[all]'" in lines, "the examples and `explain` are tried there"


def test_the_line_of_a_page_is_the_first_with_the_local_assistant() -> None:
    text = "pip install '.[cli]'\npip install '.[langchain,local]' langchain    # agents\npip install '.[all]'\n"
    assert install_line(text) == "'.[langchain,local]' langchain"
    assert install_line("Install: `pip install '.[all]'`. Then ...") == "'.[all]'"
    assert install_line("pip install '.[locally]' local\n") is None


def test_marked_blocks_are_left_out_and_the_others_keep_their_lines() -> None:
    text = "<!-- test: needs an account -->\n```python\na\n```\n\n```python\nb\n```\n"
    assert blocks(text) == ["\n" * 6 + "b\n"]
