"""Images of PDF files, on demand."""

from __future__ import annotations

import base64
import io
import logging
from typing import Any

import pytest
from PIL import Image

from pinecone_assistant_local import LocalAssistant
from pinecone_assistant_local.documents.reading import read_document
from pinecone_assistant_local.store.files import NewFile

from ..conftest import Api
from ..documents.made_files import Picture, jpeg, pdf, raw_image

PHOTO = jpeg(60, 40, "green")
QUERY = "How many meters high does a red pine grow?"
CONTENT = pdf(
    ["A red pine grows up to 25 meters high.", PHOTO],
    ["A blue whale is 30 meters long.", raw_image(), jpeg(4, 4)],
    [jpeg()],
)


def _snippets(api: Api, query: str = QUERY, **options: object) -> dict[int, dict[str, Any]]:
    """The snippets by their page."""
    found = api.context(query=query, **options)
    assert found.status_code == 200, found.text
    return {snippet["reference"]["pages"][0]: snippet for snippet in found.json()["snippets"]}


@pytest.fixture
def illustrated(api: Api) -> Api:
    """A client of an assistant with the PDF, uploaded as multimodal."""
    assert api.upload("nature.pdf", CONTENT, query={"multimodal": "true"}).json()["status"] == "Completed"
    return api


def test_a_jpeg_comes_back_as_it_is_with_a_plain_caption(illustrated: Api) -> None:
    snippet = _snippets(illustrated)[1]
    assert snippet["type"] == "multimodal"
    text, image = snippet["content"]
    assert text == {"type": "text", "text": "A red pine grows up to 25 meters high."}
    data = base64.b64encode(PHOTO.data).decode()
    assert image == {
        "type": "image",
        "caption": "image on page 1",
        "image": {"type": "base64", "mime_type": "image/jpeg", "data": data},
    }


def test_other_images_come_as_png_and_decoration_not_at_all(illustrated: Api) -> None:
    _, *images = _snippets(illustrated, "How many meters long is a blue whale?")[2]["content"]
    (image,) = images
    assert image["image"]["mime_type"] == "image/png"
    with Image.open(io.BytesIO(base64.b64decode(image["image"]["data"]))) as picture:
        assert (picture.size, picture.convert("RGB").getpixel((5, 5))) == ((40, 30), (0, 0x80, 0xFF))


def test_without_binary_content_there_is_the_caption_alone(illustrated: Api) -> None:
    _, image = _snippets(illustrated, include_binary_content=False)[1]["content"]
    assert image == {"type": "image", "caption": "image on page 1"}


def test_without_multimodal_there_is_text_alone(illustrated: Api) -> None:
    snippet = _snippets(illustrated, multimodal=False)[1]
    assert (snippet["type"], snippet["content"]) == ("text", "A red pine grows up to 25 meters high.")


def test_a_file_that_was_not_uploaded_as_multimodal_has_no_images(api: Api) -> None:
    api.upload("nature.pdf", pdf(["A red pine grows up to 25 meters high.", PHOTO]))
    assert _snippets(api)[1]["type"] == "text"


def test_a_page_that_is_an_image_can_be_found(illustrated: Api) -> None:
    snippet = _snippets(illustrated, "What is the image on page 3?")[3]
    assert [block["type"] for block in snippet["content"]] == ["text", "image"]


def test_an_image_is_returned_once_though_its_page_has_many_passages(api: Api) -> None:
    lines = [f"Fact {number}: a red pine grows up to {number} meters high." for number in range(40)]
    api.upload("nature.pdf", pdf([*lines, PHOTO]), query={"multimodal": "true"})
    snippets = api.context(query=QUERY).json()["snippets"]
    assert [snippet["type"] for snippet in snippets] == ["multimodal"] + ["text"] * (len(snippets) - 1)
    assert len(snippets) > 1


@pytest.mark.parametrize(("version", "multimodal"), [("2025-04", False), ("2025-10", True), ("2026-07", True)])
def test_multimodal_is_known_from_2025_10_on(api: Api, version: str, multimodal: bool) -> None:
    api.version = version
    api.upload("nature.pdf", CONTENT, query={"multimodal": "true"})
    (file,) = api.call("GET", f"/files/{api.local.name}").json()["files"]
    assert file["multimodal"] is multimodal
    assert _snippets(api)[1]["type"] == ("multimodal" if multimodal else "text")
    api.version = "2025-04"
    assert _snippets(api)[1]["type"] == "text"


def test_multimodal_is_for_pdf_files_only(api: Api) -> None:
    response = api.upload("pine.md", "A red pine.", query={"multimodal": "true"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "INVALID_ARGUMENT")


def test_a_chat_answers_from_a_multimodal_file_in_text(illustrated: Api) -> None:
    options = {"multimodal": True, "include_binary_content": True}
    body = illustrated.chat(QUERY, context_options=options).json()
    assert "25 meters" in body["message"]["content"]
    assert "base64" not in str(body)


def test_an_image_that_is_too_large_keeps_its_caption(caplog: pytest.LogCaptureFixture) -> None:
    """The log says how many there were."""
    huge = Picture(b"x", "FlateDecode", 100_000, 100_000)
    content = pdf(["A red pine.", huge, PHOTO])
    document = read_document("x.pdf", content, multimodal=True)
    assert [image.data is None for image in document.images] == [True, False]
    assert document.images_left_out == 1
    with LocalAssistant() as local, caplog.at_level(logging.WARNING):
        service = local.service
        file, _ = service.store.files.add(local.name, NewFile("x.pdf", content, multimodal=True))
        service.ingest.submit(file).result()
    assert "x.pdf: images without data (too many, too large or not readable): 1" in caplog.text


def test_images_go_with_their_file(illustrated: Api) -> None:
    local = illustrated.local
    (file,) = illustrated.call("GET", f"/files/{local.name}").json()["files"]
    database = local.service.store.database

    def count() -> int:
        with database.read() as connection:
            return int(connection.execute("SELECT count(*) FROM images").fetchone()[0])

    assert count() == 3
    illustrated.upload("nature.pdf", pdf(["Text alone."]), method="PUT", file_id=file["id"])
    assert count() == 0
    illustrated.upload("nature.pdf", CONTENT, method="PUT", file_id=file["id"], query={"multimodal": "true"})
    assert count() == 3
    illustrated.call("DELETE", f"/files/{local.name}/{file['id']}")
    assert count() == 0
