"""`python -m tests.local.quality`: the quality table, both halves and the questions that were written later.

With `--tune`, only the half for tuning with the questions of development.json, and its wrong answers: nobody who tunes
may look at the other questions.
"""

from __future__ import annotations

import argparse
import sys

from .measure import RANKS, measure, read_later_questions, read_questions, read_tuning_questions, summary

_COLUMNS = ["right sentence cited", "of these first", "wrong", "declined", "right passage first", "among 5", "among 16"]


def main() -> None:
    """Print the table of docs/local_model.md."""
    parser = argparse.ArgumentParser(prog="python -m tests.local.quality")
    parser.add_argument("--tune", action="store_true", help="only the half for tuning, and what went wrong in it")
    options = parser.parse_args()
    judged = measure(read_tuning_questions() if options.tune else read_questions() + read_later_questions())
    if options.tune:
        for one in judged:
            expected = "declined" if one.asked.file is None else "right"
            if one.outcome != expected or one.first_is_right != bool(one.asked.file):
                sys.stdout.write(f"{one.outcome}: {one.asked.question}\n    {one.answer}\n")
    lines = [
        f"| part | questions | {' | '.join(_COLUMNS)} |",
        "|---" * (2 + len(_COLUMNS)) + "|",
    ]
    for row in summary(judged):
        if not row["questions"]:
            continue
        kind = "answerable" if row["answerable"] else "unanswerable"
        cells = ["right", "first", "wrong", "declined", *(f"among {most}" for most in RANKS)]
        texts = [str(row[cell]) if row["answerable"] or cell in ("wrong", "declined") else "-" for cell in cells]
        lines.append(f"| {row['half']} | {row['questions']} {kind} | {' | '.join(texts)} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
