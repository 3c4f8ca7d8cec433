"""Sources of a sync: ignored paths of a folder, links, patterns, and URLs."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pinecone_assistant_client import InvalidRequestError
from pinecone_assistant_client.feeding.sources import Listing, Patterns, default_owner, list_source
from pinecone_assistant_local import LocalAssistant

from ..support.feeding import Feeder, files_of

ALL = Patterns(("**/*",), ())


def write(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(f"text of {path}")


def paths(listing: Listing) -> list[str]:
    return [file.path for file in listing.files]


def test_hidden_names_packages_and_unknown_types_are_left_out_and_listed(tmp_path: Path) -> None:
    write(
        tmp_path,
        "a.md",
        "B.MD",
        "sub/c.TXT",
        ".hidden.md",
        ".git/config.md",
        "node_modules/x/readme.md",
        "x.py",
        "noext",
    )
    write(tmp_path, "sub/__pycache__/y.md", "sub/.z/y.md", "sub/deep/d.docx", "sub/e.pdf", "sub/f.json")
    listing = list_source(tmp_path, ALL)
    assert paths(listing) == ["B.MD", "a.md", "sub/c.TXT", "sub/deep/d.docx", "sub/e.pdf", "sub/f.json"]
    assert sorted(listing.ignored) == [
        ".git/",
        ".hidden.md",
        "node_modules/",
        "noext",
        "sub/.z/",
        "sub/__pycache__/",
        "x.py",
    ]


def test_the_folder_itself_may_be_hidden(tmp_path: Path) -> None:
    write(tmp_path, ".docs/node_modules/a.md")
    assert paths(list_source(tmp_path / ".docs" / "node_modules", ALL)) == ["a.md"]


SECRETS = [
    "client_secret.json",
    "SECRETS.md",
    "my-credentials.json",
    "Credential.txt",
    "service-account.json",
    "service-account-prod.json",
    "service_account.json",
    "secrets/prod.json",
    "a/top-secret/x.md",
]


def test_names_that_look_like_secrets_are_left_out_and_listed(tmp_path: Path) -> None:
    write(tmp_path, *SECRETS, "service-account.md", "accounts.json", "ok.md")
    listing = list_source(tmp_path, ALL)
    assert paths(listing) == ["accounts.json", "ok.md", "service-account.md"]
    assert sorted(listing.ignored) == sorted(SECRETS)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("client_secret.json", ["client_secret.json"]),
        ("**/*secret*", ["client_secret.json"]),
        ("**/*secret*/**", ["a/top-secret/x.md", "secrets/prod.json"]),
        ("secrets/**", ["secrets/prod.json"]),
        ("*credential*", ["my-credentials.json"]),
        ("service-account*.json", ["service-account-prod.json", "service-account.json"]),
        ("*.json", []),
        ("**/prod.json", []),
    ],
)
def test_a_pattern_that_names_a_secret_takes_it(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    write(tmp_path, *SECRETS)
    assert paths(list_source(tmp_path, Patterns((pattern,), ()))) == expected


def test_a_link_to_a_secret_is_left_out_and_listed_under_any_name(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "my-secret.md", "credentials/c.md", ".data/b.md")
    for name, target in {"x.md": "my-secret.md", "y.md": "credentials/c.md", "public": "credentials"}.items():
        (tmp_path / name).symlink_to(tmp_path / target)
    (tmp_path / "b.md").symlink_to(tmp_path / ".data" / "b.md")  # volumes of Kubernetes are links to hidden folders
    listing = list_source(tmp_path, ALL)
    assert paths(listing) == ["a.md", "b.md"]
    assert {"x.md", "y.md", "public/c.md"} <= set(listing.ignored)
    assert paths(list_source(tmp_path, Patterns(("x.md", "*secret*"), ()))) == ["my-secret.md", "x.md"]


@pytest.mark.parametrize(
    ("patterns", "exclude", "expected"),
    [
        (("**/*",), (), ["a.md", "b.txt", "g/a.md", "g/h/a.md", "g/h/c[1].md"]),
        ("**/*.md", (), ["a.md", "g/a.md", "g/h/a.md", "g/h/c[1].md"]),
        (("*.md",), (), ["a.md"]),
        (("*",), (), ["a.md", "b.txt"]),
        (("g/*",), (), ["g/a.md"]),
        (("g/**",), (), ["g/a.md", "g/h/a.md", "g/h/c[1].md"]),
        (("./g/**/a.md",), (), ["g/a.md", "g/h/a.md"]),
        (("**/h/*.md",), (), ["g/h/a.md", "g/h/c[1].md"]),
        (("?.md", "b.*"), (), ["a.md", "b.txt"]),
        (("[ab].*",), (), ["a.md", "b.txt"]),
        (("[!a].*",), (), ["b.txt"]),
        (("**/c[[]1].md",), (), ["g/h/c[1].md"]),
        (("**/*",), ("g",), ["a.md", "b.txt"]),
        (("**/*",), ("g/",), ["a.md", "b.txt"]),
        (("**/*",), ("**/h",), ["a.md", "b.txt", "g/a.md"]),
        (("**/*",), "**/a.md", ["b.txt", "g/h/c[1].md"]),
        (("**/*",), ("*.txt", "g/h/**"), ["a.md", "g/a.md"]),
    ],
)
def test_patterns_choose(tmp_path: Path, patterns: Any, exclude: Any, expected: list[str]) -> None:
    write(tmp_path, "a.md", "b.txt", "g/a.md", "g/h/a.md", "g/h/c[1].md")
    listing = list_source(tmp_path, Patterns(patterns, exclude))
    assert paths(listing) == expected
    assert listing.ignored == []  # a file that no pattern matches is not listed as ignored


@pytest.mark.parametrize("patterns", [(), ("",), (3,), ("a", None), None, 3, b"*.md"])
def test_patterns_that_are_none_are_refused(patterns: Any) -> None:
    with pytest.raises(InvalidRequestError, match="patterns"):
        Patterns(patterns, ())


@pytest.mark.parametrize("exclude", [None, 3, b"*.md", (3,)])
def test_an_exclusion_that_is_none_is_refused(exclude: Any) -> None:
    with pytest.raises(InvalidRequestError, match="exclude"):
        Patterns("**/*", exclude)


@pytest.mark.parametrize("pattern", ["[z-a].md", "docs/[9-0]*"])
def test_a_range_that_runs_backwards_is_named(pattern: str) -> None:
    for patterns in [(pattern, ()), ("**/*", pattern)]:
        with pytest.raises(InvalidRequestError, match=r"\[.*bad character range"):
            Patterns(*patterns)


@pytest.mark.parametrize("pattern", ["[a&&b].md", "[a||b].md", "[a~~b].md", "[[a].md", "[a^].md", r"[\a].md"])
def test_signs_in_brackets_are_themselves(tmp_path: Path, pattern: str) -> None:
    write(tmp_path, "a.md", "c.md")
    assert paths(list_source(tmp_path, Patterns(pattern, ()))) == ["a.md"]


def test_links_that_leave_the_folder_are_left_out_and_listed(tmp_path: Path) -> None:
    root = tmp_path / "docs"
    write(tmp_path, "outside/secret.md", "outside.md", "docs2/x.md", "docs/in/a.md")
    (root / "file.md").symlink_to(tmp_path / "outside.md")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "neighbour").symlink_to(tmp_path / "docs2")
    (root / "up").symlink_to(tmp_path)
    (root / "relative.md").symlink_to("../outside.md")
    (root / "broken.md").symlink_to("nowhere.md")
    listing = list_source(root, ALL)
    assert paths(listing) == ["in/a.md"]
    assert listing.ignored == ["broken.md", "file.md", "folder", "neighbour", "relative.md", "up"]


def test_links_inside_the_folder_are_followed_but_not_round_in_circles(tmp_path: Path) -> None:
    root = tmp_path / "docs"
    write(root, "a.md", "x/b.md", "y/c.md")
    (root / "link.md").symlink_to(root / "a.md")
    (root / "self").symlink_to(root)
    (root / "x" / "to_y").symlink_to(root / "y")
    (root / "y" / "to_x").symlink_to(root / "x")
    listing = list_source(root, ALL)
    assert paths(listing) == ["a.md", "link.md", "x/b.md", "x/to_y/c.md", "y/c.md", "y/to_x/b.md"]
    assert listing.ignored == ["self/", "x/to_y/to_x/", "y/to_x/to_y/"]
    assert all(file.open().size for file in listing.files)


def test_a_link_to_the_folder_is_the_folder(tmp_path: Path) -> None:
    write(tmp_path, "docs/a.md")
    (tmp_path / "latest").symlink_to(tmp_path / "docs")
    assert paths(list_source(tmp_path / "latest", ALL)) == ["a.md"]


def test_what_is_no_regular_file_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    os.mkfifo(tmp_path / "pipe.md")
    listing = list_source(tmp_path, ALL)
    assert (paths(listing), listing.ignored) == (["a.md"], ["pipe.md"])


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes")
def test_a_name_that_is_no_text_is_reported_and_not_fatal(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    with open(os.fsencode(tmp_path) + b"/\xff.md", "wb") as bad:
        bad.write(b"x")
    listing = list_source(tmp_path, ALL)
    assert paths(listing) == ["a.md"]
    [(path, error)] = listing.failed
    assert "not valid text" in str(error)
    path.encode()


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes")
def test_a_name_that_is_no_text_is_no_failure_where_no_file_would_be_sent(tmp_path: Path) -> None:
    write(tmp_path, "a.md", ".git/x.md")
    for name in (b"photo\xff.jpg", b".hidden\xff.md", b".git/\xff.md", b"other\xff.txt"):
        with open(os.fsencode(tmp_path) + b"/" + name, "wb") as odd:
            odd.write(b"x")
    os.mkdir(os.fsencode(tmp_path) + b"/\xff")
    listing = list_source(tmp_path, Patterns(("**/*.md", "**/*.jpg"), ()))
    assert (paths(listing), listing.failed) == (["a.md"], [])
    assert [path.encode() for path in listing.ignored] == [b".git/", b".hidden\\udcff.md", b"photo\\udcff.jpg"]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A zip file with a folder of documents."""
    with zipfile.ZipFile(tmp_path / "docs.zip", "w") as made:
        for path in (
            "guides/a.md",
            "guides/deep/b.txt",
            "guides/.git/c.md",
            "guides/x.py",
            "guides/client_secret.json",
            "z.md",
        ):
            made.writestr(path, f"text of {path}")
    return tmp_path / "docs.zip"


def test_a_zip_arrives(feeder: Feeder, local: LocalAssistant, archive: Path) -> None:
    report = feeder.files.sync(f"zip://guides::{archive}", metadata={"deep/*": {"level": 2}})
    assert report.uploaded == ("a.md", "deep/b.txt")
    assert report.ignored == (".git/", "client_secret.json", "x.py")
    found = {one.name: one for one in files_of(local).values()}
    assert found["a.md"].content == b"text of guides/a.md"
    assert (found["b.txt"].metadata or {})["level"] == 2
    assert (found["a.md"].metadata or {})["sync_owner"] == "guides"
    again = feeder.files.sync(f"zip://guides::{archive}", metadata={"deep/*": {"level": 2}})
    assert again.unchanged == report.uploaded


def test_a_whole_zip_takes_its_name_for_owner(archive: Path) -> None:
    listing = list_source(f"zip://::{archive}", ALL)
    assert paths(listing) == ["guides/a.md", "guides/deep/b.txt", "z.md"]
    assert default_owner(f"zip://::{archive}") == "docs.zip"


def test_memory_and_file_urls_arrive(feeder: Feeder, local: LocalAssistant, tmp_path: Path) -> None:
    import fsspec  # noqa: PLC0415 - of the extra `cloud`

    memory = fsspec.filesystem("memory")
    memory.pipe({"/bucket/docs/a.md": b"a" * 300_000, "/bucket/docs/sub/b.md": b"b", "/bucket/docs2/c.md": b"c"})
    try:
        report = feeder.files.sync("memory://bucket/docs", patterns=("**/*.md",))
        assert report.uploaded == ("a.md", "sub/b.md")
        assert feeder.files.sync("memory://bucket/docs/").unchanged == report.uploaded
    finally:
        memory.rm("/bucket", recursive=True)
    assert {one.content for one in files_of(local).values()} == {b"a" * 300_000, b"b"}
    write(tmp_path, "x/a.md")
    assert feeder.files.sync(f"file://{tmp_path}/x").uploaded == ("a.md",)


@pytest.mark.parametrize(
    "url",
    [
        "s3://key:geheimes-wort@bucket/docs",
        "ftp://me:geheimes-wort@host/docs",
        "https://me:geheimes-wort@host/docs",
        "zip://docs::sftp://me:geheimes-wort@host/x.zip",
    ],
)
def test_a_password_in_a_url_is_refused_without_showing_it(feeder: Feeder, local: LocalAssistant, url: str) -> None:
    with pytest.raises(InvalidRequestError, match="password in its URL") as caught:
        feeder.files.sync(url, owner="docs")
    assert "geheim" not in str(caught.value)
    assert local.requests == []


def test_a_url_of_github_has_no_password(
    feeder: Feeder, local: LocalAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fsspec.core  # noqa: PLC0415 - of the extra `cloud`

    monkeypatch.setattr(fsspec.core, "url_to_fs", lambda url: (_ for _ in ()).throw(RuntimeError("reached")))
    with pytest.raises(InvalidRequestError, match="reached"):
        feeder.files.sync("github://org:repo@main/docs")


def test_a_driver_that_is_missing_is_named(
    feeder: Feeder, local: LocalAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.registry import known_implementations  # noqa: PLC0415 - of the extra `cloud`

    moon = {"class": "moonfs.MoonFileSystem", "err": "Install moonfs to read the moon"}
    monkeypatch.setitem(known_implementations, "moon", moon)
    with pytest.raises(InvalidRequestError, match=r"'moon://base/docs' needs a driver.*moonfs"):
        feeder.files.sync("moon://base/docs")
    with pytest.raises(InvalidRequestError, match=r"'nope://base/docs'.*nope"):
        feeder.files.sync("nope://base/docs")
    assert local.requests == []


def test_fsspec_that_is_missing_is_named_with_its_extra(
    feeder: Feeder, local: LocalAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(InvalidRequestError, match=r"fsspec.*\[cloud\]"):
        feeder.files.sync("s3://bucket/docs")
    assert local.requests == []


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Folders that `flaky://`, a driver with fsspec's own `find`, cannot list. It has four files in /base and /base/sub."""
    from fsspec.implementations.memory import MemoryFileSystem  # noqa: PLC0415 - of the extra `cloud`
    from fsspec.registry import _registry  # noqa: PLC0415
    from fsspec.spec import AbstractFileSystem  # noqa: PLC0415

    broken: set[str] = set()

    class Flaky(MemoryFileSystem):  # type: ignore[misc] # fsspec has no types
        store: ClassVar[dict[str, Any]] = {}
        pseudo_dirs: ClassVar[list[str]] = [""]
        cachable = False
        find = AbstractFileSystem.find

        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            return str(MemoryFileSystem._strip_protocol(path.replace("flaky://", "memory://")))

        def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
            if path in broken:
                raise OSError("rate limit exceeded")
            return super().ls(path, detail=detail, **options)

    monkeypatch.setitem(_registry, "flaky", Flaky)
    for name in ("a.md", "b.md", "c.md", "sub/d.md"):
        Flaky().pipe(f"/base/{name}", b"text")
    yield broken
    Flaky.store.clear()


def test_a_folder_of_a_url_that_cannot_be_listed_deletes_nothing(
    feeder: Feeder, local: LocalAssistant, flaky: set[str]
) -> None:
    assert len(feeder.files.sync("flaky://base", owner="o").uploaded) == 4
    flaky.add("/base/sub")
    report = feeder.files.sync("flaky://base", owner="o", delete=True, raise_on_error=False)
    assert report.unchanged == ("a.md", "b.md", "c.md")
    assert report.deleted == ()
    [(_, error)] = report.failed
    assert "cannot be listed (rate limit exceeded)" in str(error)
    assert len(files_of(local)) == 4


def test_a_url_that_cannot_be_listed_is_refused_before_traffic(
    feeder: Feeder, local: LocalAssistant, flaky: set[str]
) -> None:
    flaky.add("/base")
    with pytest.raises(InvalidRequestError, match=r"cannot be listed .*rate limit"):
        feeder.files.sync("flaky://base", owner="o", delete=True)
    assert local.requests == []


def test_the_owner_of_a_link_to_a_folder_is_the_name_of_the_link(tmp_path: Path) -> None:
    write(tmp_path, "releases/42/a.md")
    (tmp_path / "current").symlink_to(tmp_path / "releases" / "42")
    assert default_owner(tmp_path / "current") == "current"
    assert default_owner(f"{tmp_path}/releases/42/../../current/") == "current"


def test_a_local_url_does_not_follow_links_out_of_the_folder(tmp_path: Path) -> None:
    write(tmp_path, "docs/a.md", "secret.md")
    (tmp_path / "docs" / "out.md").symlink_to(tmp_path / "secret.md")
    for scheme in ("file", "local"):
        listing = list_source(f"{scheme}://{tmp_path}/docs", ALL)
        assert (paths(listing), listing.ignored) == (["a.md"], ["out.md"])


def test_a_url_that_names_a_file_or_nothing_is_said(feeder: Feeder, local: LocalAssistant, archive: Path) -> None:
    with pytest.raises(InvalidRequestError, match="is a file"):
        feeder.files.sync(f"zip://z.md::{archive}", owner="docs")
    with pytest.raises(InvalidRequestError, match=r"no file in|cannot be listed"):  # fsspec 2026 and 2024
        feeder.files.sync("memory://nowhere/docs")
    with pytest.raises(InvalidRequestError, match="owner="):
        feeder.files.sync("memory://")
    with pytest.raises(InvalidRequestError, match="cannot be opened"):
        feeder.files.sync(f"zip://docs::{archive}.missing")
    assert local.requests == []


@pytest.mark.parametrize(
    ("source", "owner"),
    [
        ("s3://bucket/docs", "docs"),
        ("s3://bucket/docs/", "docs"),
        ("gs://bucket", "bucket"),
        ("github://org:repo@main/docs/guides", "guides"),
        ("zip://a/b::s3://bucket/x.zip", "b"),
        ("zip::s3://bucket/x.zip", "x.zip"),
    ],
)
def test_the_owner_of_a_url_is_its_last_part(source: str, owner: str) -> None:
    assert default_owner(source) == owner
