"""What a request goes on with."""

from __future__ import annotations

import pytest

from dd0c_route.wire.body import split
from dd0c_route.wire.stored import goes_on_with, is_stored, names_items


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"model":"m"}', ()),
        (b'{"previous_response_id":"resp_1"}', ("resp_1",)),
        (b'{"previous_response_id":null,"conversation":"conv_1"}', ("conv_1",)),
        (b'{"conversation":{"id":"conv_1"}}', ("conv_1",)),
        (b'{"conversation":{"id":7},"previous_response_id":[]}', ()),
    ],
)
def test_the_ids_that_a_request_continues_are_read(body: bytes, names: tuple[str, ...]) -> None:
    assert goes_on_with(split(body)) == names


@pytest.mark.parametrize(
    ("body", "stored"),
    [(b"{}", True), (b'{"store":true}', True), (b'{"store":null}', True), (b'{"store": false}', False)],
)
def test_an_answer_is_stored_unless_the_request_says_no(body: bytes, stored: bool) -> None:
    assert is_stored(split(body)) is stored


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"input":[{"content":[{"type":"input_file","file_id":"file-1"}]}]}', True),
        (b'{"input":[{"type":"item_reference","id":"msg_1"}]}', True),
        (b'{"input":"what is a \\"file_id\\"?"}', False),
        (b"", False),
    ],
)
def test_files_and_items_that_a_provider_keeps_are_noticed(body: bytes, names: bool) -> None:
    assert names_items(body) is names
