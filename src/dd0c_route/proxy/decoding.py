"""A stream that comes with a content coding although none was asked for: undone before it is translated."""

from __future__ import annotations

from dd0c_route.errors import UpstreamInvalid
from dd0c_route.proxy.relay import Edit
from dd0c_route.wire.encoding import Decoder, EncodingError


class Decoding:
    """An edit whose input is decoded first: as far as its bytes go, so that nothing waits for the stream's end.

    Raises:
        UpstreamInvalid: From the constructor, where nobody knows the *coding*; from `feed`, where the stream is not of
            it, or decodes to more than anybody's answer.
    """

    def __init__(self, coding: str, edit: Edit) -> None:
        self._edit = edit
        try:
            self._decoder = Decoder(coding)
        except EncodingError as error:
            raise _invalid(error) from None

    def feed(self, data: bytes) -> bytes:
        try:
            decoded = b"".join(self._decoder.feed(data))
        except EncodingError as error:
            raise _invalid(error) from None
        return self._edit.feed(decoded)

    def end(self) -> bytes:
        return self._edit.end()


def _invalid(error: EncodingError) -> UpstreamInvalid:
    return UpstreamInvalid(f"the provider's answer cannot be read: {error}")
