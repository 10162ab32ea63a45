"""OpenAI's Responses API keeps the laws of every dialect."""

from __future__ import annotations

from dd0c_route.wire.neutral.responses import RESPONSES
from tests.wire.neutral.contract import Contract


class TestResponses(Contract):
    dialect = RESPONSES
    asks = (
        "audio custom custom_results effort file file_name image_bytes image_detail image_url json parallel "
        "result_images schema schema_name schema_strict signature strict system_turns thinking user"
    )
    says = "created custom refusal thinking signature cache_write"
