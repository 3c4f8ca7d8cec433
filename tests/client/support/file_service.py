"""A service that stores files and processes them as slowly as a test wants. It records the requests.

The local assistant has a file done by the time it answers, so pollers are tested here.
"""

from __future__ import annotations

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class FileService:
    """Files and operations of one assistant, by HTTP.

    Attributes:
        polls_until_done: How often an operation is seen Processing, in lists or by itself, before it ends.
        failing: Names of files that fail in processing.
        drops_metadata: Whether metadata is lost.
        has_more_operations: Whether lists of operations say that there is another page, and show nothing.
        lists_fail: Whether lists of operations are answered with 503.
        looks_fail: Whether looks at one operation are answered with 503.
        stalls: Whether uploads are never answered.
        turn_away_at: The number of the request that is answered with 429.
        retry_after: Its `Retry-After`.
    """

    def __init__(self) -> None:
        self.polls_until_done = 0
        self.failing: set[str] = set()
        self.drops_metadata = False
        self.has_more_operations = False
        self.lists_fail = False
        self.looks_fail = False
        self.stalls = False
        self.turn_away_at: int | None = None
        self.retry_after = 0.0
        self.arrivals: list[float] = []
        self.most_processing = 0
        self.files: dict[str, dict[str, Any]] = {}
        self._operations: dict[str, dict[str, Any]] = {}
        self._left: dict[str, int] = {}
        self._seen: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._handle()

            def do_PUT(self) -> None:
                self._handle()

            def do_DELETE(self) -> None:
                self._handle()

            def _handle(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                status, answer, headers = service.answer(self.command, self.path, body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> FileService:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def count(self, kind: str) -> int:
        """How many requests of a kind came: `"PUT file"`, `"GET operations"`, `"GET operation"`, `"GET file"`."""
        return sum(seen == kind for seen, _ in self._seen)

    def targets(self, kind: str) -> list[str]:
        """The targets of the requests of a kind."""
        return [target for seen, target in self._seen if seen == kind]

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers for a request."""
        parts = urlsplit(target)
        _, _, collection, _, *rest = parts.path.split("/")
        kind = f"{method} {collection.removesuffix('s') if rest else collection}"
        with self._lock:
            self._seen.append((kind, target))
            self.arrivals.append(time.monotonic())
            if len(self._seen) == self.turn_away_at:
                return 429, {"message": "slow down"}, {"Retry-After": str(self.retry_after)}
        if self.stalls and method == "PUT":
            self._stop.wait(60)
        with self._lock:
            if method == "PUT":
                return 202, self._store(rest[0], body), {}
            if kind == "GET operations":
                return self._list(parse_qs(parts.query))
            if kind == "GET operation":
                return (503, {"message": "busy"}, {}) if self.looks_fail else (200, self._look(rest[0]), {})
            if kind == "GET file" and rest[0] in self.files:
                return 200, self.files[rest[0]], {}
            if kind == "GET files":
                return 200, {"files": list(self.files.values())}, {}
            if method == "DELETE" and self.files.pop(rest[0], None) is not None:
                return 204, {}, {}
            return 404, {"message": "not found"}, {}

    def _store(self, file_id: str, body: bytes) -> dict[str, Any]:
        name = re.search(rb'filename="([^"]*)"', body)
        found = re.search(rb'name="metadata"\r\n\r\n(.*?)\r\n--', body, re.DOTALL)
        metadata = json.loads(found[1]) if found and not self.drops_metadata else None
        shown = name[1].decode() if name else ""
        self.files[file_id] = {"id": file_id, "name": shown, "status": "Processing", "metadata": metadata}
        id_ = f"op-{len(self._operations)}"
        self._left[id_] = self.polls_until_done
        operation = {"id": id_, "operation_type": "upsert_file", "file_id": file_id, "status": "Processing"}
        self._operations[id_] = operation
        self._age(id_, by=0)
        self.most_processing = max(self.most_processing, sum(left > 0 for left in self._left.values()))
        return operation

    def _age(self, id_: str, by: int = 1) -> None:
        operation = self._operations[id_]
        if operation["status"] == "Processing":
            self._left[id_] -= by
            if self._left[id_] <= 0:
                file = self.files[operation["file_id"]]
                is_good = file["name"] not in self.failing
                operation["status"] = "Completed" if is_good else "Failed"
                file["status"] = "Available" if is_good else "ProcessingFailed"

    def _look(self, id_: str) -> dict[str, Any]:
        self._age(id_)
        return self._operations[id_]

    def _list(self, query: dict[str, list[str]]) -> tuple[int, Any, dict[str, str]]:
        if self.lists_fail:
            return 503, {"message": "busy"}, {}
        if self.has_more_operations:
            return 200, {"operations": [], "pagination": {"next": "more"}}, {}
        for id_ in self._operations:
            self._age(id_)
        status = query.get("status", [None])[0]
        return 200, {"operations": [one for one in self._operations.values() if status in (None, one["status"])]}, {}
