"""The images of multimodal files, stored next to the passages of their pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from ..documents.contents import PdfImage
from .database import Database


class Images:
    """The images of every file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_page(self, file_row: int, page: int) -> list[PdfImage]:
        """The images on a page of a file, in the order of the file."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT page, mime_type, data FROM images WHERE file = ? AND page = ? ORDER BY position",
                (file_row, page),
            ).fetchall()
        return [PdfImage(row["page"], row["mime_type"], row["data"]) for row in rows]


def replace_images(connection: sqlite3.Connection, file_row: int, images: Iterable[PdfImage]) -> None:
    """Makes these the images of a file, in the transaction of its passages."""
    connection.execute("DELETE FROM images WHERE file = ?", (file_row,))
    connection.executemany(
        "INSERT INTO images VALUES (?, ?, ?, ?, ?)",
        [
            (file_row, position, image.page, image.mime_type, image.data)
            for position, image in enumerate(images, start=1)
        ],
    )
