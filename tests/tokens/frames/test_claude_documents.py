from __future__ import annotations

import base64
from typing import Any

from dd0c_route.types import Count
from tests.tokens.frames.claude_counts import SONNET, count, words

TEXT = {"type": "text", "text": "hi"}


def counted(source: Any, **more: Any) -> Count:
    block = {"type": "document", "source": source, **more}
    return count({"messages": [{"role": "user", "content": [TEXT, block]}]}, SONNET)


def test_a_plain_document_is_its_text() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "Rome is a town."}
    assert counted(source).tokens == 8 + words("Rome is a town.") + 38
    named = counted(source, title="facts", citations={"enabled": True})
    assert named.tokens == counted(source).tokens + words("facts") + 554
    assert counted(source, citations={"enabled": False}) == counted(source)


def test_a_page_of_a_pdf_is_an_image_and_its_text() -> None:
    pdf = b"%PDF-1.4\n1 0 obj <</Type /Pages /Count 2>>\n2 0 obj <</Type /Page>>\n3 0 obj <</Type/Page >>"
    source = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(pdf).decode()}
    assert counted(source).tokens == 8 + 2 * 1605
    left_out = {"type": "base64", "data": '__OMITTED__{"bytes": 9, "fmt": "PDF", "pages": 3}'}
    assert counted(left_out).tokens == 8 + 3 * 1605
    assert counted(left_out).band[1] > 8 + 3 * 3000


def test_a_document_that_is_not_in_the_request_is_a_guess() -> None:
    for source in ({"type": "file", "file_id": "f"}, {"type": "base64", "data": "no base64!"}, {"data": "AAAA"}, None):
        low, high = counted(source).band
        assert low < 100
        assert high > 50_000


def test_a_plain_document_at_bedrock_is_its_text() -> None:
    def converse(source: Any) -> int:
        document = {"document": {"format": "txt", "name": "facts", "source": source}}
        return count(
            {"messages": [{"role": "user", "content": [{"text": "hi"}, document]}]}, SONNET, "bedrock.converse"
        ).tokens

    here = converse({"text": "Rome is a town."})
    assert here == converse({"bytes": base64.b64encode(b"Rome is a town.").decode()})
    assert here == counted({"type": "text", "data": "Rome is a town."}, title="facts").tokens
