"""What a call will probably cost at each target: its prompt, as far as it is cached, and an answer of the usual length.

The prompt is counted once and carried over to other tokenizers by how they count the same sample: 0.1 ms in all at
most, whatever the request's length and however many targets there are. Plain text is not even counted: a few slices
tell its length well enough to compare what it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache

from msgspec import Raw, structs

from dd0c_route.brain.cachecost import Terms, cached_tokens, kept_of, split, terms_of
from dd0c_route.brain.request import Asked
from dd0c_route.decide.router import Asking, Expected
from dd0c_route.errors import PriceMissing
from dd0c_route.pricing import Catalog, Price, amount
from dd0c_route.tokens import count_request
from dd0c_route.tokens.models import tokenizer_for
from dd0c_route.types import Call, Count, PicoUSD, Target, Usage

USUAL_OUTPUT_TOKENS = 400  # of an answer, where nothing better is known: the recordings' median is shorter
ROUGHLY_OF = "gpt-4o"  # whose tokens a rough count is of
_NOT_TEXT = frozenset(("tools", "server_tools", "vision", "audio", "files", "video", "state", "vectors"))
_SAMPLE = (
    "Please look at the failing test and tell me why it fails. It should return the sum of all even numbers:\n"
    "def total(numbers: list[int]) -> int:\n    return sum(number for number in numbers if number % 2 == 0)\n"
)

Correct = Callable[[Count, str, Mapping[str, Raw], str, str], Count]
Lengths = Callable[[str, Asked], tuple[float, float]]  # of an answer: without reasoning, and its reasoning


def usual_length(model: str, asked: Asked) -> tuple[float, float]:
    return USUAL_OUTPUT_TOKENS, 0.0


class ExpectedCosts:
    """Prices calls ahead.

    Args:
        correct: What is known of our own counts.
        lengths: How long answers become.
    """

    def __init__(self, catalog: Catalog, correct: Correct, lengths: Lengths = usual_length) -> None:
        self._catalog = catalog
        self._correct = correct
        self._lengths = lengths
        self._worst: dict[str, Price] = {}
        self._terms_of: dict[Target, Terms | None] = {}

    def prepare(self, targets: Collection[Target], at_ns: int) -> None:
        """Work out what takes too long for a call: terms of caches, and the worst case of providers without a price."""
        self._terms_of = {target: self._terms(target) for target in targets}
        for target in targets:
            if target.provider not in self._worst and self._priced(target, at_ns, Usage(1, output=1)) is None:
                worst = self._catalog.worst_case(target.provider, at_ns)
                has_both = worst.rates.input is not None and worst.rates.output is not None
                self._worst[target.provider] = worst if has_both else self._catalog.worst_case("", at_ns)

    def __call__(self, asking: Asking, targets: Sequence[Target]) -> list[Expected]:
        """In the order of *targets*; the last one's tokenizer counts."""
        call, last = asking.call, targets[-1]
        count = _rough(asking, last.model)
        of = last.model if count is None else ROUGHLY_OF
        if count is None:
            count = count_request(call.api, call.fields, last.model, last.provider)
        return [self._expected(asking, target, self._counted(count, call, of, target)) for target in targets]

    def kept(self, target: Target, usage: Usage) -> int:
        """How many tokens the provider of *target* has in its cache after a call that used *usage*."""
        return kept_of(usage, self._terms(target))

    def _counted(self, count: Count, call: Call, of: str, target: Target) -> Count:
        """*count*, which is for the model *of*, for *target*."""
        factor = _factor(target.model, of)
        if factor != 1.0:
            band = (int(count.band[0] * factor), int(count.band[1] * factor) + 1)
            count = Count(round(count.tokens * factor), "estimated", band, count.tokenizer)
        return self._correct(count, call.api, call.fields, target.model, target.provider)

    def _expected(self, asking: Asking, target: Target, prompt: Count) -> Expected:
        request, at_ns = asking.request, asking.call.at_ns
        terms = self._terms(target)
        warm = asking.session.warm if asking.session is not None else {}
        cached = cached_tokens(prompt.tokens, request.prefix_hashes, warm.get(target), terms, at_ns)
        output, reasoning = self._output(asking, target)
        usage = _with_output(split(prompt.tokens, cached, request.cache, terms), output, reasoning)
        cost = self._priced(target, at_ns, usage)
        share = round(cached / prompt.tokens, 3) if prompt.tokens else 0.0
        known = (prompt.band[1], output + reasoning, share)
        if cost is None:
            worst = self._worst.get(target.provider)
            return Expected(amount(usage, worst) if worst is not None else 0, True, *known)
        elsewhere = 0 if cached else self._cached_elsewhere(asking, target, prompt.tokens)
        if not elsewhere:
            return Expected(cost, False, *known)
        as_warm = _with_output(split(prompt.tokens, elsewhere, request.cache, terms), output, reasoning)
        return Expected(cost, False, *known, max(0, cost - (self._priced(target, at_ns, as_warm) or cost)))

    def _cached_elsewhere(self, asking: Asking, target: Target, prompt: int) -> int:
        """How much of the prompt another target has in its cache."""
        warm = asking.session.warm if asking.session is not None else {}
        return max(
            (
                cached_tokens(prompt, asking.request.prefix_hashes, state, self._terms(other), asking.call.at_ns)
                for other, state in warm.items()
                if other != target
            ),
            default=0,
        )

    def _output(self, asking: Asking, target: Target) -> tuple[int, int]:
        """Tokens of the answer and of its reasoning: both are in what the caller allows."""
        request = asking.request
        if request.kind == "embedding":
            return 0, 0
        lengths = self._lengths if asking.predicts else usual_length
        answer, reasoning = lengths(target.model, request)
        if request.max_output is not None:
            answer = min(answer, request.max_output)
            reasoning = min(reasoning, request.max_output - answer)
        return round(answer), round(reasoning)

    def _terms(self, target: Target) -> Terms | None:
        """Looked up once for each; a configuration has few targets, and names of clients are not kept."""
        if target in self._terms_of:
            return self._terms_of[target]
        return terms_of(self._catalog.seller(target.provider), target.model)

    def _priced(self, target: Target, at_ns: int, usage: Usage) -> PicoUSD | None:
        price = self._catalog.price(target.provider, target.model, at_ns)
        try:
            return amount(usage, price) if price is not None else None
        except PriceMissing:
            return None


def _with_output(prompt: Usage, output: int, reasoning: int) -> Usage:
    return structs.replace(prompt, output=output, reasoning=reasoning)


def _rough(asking: Asking, model: str) -> Count | None:
    """About how long the prompt is; None where it is short, or more than plain text."""
    request = asking.request
    if not asking.predicts or request.signed_thinking or request.in_tool_loop or request.uses & _NOT_TEXT:
        return None
    from dd0c_route.tokens.rough import rough_count  # brings numpy along: here the predictor has done so

    count = rough_count(asking.call.fields, request.depth)
    if count is not None:  # known corrections are of estimates for that model
        count = structs.replace(count, tokenizer=tokenizer_for(model).judge("").tokenizer)
    return count


@lru_cache(maxsize=1024)  # names come from clients
def _factor(model: str, base: str) -> float:
    """How many tokens *model* has for one of *base*, on ordinary text."""
    ours, theirs = tokenizer_for(model), tokenizer_for(base)
    return 1.0 if ours is theirs else ours.judge(_SAMPLE).tokens / max(1, theirs.judge(_SAMPLE).tokens)
