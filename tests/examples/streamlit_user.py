"""Use examples/streamlit_chat.py through Streamlit's AppTest: `python streamlit_user.py QUESTION... [--live]`.

`test_streamlit_chat.py` starts it with the Python of `.venv-others/web`. Prints the page's content after each question.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from streamlit.testing.v1 import AppTest

CHAT = Path(__file__).parents[2] / "examples" / "streamlit_chat.py"


def main(questions: list[str]) -> None:
    app = AppTest.from_file(CHAT, default_timeout=200).run()
    for question in questions:
        app.chat_input[0].set_value(question).run()
        seen = {
            "exceptions": [one.value for one in app.exception],
            "caption": [one.value for one in app.caption],
            "chat": [[message.name, *(one.value for one in message.markdown)] for message in app.chat_message],
            "passages": [[one.label, *(text.value for text in one.text)] for one in app.expander],
            "errors": [one.value for one in app.error],
        }
        print(json.dumps(seen), flush=True)  # noqa: T201 - for the test


if __name__ == "__main__":
    main([argument for argument in sys.argv[1:] if argument != "--live"])
