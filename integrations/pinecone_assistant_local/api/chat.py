"""Chat on both interfaces, plain and streamed, and context snippets."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..answers.answerer import Answer
from ..answers.pieces import Source, snippet_text
from ..answers.rendering import InlineRenderer, place_citations
from ..answers.requests import ChatRequest, ContextOptions, read_chat_request, read_context_request
from ..search.scoring import Hit
from ..text.tokens import count_tokens
from .bodies import Json, citation_json, cited_files, file_json, image_json, snippet_json, usage_json
from .call import Call, json_response
from .streams import EventStream, completion_events, message_events
from .versions import has_multimodal, has_operations


async def chat_completions(request: Request) -> Response | EventStream:
    """POST /assistant/chat/{assistant}/chat/completions."""
    call = Call.of(request)
    chat, answer = await _answer(call, standard=False)
    renderer = InlineRenderer(call.link_to, call.service.options.references, answer.taken_numbers)
    if chat.stream:
        return _stream(call, completion_events(answer, renderer), heartbeats=False)
    text = renderer.render(await answer.all_pieces())
    body: Json = {
        "id": answer.id,
        "choices": [{"finish_reason": "stop", "index": 0, "message": {"role": "assistant", "content": text}}],
        "model": answer.model,
        "usage": usage_json(answer.prompt_tokens, count_tokens(text)),
    }
    return json_response(body)


async def chat(request: Request) -> Response | EventStream:
    """POST /assistant/chat/{assistant}."""
    call = Call.of(request)
    chat_request, answer = await _answer(call, standard=True)

    def files_of(sources: tuple[Source, ...]) -> dict[str, Json]:
        return {file.id: file_json(file, call.version, signed_url=call.link_to(file)) for file in cited_files(sources)}

    count = answer.context_snippet_count if has_operations(call.version) else None
    highlights = chat_request.include_highlights
    if chat_request.stream:
        events = message_events(answer, files_of, highlights=highlights, context_snippet_count=count)
        return _stream(call, events, heartbeats=True)
    text, placed = place_citations(await answer.all_pieces())
    body: Json = {
        "id": answer.id,
        "model": answer.model,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
        "citations": [citation_json(one, files_of(one.sources), highlights=highlights) for one in placed],
        "usage": usage_json(answer.prompt_tokens, count_tokens(text)),
    }
    if count is not None:
        body["context_snippet_count"] = count
    return json_response(body)


async def context(request: Request) -> Response:
    """POST /assistant/chat/{assistant}/context."""
    call = Call.of(request)
    name = await call.existing_assistant()
    asked = read_context_request(call.json())
    hits = await call.service.run(lambda: call.service.answers.context(name, asked))
    images = await call.service.run(lambda: _images(call, asked.options, hits))
    texts = [snippet_text(hit, asked.options.snippet_size) for hit in hits]
    snippets = [
        snippet_json(hit, text, file_json(hit.file, call.version, signed_url=call.link_to(hit.file)), blocks)
        for hit, text, blocks in zip(hits, texts, images, strict=True)
    ]
    tokens = sum(count_tokens(turn.content) for turn in asked.messages) + sum(map(count_tokens, texts))
    return json_response(
        {
            "snippets": snippets,
            "usage": usage_json(tokens, 0),
            "id": call.service.answer_ids.next(request.url.path, call.body),
        }
    )


def _images(call: Call, options: ContextOptions, hits: Sequence[Hit]) -> list[list[Json]]:
    """The image blocks of each hit; an image belongs to the best hit of its page."""
    seen: set[tuple[str, int | None]] = set()
    blocks: list[list[Json]] = []
    for hit in hits:
        page = (hit.file.id, hit.page)
        wanted = options.multimodal and has_multimodal(call.version) and hit.file.multimodal and page not in seen
        seen.add(page)
        found = call.service.store.passages.images_of_page(hit.file.row, hit.page) if wanted and hit.page else []
        blocks.append([image_json(image, with_data=options.include_binary_content) for image in found])
    return blocks


async def _answer(call: Call, *, standard: bool) -> tuple[ChatRequest, Answer]:
    name = await call.existing_assistant()
    asked = read_chat_request(call.json(), standard=standard, allowed_models=call.service.options.allowed_models)
    answer_id = call.service.answer_ids.next(call.request.url.path, call.body)
    return asked, await call.service.run(lambda: call.service.answers.answer(name, asked, answer_id))


def _stream(call: Call, events: AsyncGenerator[Json, None], *, heartbeats: bool) -> EventStream:
    options = call.service.options
    return EventStream(
        events,
        heartbeat_seconds=options.heartbeat_seconds if heartbeats else None,
        token_delay_seconds=options.token_delay_seconds,
    )


_CHAT = "/assistant/chat/{assistant}"
ROUTES = [
    Route(_CHAT + "/chat/completions", chat_completions, methods=["POST"]),
    Route(_CHAT, chat, methods=["POST"]),
    Route(_CHAT + "/context", context, methods=["POST"]),
]
