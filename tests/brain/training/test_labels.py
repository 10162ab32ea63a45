"""Labels are read whole, or refused with the line at fault."""

from __future__ import annotations

import pytest

from dd0c_route.brain.training.labels import MAX_FAULTS, read_labels
from dd0c_route.errors import BadLabels

GOOD = b'{"prompt": "1+1?", "model": "a", "score": 1, "more": "is ignored"}\n'


def test_labels_become_a_matrix() -> None:
    labels = read_labels([GOOD, b"\n", b'{"prompt": "2+2?", "model": "b", "score": 0.25}\n'])
    assert (labels.prompts, labels.models) == (["1+1?", "2+2?"], ["a", "b"])
    assert labels.scores.tolist() == [[1, 0], [0, 0.25]]
    assert labels.known.tolist() == [[True, False], [False, True]]


def test_several_labels_of_one_answer_are_averaged() -> None:
    labels = read_labels([GOOD, GOOD.replace(b"1,", b"0,")])
    assert labels.scores.tolist() == [[0.5]]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"{", "line 2: "),
        (b"[]", "line 2: Expected `object`"),
        (b'{"prompt": "x", "model": "a"}', "line 2: Object missing required field `score`"),
        (b'{"prompt": "x", "model": "a", "score": 2}', "line 2: score 2 is not within 0 and 1"),
        (b'{"prompt": "x", "model": "", "score": 1}', "line 2: the model has no name"),
        (b'{"prompt": 3, "model": "a", "score": 1}', "line 2: Expected `str`"),
        (b'{"prompt": "\xff", "model": "a", "score": 1}', "line 2: "),
    ],
)
def test_a_line_at_fault_is_named(line: bytes, fault: str) -> None:
    with pytest.raises(BadLabels) as raised:
        read_labels([GOOD, line])
    assert raised.value.faults[0].startswith(fault)


def test_a_file_of_the_wrong_kind_names_a_few_lines_only() -> None:
    with pytest.raises(BadLabels) as raised:
        read_labels([b"id,score"] * 1000)
    assert len(raised.value.faults) == MAX_FAULTS


def test_no_label_is_a_fault() -> None:
    with pytest.raises(BadLabels, match="there is no label"):
        read_labels([b"\n"])
