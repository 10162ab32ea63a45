"""OpenAI's chat keeps the laws of every dialect."""

from __future__ import annotations

from dd0c_route.wire.neutral.chat import CHAT
from tests.wire.neutral.contract import Contract


class TestChat(Contract):
    dialect = CHAT
    asks = (
        "audio custom effort file file_name image_bytes image_detail image_url json logprobs n parallel penalties "
        "schema schema_name schema_strict seed stop strict system_turns thinking top_k user"
    )
    says = "created custom refusal thinking cache_write"
