"""`LocalAssistant`: a Pinecone Assistant in a thread of your process."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from .answers.scripted import CitationLike
from .api.app import create_app
from .api.gate import RequestLines
from .api.server import ThreadServer, listen, own_hosts, parse_address, parse_host, url_host
from .documents.file_types import check_name, check_size
from .errors import ServiceError, StoreError, UploadError
from .faults.fault import Faults
from .service.options import DEFAULT_API_KEY, Options
from .service.request_log import RecordedRequest
from .service.service import Service
from .store.assistants import is_assistant_name
from .store.files import NewFile
from .store.metadata import Metadata, validate_file_metadata


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that is Available.

    Attributes:
        id: Its identifier.
        name: Its name.
        metadata: Its metadata.
        size: Its size in bytes.
    """

    id: str
    name: str
    metadata: Metadata | None
    size: int


@dataclass(frozen=True, slots=True)
class _Running:
    """The parts that exist only between start and close."""

    service: Service
    server: ThreadServer
    folder: tempfile.TemporaryDirectory[str] | None


@dataclass(eq=False, repr=False)
class LocalAssistant(Options):
    """A server that speaks Pinecone's Assistant API, with one assistant in it, in a thread of this process.

    It answers with sentences out of the uploaded files and cites them; no language model is involved, and the answers'
    `model` says so.

    Args:
        api_key: The key that it accepts.
        name: The name of the assistant that exists from the start.
        data_dir: Keep the files there; without it they are gone when it is closed.
        port: The port on 127.0.0.1; 0 takes a free one.
        generate: A function `(question, passages) -> text or iterable of text` that writes the answers instead. It may
            cite passages by their numbers, as in `[1]`.
        references: Whether answers on `/chat/completions` end in the list of references.
        allowed_models: Model names to accept beside the documented ones.
        heartbeat_seconds: How long a stream of `/chat` stays silent before it sends a comment line.
        token_delay_seconds: The pause after each event of a stream.
        bind: The IP address to listen on. One that other machines can reach needs an `api_key` of your own.
        allowed_hosts: Names by which clients may call it beside those of this machine: what they send in the Host header.
        serve_faults: Whether faults can be set over HTTP too, at `/_faults`.
        on_request: Called after each request with a line such as `POST /assistant/chat/docs 200 12 ms`, which never has
            a query string.

    Attributes:
        name: The name of the assistant.
        api_key: The key that it accepts.

    Example:
        >>> with LocalAssistant() as local:
        ...     file = local.upload_text("pine.md", "A red pine grows up to 25 meters high.")
        >>> file.name
        'pine.md'
    """

    def __post_init__(self) -> None:
        key = self.api_key
        if not key or not key.isascii() or not key.isprintable() or key != key.strip():
            raise ValueError("api_key must be visible ASCII without surrounding white space")
        if not is_assistant_name(self.name):
            raise ValueError(f"name must be 1-63 letters, digits or '-', and begin and end without '-': {self.name!r}")
        self._address = parse_address(self.bind)
        if not self._address.is_loopback and key == DEFAULT_API_KEY:
            raise ValueError(f"on {self.bind} other machines can reach it: choose an api_key of your own")
        self.allowed_models = tuple(self.allowed_models)
        self.allowed_hosts = (*own_hosts(self._address), *map(parse_host, self.allowed_hosts))
        self._faults = Faults()
        self._started: _Running | None = None
        self._ready = threading.Event()
        self._ready.set()

    def __repr__(self) -> str:
        where = self.host if self._started else "not running"
        return f"LocalAssistant(name={self.name!r}, {where})"

    def __enter__(self) -> LocalAssistant:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> LocalAssistant:
        """Start the server; when this returns, it answers.

        Raises:
            StoreError: The folder for the files cannot be used; it is a ValueError, and the message names it.
            OSError: The address cannot be listened on.
        """
        if self._started is not None:
            raise RuntimeError("the local assistant is already running")
        with ExitStack() as undo:
            listener = listen(str(self._address), self.port)
            undo.callback(listener.close)
            try:
                folder = None if self.data_dir else tempfile.TemporaryDirectory(prefix="local-assistant-")
                path = Path(folder.name if folder else self.data_dir or "")
                path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                where = self.data_dir or tempfile.gettempdir()
                raise StoreError(f"cannot use the folder {where} for the store: {error.strerror}") from error
            if folder is not None:
                undo.callback(folder.cleanup)
            service = Service(path, folder is None, self, faults=self._faults)
            undo.callback(service.close)
            self._create_assistant(service)
            service.ingest.resume()
            app = create_app(service, self._ready.is_set)
            if self.on_request is not None:
                app = RequestLines(app, self.on_request)
            server = ThreadServer(app, listener)
            server.start()
            self._started = _Running(service, server, folder)
            undo.pop_all()
        return self

    def close(self) -> None:
        """Stop the server and free everything; what is in a `data_dir` stays. Closing twice is closing once."""
        if self._started is None:
            return
        running, self._started = self._started, None
        running.server.stop()
        running.service.close()
        if running.folder is not None:
            running.folder.cleanup()

    @property
    def host(self) -> str:
        """The base URL, such as `http://127.0.0.1:8790`: control plane and data plane alike."""
        return f"http://{url_host(self._address)}:{self._running.server.port}"

    @property
    def environ(self) -> dict[str, str]:
        """Environment variables that point this project's clients and Pinecone's own SDKs to it."""
        return {
            "PINECONE_API_KEY": self.api_key,
            "PINECONE_ASSISTANT_NAME": self.name,
            "PINECONE_ASSISTANT_HOST": self.host,
            "PINECONE_CONTROLLER_HOST": self.host,
            "PINECONE_PLUGIN_ASSISTANT_CONTROL_HOST": self.host,
            "PINECONE_PLUGIN_ASSISTANT_DATA_HOST": self.host,
        }

    def set_ready(self, is_ready: bool) -> None:
        """Decide whether `/healthz` answers 200 or 503; from the start on it answers 200."""
        if is_ready:
            self._ready.set()
        else:
            self._ready.clear()

    @property
    def service(self) -> Service:
        """The parts behind the API, for other modules of this package; they change without notice."""
        return self._running.service

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests so far, oldest first; keys are never recorded."""
        return self.service.requests.all()

    @property
    def faults(self) -> Faults:
        """The faults on demand."""
        return self._faults

    def upload(
        self, path: str | Path, name: str | None = None, metadata: Mapping[str, object] | None = None
    ) -> UploadedFile:
        """Upload a file and return when it is Available.

        Args:
            path: The file.
            name: Its name in the assistant; the last part of the path if not given.
            metadata: A flat mapping of strings, numbers, booleans and lists of strings.

        Raises:
            UploadError: It cannot be made Available; the message is the reason.
            OSError: It cannot be read.
        """
        path = Path(path)
        return self._upload(name or path.name, path.read_bytes(), metadata)

    def upload_text(self, name: str, text: str, metadata: Mapping[str, object] | None = None) -> UploadedFile:
        """Upload a text under a file name such as `pine.md` and return when it is Available.

        Raises:
            UploadError: It cannot be made Available; the message is the reason.
        """
        return self._upload(name, text.encode(), metadata)

    def reply(self, text: str, citations: Iterable[CitationLike] = (), times: int | None = None) -> None:
        """Script the answer of the next chat requests, on both interfaces; it needs no files.

        Replies are given in the order in which they were added.

        Args:
            text: The answer. Without citations, `/chat/completions` answers exactly this.
            citations: File names, or mappings with `file` and, if wanted, `pages`, `position` (a character offset into
                the text; before the final full stop if not given) and `highlight`.
            times: For how many requests; None: for all, until another reply is added.
        """
        self.service.replies.add(text, citations, times)

    def reset(self) -> None:
        """Remove files, assistants, replies, faults and recorded requests; the assistant is there again, empty."""
        self.service.reset()
        self._create_assistant(self.service)

    @property
    def _running(self) -> _Running:
        if self._started is None:
            raise RuntimeError("the local assistant is not running: use it in a with statement or call start()")
        return self._started

    def _create_assistant(self, service: Service) -> None:
        assistants = service.store.assistants
        if not assistants.exists(self.name):
            assistants.create(self.name)

    def _upload(self, name: str, content: bytes, metadata: Mapping[str, object] | None) -> UploadedFile:
        service = self.service
        try:
            check_name(name)
            check_size(name, len(content))
            checked = validate_file_metadata(dict(metadata) if metadata is not None else None)
            file, _ = service.store.files.add(self.name, NewFile(name, content, checked))
        except ServiceError as error:
            raise UploadError(f"{name}: {error.message}") from error
        service.ingest.submit(file).result()
        done = service.store.files.get(self.name, file.id)
        if done.status != "Available":
            raise UploadError(f"{name}: {done.error or done.status}")
        return UploadedFile(done.id, done.name, done.metadata, done.size)
