"""A web endpoint that streams an answer to a browser, token by token, with its citations at the end.

Run it and open the address that it prints. Closing the page stops the request to the assistant.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator

import uvicorn
from demo_assistant import QUESTION, local_assistant
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.routing import Route

from langchain_pinecone_assistant import ChatPineconeAssistant
from pinecone_assistant_client import AssistantError

PAGE = """<!doctype html><title>Ask</title><form><input name=q size=60 value="%s"><button>Ask</button></form><p id=a></p><script>
document.forms[0].onsubmit = event => {
  event.preventDefault(); a.textContent = "";
  const source = new EventSource("/ask?q=" + encodeURIComponent(event.target.q.value));
  source.addEventListener("token", e => a.textContent += JSON.parse(e.data));
  source.addEventListener("end", e => { a.textContent += " " + e.data; source.close(); });
};</script>"""


def create_app(chat: ChatPineconeAssistant) -> Starlette:
    async def events(question: str) -> AsyncIterator[str]:
        citations: list[str] = []
        try:
            async for chunk in chat.astream(question):
                if chunk.text:
                    yield f"event: token\ndata: {json.dumps(chunk.text)}\n\n"
                for citation in chunk.additional_kwargs.get("citations", ()):
                    citations += [reference["file_name"] for reference in citation["references"]]
        except AssistantError as error:  # the headers are sent already, so the stream has to report the error
            yield f"event: end\ndata: {json.dumps(str(error))}\n\n"
        else:
            yield f"event: end\ndata: {json.dumps(sorted(set(citations)))}\n\n"

    async def ask(request: Request) -> StreamingResponse:
        return StreamingResponse(events(request.query_params.get("q", "")), media_type="text/event-stream")

    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse(PAGE % QUESTION)

    return Starlette(routes=[Route("/", page), Route("/ask", ask)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    with local_assistant(token_delay_seconds=0.02) as local:
        chat = ChatPineconeAssistant(**local.connection, strip_references=True)
        uvicorn.run(create_app(chat), port=parser.parse_args().port)


if __name__ == "__main__":
    main()
