"""The program that reads PDF and DOCX files, in a process of its own because such files may be made to break parsers.

It is started by its path with `python -I`, reads the file from standard input and writes one JSON object to standard
output: the result of `extract_pdf` or `extract_docx`, or `{"error": reason}`.
"""

from __future__ import annotations

import json
import signal
import sys
import types
from collections.abc import Callable
from pathlib import Path

OUT_OF_MEMORY = "It needs more memory than a file may take."
# The most that the child may write to files: it writes only its own traceback.
_MAX_WRITTEN_BYTES = 1024 * 1024
_MORE_CPU_SECONDS = 5


def main() -> None:
    """Run the program; the one argument is a JSON object, see `Children.run`."""
    options = json.loads(sys.argv[1])
    set_limits(options["memory_bytes"], options["cpu_seconds"], options["wall_seconds"])
    sys.path += options["folders"]
    try:
        result = _extract(options["kind"], sys.stdin.buffer.read(), images=options["images"])
        text = json.dumps(result)
    except MemoryError:
        text = json.dumps({"error": OUT_OF_MEMORY})
    sys.stdout.write(text)
    sys.stdout.flush()


def _extract(kind: str, content: bytes, *, images: bool) -> dict[str, object]:
    from pinecone_assistant_local.errors import DocumentError  # noqa: PLC0415  (found only after the set-up below)

    try:
        if kind == "pdf":
            from pinecone_assistant_local.documents.child.pdf import extract_pdf  # noqa: PLC0415  (as above)

            return extract_pdf(content, images=images)
        from pinecone_assistant_local.documents.child.docx import extract_docx  # noqa: PLC0415  (as above)

        return extract_docx(content)
    except DocumentError as error:
        return {"error": str(error)}


def set_limits(memory_bytes: int, cpu_seconds: int, wall_seconds: float) -> None:
    """Limit this process, as far as the operating system can; the parent's own clock holds everywhere."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  (there is none on Windows)

    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: _MAX_WRITTEN_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in limits.items():
        _, hard = resource.getrlimit(kind)
        # At the soft limit of CPU time a signal gives the reason; at the hard one the process is killed.
        upper = value + _MORE_CPU_SECONDS if kind == resource.RLIMIT_CPU else value
        upper = upper if hard == resource.RLIM_INFINITY else min(upper, hard)
        try:
            resource.setrlimit(kind, (min(value, upper), upper))
        except (ValueError, OSError):
            # macOS refuses RLIMIT_AS; the other limits and the clock still hold.
            continue
    # If the parent is killed, nobody else would end this process: SIGALRM does.
    set_alarm: Callable[[int], int] = signal.alarm
    set_alarm(int(wall_seconds) + 1)


if __name__ == "__main__":
    # The package without its `__init__`, which would load the whole server for each file.
    _package = types.ModuleType("pinecone_assistant_local")
    _package.__path__ = [str(Path(__file__).parents[2])]
    sys.modules[_package.__name__] = _package
    main()
