from __future__ import annotations

from benchmarks.promises import promises, show
from benchmarks.report import Results, Sample, spread


def test_a_promise_is_kept_or_not_or_not_measured() -> None:
    results = Results()
    for target, p99, rps in (("direct", 100.0, 40_000.0), ("nginx", 300.0, 20_000.0), ("router", 7_100.0, 9_000.0)):
        results.samples.append(Sample("open", 500, False, target, 0, {"p50": 90.0, "p99": p99}))
        results.samples.append(Sample("closed", 16, False, target, 0, {"rps": rps}))
    found = {promise.what: promise.line() for promise in promises(results, spread([812.0]), None)}
    assert found["P99 added at 500 requests/s, ms"] == ["P99 added at 500 requests/s, ms", "≤ 5", "7.00", "NOT KEPT"]
    assert found["requests/s at 16 connections"][2:] == ["9,000", "kept"]
    assert found["of nginx at 16 connections"][2:] == ["0.45", "kept"]
    assert found["start to ready, ms"][2:] == ["812", "kept"]
    assert found["worker resident at rest, MB"][2:] == ["-", "not measured"]
    assert "NOT KEPT" in show(promises(results, None, None))


def test_a_proxy_that_is_faster_than_none_shows_that_the_machine_was_noisy() -> None:
    results = Results()
    for target, p99 in (("direct", 9_000.0), ("router", 1_000.0)):
        results.samples.append(Sample("open", 500, False, target, 0, {"p50": 90.0, "p99": p99}))
    assert promises(results, None, None)[0].line()[2:] == ["-8.00", "too noisy to tell"]
