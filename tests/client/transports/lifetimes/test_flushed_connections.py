"""Connections that were closed with bytes still to be sent: after sending them they have no event loop."""

from __future__ import annotations

import asyncio

import aiohttp

from pinecone_assistant_client.transports.loop_session import Connector, LoopSession


async def _close_after_a_flush() -> None:
    is_read = asyncio.Event()
    may_read = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await may_read.wait()
        while await reader.read(65_536):
            pass
        writer.close()
        is_read.set()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        connector = Connector()
        entry = LoopSession(aiohttp.ClientSession(connector=connector), connector, 1)
        await entry.close_with_loop()
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        connector.transports.add(writer.transport)
        writer.write(bytes(16_000_000))
        writer.close()
        may_read.set()
        await is_read.wait()
        await entry.close()
        assert reader.at_eof()


def test_a_session_closes_beside_a_connection_that_was_flushed_after_its_end() -> None:
    asyncio.run(_close_after_a_flush())
