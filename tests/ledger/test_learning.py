from __future__ import annotations

from dd0c_route.ledger.learning import Learning
from dd0c_route.ledger.store import Lesson
from dd0c_route.tokens.calibration import Calibration
from dd0c_route.tokens.drift import CALLS
from dd0c_route.tokens.traits import Traits
from dd0c_route.types import Count
from tests.ledger.examples import an_audit

TOOLS = Traits("openai.chat", "tools", "", "0123456789abcdef")


def estimated(tokens: int) -> Count:
    return Count(tokens, "estimated", (0, 10 * tokens), "o200k_base")


def taught(learning: Learning, times: int) -> dict[Lesson, str]:
    for _ in range(times):
        learning.add(an_audit())
    changed, dropped = learning.take_changes()
    assert not dropped
    return changed


def corrected(calibration: Calibration) -> int:
    return calibration.correct(estimated(500), "acme", "acme-small", TOOLS).tokens


def test_what_the_same_calls_are_off_by_is_corrected() -> None:
    learning = Learning()
    taught(learning, 5)
    assert corrected(learning.residuals.calibration()) == 530


def test_it_goes_on_where_a_stored_one_ended() -> None:
    learning = Learning()
    stored = taught(learning, 4)
    again = Learning(stored)
    assert corrected(again.residuals.calibration()) == 500
    taught(again, 1)
    assert corrected(again.residuals.calibration()) == 530


def test_only_what_changed_is_to_be_stored() -> None:
    learning = Learning()
    taught(learning, 3)
    assert taught(learning, 0) == {}
    learning.add(an_audit(model="acme-large", answer=None))
    changed, _ = learning.take_changes()
    assert changed
    assert all("acme-large" in key for _, key in changed)


def test_alerts_survive_too() -> None:
    learning = Learning()
    wrong = Count(290, "exact", (290, 290), "o200k_base")
    for _ in range(CALLS):
        learning.add(an_audit(answer=wrong))
    changed, _ = learning.take_changes()
    (alert,) = Learning(changed).watch.alerts()
    assert (alert.provider, alert.model, alert.kind, alert.state) == ("acme", "acme-small", "answer", "not_exact")
