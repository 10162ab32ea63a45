"""The nouns of the system, each defined once: a Call becomes Candidates, a Decision, Attempts, Usage, an Entry.

All are frozen: made once and handed on. `gc=False` where a value can never be part of a reference
cycle, so that the collector does not walk the hot path's objects.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Literal, NoReturn

from msgspec import Raw, Struct, field

PicoUSD = int  # 10⁻¹² dollars; money is never a float

Dialect = Literal["openai", "anthropic", "gemini", "bedrock", "passthrough"]
EndState = Literal["complete", "client_gone", "upstream_failed", "timed_out", "denied", "shut_down", "internal"]
UsageSource = Literal["provider_final", "provider_partial", "local_exact", "local_estimated", "none"]


class Secret:
    """A credential as a type: it cannot be printed, formatted, pickled, copied to JSON or compared with a string.

    `reveal()` is the only way to the value; the source tree calls it only where a credential goes
    on the wire and where the redactor learns what to mask (a test counts the places).
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself. For the credential's own header, and for the redactor."""
        return self._value

    def digest(self) -> bytes:
        """SHA-256 of the value, 32 bytes: what access keys are compared by."""
        return hashlib.sha256(self._value.encode()).digest()

    def fingerprint(self) -> str:
        """Eight hex digits of a SHA-256: tells two secrets apart, gives neither away."""
        return hashlib.sha256(self._value.encode()).hexdigest()[:8]

    def __repr__(self) -> str:
        return f"<secret:{self.fingerprint()}>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")


class Call(Struct, frozen=True):
    """One request of a client, read once.

    Attributes:
        id: `dd_` + ULID.
        at_ns: Wall time of the request's head, in nanoseconds since 1970.
        started_ns: Monotonic time when the whole request was in; `overhead_ms` counts from here.
        dialect: Which family of clients speaks; `passthrough` below `/passthrough/`.
        api: The exact call, named as the recordings are: `openai.chat`, `anthropic.messages`, …
        method: `POST`, …
        path: What is appended to the provider's base URL, with a leading slash (`/chat/completions`).
        query: The raw query string without `?`, or empty.
        headers: Lower-case names and values, as they came, in order.
        body: The raw request body.
        fields: The body's top-level fields, undecoded; empty where the body is not a JSON object.
        model: The model asked for, as the client wrote it; empty where there is none.
        provider: The provider named in the path (pass-through only), else empty.
        stream: The client asked for an event stream.
        key_id: Which of the router's access keys was used, or None.
        session, tags, policy: From the caller's `x-dd0c-*` headers or the body's `dd0c` object.
        route_off: Never re-route this call.
        wants_cost: Put the cost into the final usage object of a stream.
        may_drop: What a provider of another dialect cannot be given is left out of the request, and named.
        subscription: Whose subscription the caller's credential stands for (`anthropic`), or None.
    """

    id: str
    at_ns: int
    started_ns: int
    dialect: Dialect
    api: str
    method: str
    path: str
    query: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    fields: dict[str, Raw]
    model: str
    provider: str = ""
    stream: bool = False
    key_id: str | None = None
    session: str | None = None
    tags: dict[str, str] = {}
    policy: str | None = None
    route_off: bool = False
    wants_cost: bool = False
    may_drop: bool = False
    subscription: str | None = None


class Target(Struct, frozen=True, gc=False):
    """A model at a provider, written `provider/model`."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


class Candidate(Struct, frozen=True):
    """A target with its odds and its price already worked out, as a policy sees it.

    Attributes:
        p_good: Probability of a good answer, 0..1, or None where nothing is known.
        expected_cost: Picodollars for this call, or None where nothing is known of it.
        unpriced: The model has no price: *expected_cost* is the worst case.
        asked: It is the model asked for: what quality is measured against, and what may always answer.
        support: How much of what the odds rest on is like this call, 0..1, or None where there are none.
        ruled_out: Why it must not answer this call, in a few words; None where it may.
        expected_output: Tokens that its answer will probably have, reasoning included.
        cached_share: Which part of the prompt its provider is expected to have in its cache, 0..1.
        switch_cost: Picodollars of *expected_cost* that are due because the session's prompt is cached elsewhere.
        learned: What labels of this route added to *p_good*.
        failing: Share of the tries at it that fail lately; the second tries are in *expected_cost*.
    """

    target: Target
    p_good: float | None = None
    expected_cost: PicoUSD | None = None
    unpriced: bool = False
    asked: bool = False
    support: float | None = None
    ruled_out: str | None = None
    expected_output: int | None = None
    cached_share: float = 0.0
    switch_cost: PicoUSD = 0
    learned: float = 0.0
    failing: float = 0.0


class Conversation(Struct, frozen=True):
    """What is remembered of a call once it is answered, for the next call of its conversation. Holds no text.

    Attributes:
        key: Which conversation, 64 bits.
        prefix: Hashes of system, tools and opening: what a provider's cache goes by.
        uses: What a model must be capable of to go on with it.
        cache: What the call asks of an explicit cache: empty, `5m` or `1h`.
    """

    key: int
    prefix: tuple[int, ...]
    uses: frozenset[str]
    cache: str = ""


class Decision(Struct, frozen=True):
    """What to try, in order, and why.

    Attributes:
        plan: The targets to try, best first; never empty.
        verdict: `routed` (another model than asked), `kept` (the same), `pinned` (the caller forbade routing).
        reason: One line for a person; no prompt, no secret.
        asked: What the model's name means when nothing is re-routed: the baseline of the savings.
        policy: Name of the policy that decided, or None where no route matched.
        route: Index of the route that matched, or None.
        candidates: What the policy chose among.
        shadow: What the policy would have chosen, where the route only watches.
        decide_us: Time spent on deciding, in microseconds with one decimal.
        checked: So many targets at the head of *plan* have their answers checked before the client sees one; where
            an answer is good with less than *good_enough* after that, the next target is asked.
        samples: How often each of them is asked; what it says must agree.
        promise: What the policy promises of its choices and what that rests on, or why it does not; None where it
            makes none.
        route_id: The same route by what it says, so that what is learned of it outlives a new order of routes.
        mode: The route's: `shadow`, `canary`, `on`; None where none matched.
        control: The call is one of those that keep the model asked for, so that the others have something to be
            measured against.
        bound: Nothing was chosen: whoever began the tool loop, or had the thoughts, goes on.
        kind: What the request is, as `brain.request` tells it.
        form: The form of answer that it asks for.
        gate: How much of the odds rests on texts like this one, 0..1; None where there are no odds.
        fault: What is wrong with the brain: it failed, was too slow, or its predictor rests after that; None: nothing.
        conversation: Which conversation the call is part of; None where no route matched. Not recorded.
        dropped: What of the answer the caller was not told, and fields of the request that its provider was not given,
            because the other dialect has nothing like them.
        may_drop: The route allows that. Not recorded.
    """

    plan: tuple[Target, ...]
    verdict: Literal["routed", "kept", "pinned"]
    reason: str
    asked: Target | None = None
    policy: str | None = None
    route: int | None = None
    candidates: tuple[Candidate, ...] = ()
    shadow: Target | None = None
    decide_us: float = 0.0
    checked: int = 0
    good_enough: float = 0.0
    samples: int = 1
    promise: dict[str, Any] | None = None
    route_id: str | None = None
    mode: str | None = None
    control: bool = False
    bound: bool = False
    kind: str | None = None
    form: str | None = None
    gate: float | None = None
    fault: str | None = None
    conversation: Conversation | None = None
    dropped: tuple[str, ...] = ()
    may_drop: bool = False


class Attempt(Struct, frozen=True, gc=False):
    """One upstream try. Times are milliseconds since the call's start.

    Attributes:
        connection: How it ended for the connection: `pooled`, `closed`, `aborted`, `failed`; before it, `new` or
            `reused` (`reused:pooled`).
        billable_input_tokens: Of a try that was sent and never answered, where another one gave the answer: the prompt
            that its provider may bill all the same, and what that costs (None: no price).
        usage, cost_picodollars: Of a try whose answer was not handed on, because it failed a check: what it used and
            cost (None: no price). The entry's cost contains it.
    """

    target: str
    started_ms: float
    first_byte_ms: float | None = None
    ended_ms: float | None = None
    status: int | None = None
    error: str | None = None
    connection: str | None = None
    billable_input_tokens: int = 0
    billable_picodollars: PicoUSD | None = None
    usage: Usage | None = None
    cost_picodollars: PicoUSD | None = None


class Usage(Struct, frozen=True, gc=False):
    """Disjoint counts in tokens: no token is in two fields. Zero where a class does not occur.

    `wire/` turns each provider's report into it.
    """

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def input_total(self) -> int:
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h

    @property
    def output_total(self) -> int:
        return self.output + self.reasoning


class Media(Struct, frozen=True, gc=False):
    """Which of the tokens of a `Usage` are not plain text: parts of its fields, never added to them.

    Attributes:
        input_audio, input_image, input_video: Parts of `Usage.input`.
        cache_read_audio, cache_read_image, cache_read_video: Parts of `Usage.cache_read`.
        output_audio, output_image, output_video: Parts of `Usage.output`.
        accepted_prediction, rejected_prediction: Parts of `Usage.output`: what became of the caller's own prediction
            of the answer. Billed as output, both.
        audio_seconds: How long the sound in the input is, where that is what is billed instead of its tokens.
    """

    input_audio: int = 0
    input_image: int = 0
    input_video: int = 0
    cache_read_audio: int = 0
    cache_read_image: int = 0
    cache_read_video: int = 0
    output_audio: int = 0
    output_image: int = 0
    output_video: int = 0
    accepted_prediction: int = 0
    rejected_prediction: int = 0
    audio_seconds: int = 0


class ServerTools(Struct, frozen=True, gc=False):
    """What the provider's own tools did for a call: billed apart, beside the tokens.

    Attributes:
        web_search, web_fetch, x_search, file_search, code_execution, image_generation: Calls of the tool.
        google_search: Searches of Gemini's grounding, as Google bills them: queries since Gemini 3, before that
            one for each grounded answer.
        citation_tokens: Tokens of the pages that a search cited (Perplexity).
        search_units: Searches of a rerank, as Cohere bills them.
    """

    web_search: int = 0
    web_fetch: int = 0
    x_search: int = 0
    file_search: int = 0
    code_execution: int = 0
    image_generation: int = 0
    google_search: int = 0
    citation_tokens: int = 0
    search_units: int = 0


TEXT_ONLY = Media()
NO_TOOLS = ServerTools()


class Count(Struct, frozen=True, gc=False):
    """A local token count, with how far it can be trusted.

    Attributes:
        band: The lowest and highest true count to expect (95 %); equal to *tokens* twice where exact.
        tokenizer: What counted.
    """

    tokens: int
    exactness: Literal["exact", "estimated"]
    band: tuple[int, int]
    tokenizer: str


class Intent(Struct, frozen=True):
    """Journaled before the first upstream byte: this call is going to cost something."""

    id: str
    at: str
    dialect: str
    api: str
    requested_model: str
    provider: str
    served_model: str
    stream: bool
    session: str | None = None
    tags: dict[str, str] = {}
    key_id: str | None = None


class PriceLine(Struct, frozen=True, gc=False, omit_defaults=True):
    """One item of what a call used: tokens x rate = amount, in whole picodollars.

    Attributes:
        name: `class` in JSON: a field of `Usage`, `Media` or `ServerTools`, or `request` for what is due once a call.
        tokens: How many; of *unit*, where that is not `token`.
        rate_usd_per_mtok: Exact decimal text, dollars per million of them.
    """

    name: str = field(name="class")
    tokens: int
    rate_usd_per_mtok: str
    amount_picodollars: PicoUSD
    unit: str = "token"


class Repricing(Struct, frozen=True):
    """What an entry said before it was priced anew; what it says since is in the entry, or in the next of these.

    Attributes:
        at: When, RFC 3339.
        reason: Why, in a few words.
    """

    at: str
    reason: str
    cost_picodollars: PicoUSD | None
    cost_billable_picodollars: PicoUSD | None
    baseline_picodollars: PicoUSD | None
    saved_picodollars: PicoUSD | None
    unpriced: bool
    price: dict[str, Any] | None
    price_lines: tuple[PriceLine, ...] = ()
    billable_lines: tuple[PriceLine, ...] = ()
    baseline_price: dict[str, Any] | None = None


class Entry(Struct, frozen=True, omit_defaults=False):
    """One call in the ledger; docs/reference.md says what each field means.

    Token counts are None where they cannot be known; money is None where `unpriced`.
    """

    id: str
    at: str
    dialect: str
    api: str
    provider: str
    requested_model: str
    served_model: str
    stream: bool
    status: int
    end_state: EndState
    error: str | None = None
    attempts: tuple[Attempt, ...] = ()
    usage: Usage = Usage()
    usage_source: UsageSource = "none"
    error_band: tuple[int, int] | None = None
    delivered_output_tokens: int = 0
    delivered_bytes: int = 0
    received_output_tokens: int = 0
    billable_output_tokens: int = 0
    cost_picodollars: PicoUSD | None = None
    cost_usd: str | None = None
    cost_billable_picodollars: PicoUSD | None = None
    cost_provider_usd: str | None = None
    price: dict[str, Any] | None = None
    unpriced: bool = False
    baseline_picodollars: PicoUSD | None = None
    saved_picodollars: PicoUSD | None = None
    decision: dict[str, Any] | None = None
    session: str | None = None
    tags: dict[str, str] = {}
    key_id: str | None = None
    ttft_ms: float | None = None
    duration_ms: float = 0.0
    overhead_ms: float = 0.0
    reported_usage: dict[str, Any] | None = None
    usage_consistent: bool = True
    usage_media: Media | None = None
    server_tools: ServerTools | None = None
    service_tier: str | None = None
    priced_usage: Usage | None = None
    billable_usage: Usage | None = None
    billable_band: tuple[int, int] | None = None
    price_lines: tuple[PriceLine, ...] = ()
    billable_lines: tuple[PriceLine, ...] = ()
    not_priced: tuple[str, ...] = ()
    baseline_price: dict[str, Any] | None = None
    repriced_at: str | None = None
    repriced: tuple[Repricing, ...] = ()
    local_input_tokens: int | None = None
    local_exactness: Literal["exact", "estimated"] | None = None
    local_band: tuple[int, int] | None = None
    local_output_tokens: int | None = None
    feedback: tuple[Label, ...] = ()
    shadow_of: str | None = None
    credential: Literal["stored", "caller", "subscription"] | None = None
    prompt_secrets: dict[str, int] = {}
    prompt_secrets_were: Literal["warned", "masked", "refused"] | None = None


EXPLORED = "explored:"
"""Begins the source of a comparison with a model that the policy had not chosen: it teaches, and judges no promise."""


class Label(Struct, frozen=True, omit_defaults=True):
    """How good an answer was, in the words of one source; journaled when it is known.

    Attributes:
        score: 0 (useless) to 1 (good).
        source: Who says so; a later label of the same kind and source replaces the earlier one.
        kind: `feedback` of people and programs; `check` of the answer's form; `shadow`: *target* compared with the
            model asked for, 1 where its answer was no worse.
        at: RFC 3339.
        target: Whose answer it is about; None: the one that was served.
        comment: Only where `[learning] keep_comments` is on.
        checks: Of kind `check`: what was checked, and whether the answer passed.
        id: The call's; empty inside its entry.
    """

    score: float
    source: str
    kind: Literal["feedback", "check", "shadow"] = "feedback"
    at: str = ""
    target: str | None = None
    comment: str | None = None
    checks: dict[str, bool] = {}
    id: str = ""


class Reset(Struct, frozen=True):
    """An operator lets a route that was rolled back try again; journaled.

    Attributes:
        route: The route's id (`config.identity`).
    """

    route: str
    at: str


class Delivery(Struct, frozen=True, omit_defaults=True):
    """What became of the answer's last bytes, journaled when the socket drained or closed.

    *changes* are the fields of the settled entry that are different now; empty when all of it arrived as assumed.
    """

    id: str
    changes: dict[str, Any] = {}


class Audit(Struct, frozen=True, omit_defaults=True):
    """What a call's tokens are by our own count, beside what its provider reported; journaled when it is counted.

    Attributes:
        id: The call's.
        kind, tool_choice, tools_hash, script: Of the request, as `tokens.traits` tells them.
        count: The input by our own count, before any correction.
        reported: The input that the provider reported, cached tokens included.
        answer: The visible answer by our own count; None where it was not nothing but text.
        answer_reported: The output that the provider reported, without reasoning.
    """

    id: str
    provider: str
    model: str
    api: str
    count: Count
    reported: int
    kind: str = "text"
    tool_choice: str = ""
    tools_hash: str = ""
    script: str = "latin"
    answer: Count | None = None
    answer_reported: int = 0
