"""`LocalAssistant`: a Pinecone Assistant in a thread of your process."""

from __future__ import annotations

import atexit
import tempfile
import threading
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import requests

from pinecone_assistant_client import AssistantClient, AssistantFile

from .answers.models import writer_of
from .answers.scripted import CitationLike
from .api.app import create_app
from .api.gate import AUTHOR_HEADER, RequestLines
from .api.server import ThreadServer, listen, own_hosts, parse_address, parse_host, url_host
from .errors import StoreError
from .faults.fault import Faults
from .service.options import DEFAULT_API_KEY, Options
from .service.request_log import RecordedRequest
from .service.service import Service
from .store.assistants import is_assistant_name

if TYPE_CHECKING:
    from pinecone_assistant_client.feeding.files import Files
    from pinecone_assistant_client.feeding.values import FileLike


@dataclass(slots=True)
class _Running:
    """The parts that exist only between start and close."""

    service: Service
    server: ThreadServer
    parts: ExitStack
    # Connections of its own; other clients of the process share theirs.
    session: requests.Session = field(default_factory=requests.Session)
    client: AssistantClient = field(init=False)
    author: AssistantClient = field(init=False)


@dataclass(eq=False, repr=False)
class LocalAssistant(Options):
    """A server that speaks Pinecone's Assistant API, with one assistant in it, in a thread of this process.

    It answers with sentences quoted from the uploaded files and cites them. No language model is involved, and the
    `model` of each answer says so.

    Args:
        api_key: The key to accept.
        name: The name of the assistant that exists from the start.
        data_dir: Keep the files there; without it they are gone when it is closed.
        port: The port on 127.0.0.1; 0 takes a free one.
        generate: A LangChain chat model, a LlamaIndex LLM, or a function `(question, passages) -> text or iterable of
            text` that writes the answers instead. It may cite passages by their numbers, as in `[1]`.
        references: Whether answers on `/chat/completions` end with the list of references.
        allowed_models: Model names to accept in addition to the documented ones.
        heartbeat_seconds: How long a stream of `/chat` may be silent before the server sends a comment line.
        token_delay_seconds: The pause after each event of a stream.
        bind: The IP address to listen on. One that other machines can reach needs an `api_key` of your own.
        allowed_hosts: Names to accept in the Host header, in addition to those of this machine.
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
        if self.generate is not None:
            writer_of(self.generate)  # raises here instead of at the start
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
            undo.callback(server.stop)
            self._started = running = _Running(service, server, undo.pop_all())
        # This also keeps an instance alive that nobody holds, as in `LocalAssistant().start().connection`.
        atexit.register(self.close)
        running.parts.enter_context(running.session)
        running.session.trust_env = False
        running.client = self.client(http_session=running.session)
        running.author = self.client(
            http_session=running.session, default_headers={AUTHOR_HEADER: service.author}, max_retries=0
        )
        return self

    def close(self) -> None:
        """Stop the server and free everything; the contents of `data_dir` stay. Closing it again does nothing."""
        if self._started is None:
            return
        running, self._started = self._started, None
        atexit.unregister(self.close)
        running.parts.close()

    @property
    def host(self) -> str:
        """The base URL, such as `http://127.0.0.1:8790`: control plane and data plane alike."""
        return f"http://{url_host(self._address)}:{self._running.server.port}"

    @property
    def connection(self) -> dict[str, Any]:
        """Options that connect a client or a model to it: `AssistantClient(**local.connection)`."""
        return {"assistant_name": self.name, "api_key": self.api_key, "host": self.host}

    @property
    def environ(self) -> dict[str, str]:
        """Environment variables that connect this project's clients and Pinecone's own SDKs to it."""
        return {
            "PINECONE_API_KEY": self.api_key,
            "PINECONE_ASSISTANT_NAME": self.name,
            "PINECONE_ASSISTANT_HOST": self.host,
            "PINECONE_CONTROLLER_HOST": self.host,
            "PINECONE_PLUGIN_ASSISTANT_CONTROL_HOST": self.host,
            "PINECONE_PLUGIN_ASSISTANT_DATA_HOST": self.host,
        }

    def set_ready(self, is_ready: bool) -> None:
        """Set whether `/healthz` answers 200 or 503; it answers 200 from the start."""
        if is_ready:
            self._ready.set()
        else:
            self._ready.clear()

    @property
    def service(self) -> Service:
        """Internals, for other modules of this package; they change without notice."""
        return self._running.service

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests so far, oldest first; keys are never recorded."""
        return self.service.requests.all()

    @property
    def faults(self) -> Faults:
        """The faults on demand."""
        return self._faults

    def client(self, **options: Any) -> AssistantClient:
        """A new `AssistantClient` of this assistant, to be closed by the caller.

        Args:
            options: Other options of `AssistantClient`, such as `filter` or `timeout`.
        """
        return AssistantClient(**{**self.connection, "controller_host": self.host, **options})

    @property
    def files(self) -> Files:
        """The files of the assistant, `client().files`: upload, list, get, read and delete."""
        return self._running.client.files

    def upload(
        self,
        file: FileLike,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        file_id: str | None = None,
        multimodal: bool | None = None,
        timeout: float | None = None,
    ) -> AssistantFile:
        """Upload a file and return it once it is Available.

        Like `client.files.upload`, but the request is not recorded and no fault affects it. The same uploads in the
        same order get the same identifiers.

        Args:
            file: A path, bytes, or a binary stream.
            name: Its name in the assistant; bytes and streams need one, a path has its own.
            metadata: A flat dict of strings, numbers, booleans and lists of strings.
            file_id: Its identifier, 1 to 128 of `[A-Za-z0-9_-]`; a file of that id is replaced.
            multimodal: Process the images of a PDF too.
            timeout: Seconds to wait for the processing; None waits without a limit.

        Raises:
            InvalidRequestError: The file or an option is wrong.
            FileProcessingError: It could not be processed; the message has the reason.
        """
        if file_id is None:
            file_id = self.service.store.files.next_id(self.name)
        running = self._running
        try:
            return running.author.files.upload(
                file, name=name, file_id=file_id, metadata=metadata, multimodal=multimodal, timeout=timeout
            )
        finally:
            running.session.close()  # a test that counts connections counts those of the code under test

    def upload_text(self, name: str, text: str, metadata: Mapping[str, Any] | None = None) -> AssistantFile:
        """Upload a text under a file name such as `pine.md`; see `upload`."""
        return self.upload(text.encode(), name, metadata)

    def reply(self, text: str, citations: Iterable[CitationLike] = (), times: int | None = None) -> None:
        """Script the answer to the next chat requests, on both interfaces; no files are needed.

        Replies are used in the order in which they were added.

        Args:
            text: The answer. Without citations, `/chat/completions` answers exactly this.
            citations: File names, or mappings with `file` and, if wanted, `pages`, `position` (a character offset into
                the text; before the final full stop if not given) and `highlight`.
            times: How many requests get this answer; None: all, until another reply is added.
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
