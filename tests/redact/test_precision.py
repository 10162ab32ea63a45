# ruff: noqa: RUF001 - prose in ten scripts has letters that look like others
"""What is not a credential passes unchanged: a redactor that eats the log is switched off by its first user."""

from __future__ import annotations

import base64
import hashlib
import random
import uuid

import pytest

from dd0c_route.redact import redact_sensitive

_DICE = random.Random(5)


def _bytes(count: int) -> bytes:
    return _DICE.randbytes(count)


def _letters(alphabet: str, count: int) -> str:
    return "".join(_DICE.choices(alphabet, k=count))


_ALNUM = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

WORDS = """
sk-learn scikit-learn sk-learn-extra task-list-management-service disk-usage-per-volume-2026
risk-assessment-framework-2026 flask-sqlalchemy-extension ask-me-anything-about-routing-2026
desk-booking-system-for-teams-v2 mask-rcnn-resnet50-fpn-coco husk-shell-completion-generator
kiosk-mode-launcher-2026-edition brisk-start-guide-for-operators tusk-manager-installation-guide-v3 hf_hub_download
hf_transfer_enabled_by_default glfw_create_window_surface fw_version_string_of_the_device pplx-70b-online
pa-risc-assembler-reference xai-sdk-python-client nvapi-client-for-python api_org_members_list github_pat_ ghs_
ghp_... gsk_enabled r8_unorm_texture_format_descriptor dapi_url dapi AIza AKIA ASIA SLOVAKIA-2026
whisk-and-bake-cookie-recipes-2026 basic-auth-middleware-configuration bearer-token-authentication-middleware
token_count max_tokens prompt_tokens completion_tokens total_tokens cache_read_input_tokens tokens_per_second
tokenizer monkey donkey turkey keyboard key_id idempotency_key secretary secrets.token_urlsafe
password_hash_algorithm passwords authorization_endpoint authorizations cookies cookie_jar signature_version design
signal claude-opus-4-5-20251101 claude-3-5-sonnet-20241022 gpt-4o-mini-2024-07-18 gpt-4.1-nano-2025-04-14
o3-mini-2025-01-31 gemini-2.5-flash-preview-05-20 mistral-large-2411 meta-llama/Llama-3.3-70B-Instruct-Turbo
deepseek-ai/DeepSeek-R1-Distill-Qwen-32B accounts/fireworks/models/llama-v3p1-405b-instruct
anthropic.claude-sonnet-4-20250514-v1:0 us.amazon.nova-pro-v1:0 text-embedding-3-large text-embedding-ada-002
command-r-plus-08-2024 voyage-code-3 BAAI/bge-large-en-v1.5 ft:gpt-4o-mini-2024-07-18:acme:router:A1b2C3d4
qwen2.5-coder-32b-instruct phi-4-multimodal-instruct
arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0
arn:aws:iam::123456789012:role/service-role/bedrock-invoke
projects/acme-prod-1/locations/us-central1/publishers/google/models/gemini
https://api.openai.com/v1/chat/completions
https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:generateContent
https://example.com/path?page=2&sort=key&order=asc https://example.com/search?q=sk-learn+tutorial&key=title
https://example.com/a?next_token=abc&limit=20 http://127.0.0.1:4747/ui/requests?since=2026-11-24T05:30:59Z
git@github.com:acme/router.git ssh://git@example.com/acme/router.git mailto:someone@example.com
https://user@example.com/x /usr/lib/python3/dist-packages/sklearn/metrics/_classification.py
C:\\new\\reports\\task.txt src/dd0c_route/redact/scrub.py application/vnd.oasis.opendocument.text
multipart/form-data;boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW W/"33a64df551425fcc55e4d42a148795d9f25f89d4"
sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
""".split()  # noqa: SIM905 - a list of quoted words would be four times as long

SENTENCES = """
The basic understanding of the bearer of good news
Basic authentication is required for this realm
Bearer authentication is not configured; set api_key in dd0c.toml
bearer token missing
api_key=<your-key>
api_key = "<your key here>"
api_key="sk-..."
OPENAI_API_KEY=your-api-key-here
OPENAI_API_KEY=$OPENAI_API_KEY
OPENAI_API_KEY=${OPENAI_API_KEY:-}
api_key = { env = "OPENAI_API_KEY" }
api_key = os.environ["OPENAI_API_KEY"]
api_key=os.getenv("OPENAI_API_KEY")
client = OpenAI(api_key=api_key, base_url=base_url)
client = OpenAI(api_key=settings.api_key)
const apiKey = process.env.OPENAI_API_KEY;
def login(user: str, password: str, token: str | None = None) -> Token:
password: required, at least twelve characters
password = getpass.getpass()
token = next(tokens)
token=token
secret: Secret | None = None
secret = load_secret(path)
"password": null
"password": "<redacted>"
"token": " Hello"
{"token":" world","logprob":-0.31,"bytes":[32,119]}
{"max_tokens": 4096, "temperature": 0.7}
{"usage":{"prompt_tokens":1234,"completion_tokens":567,"total_tokens":1801}}
x-ratelimit-remaining-tokens: 149984
x-ratelimit-reset-tokens: 6m0s
anthropic-ratelimit-tokens-reset: 2026-11-24T05:30:59Z
WWW-Authenticate: Bearer realm="dd0c", error="invalid_token"
Authorization: required
access-control-allow-headers: authorization, x-api-key, content-type
vary: Authorization, Cookie
The x-api-key header is missing; send your key as x-api-key: <key>
error: authorization failed for provider openai (401)
cache key: 3f786850e387550fdab836ed7e6dc881de23001b
primary_key: 6f1ed002ab5595859014ebf0951522d9
sort key=created_at
keyboard: qwertz, key: Enter
the key is in the drawer
signature: (self, name: str) -> None
Signature verification failed
{"type":"signature_delta","index":0}
git commit 3f786850e387550fdab836ed7e6dc881de23001b
-----BEGIN CERTIFICATE-----
-----BEGIN PUBLIC KEY-----
SELECT key, count(*) FROM requests WHERE key = :key GROUP BY key
function n(e,t){return e.key=t.key,e.token?e.token(t):null}var r=n(i,{key:"a",secret:!1})
!function(e){var t={};function n(r){if(t[r])return t[r].exports;var o=t[r]={i:r,l:!1}}}([function(e,t){}]);
for key, value in sorted(headers.items()): print(f"{key}={value}")
dd0c-route_requests_total{provider="openai",status="200"} 1027
latency p50=0.21ms p99=0.87ms key_id=1a2b3c4d
risk score 0.82, disk 71 %, task 17 of 31
""".strip().splitlines()

LOGS = """
10.0.3.7 - - [24/Nov/2026:05:30:59 +0000] "POST /v1/chat/completions HTTP/1.1" 200 1843 "-" "openai-python/3.1.0" 0.412
E1124 05:30:59.123456       1 reflector.go:147] pkg/mod/k8s.io/client-go@v0.29.1/tools/cache/reflector.go:229: timeout
Successfully pulled image "reg.test/team/api@sha256:3f786850e387550fdab836ed7e6dc881de23001b3f786850e387550fdab836ed"
pod/router-7d9f8b6c5d-x2x4z   1/1   Running   0   3d4h
[2026-11-24 05:30:59,123] INFO [GroupCoordinator 0]: Stabilized group payments-v2 generation 12 (__consumer_offsets-17)
panic: runtime error: index out of range [5] with length 3 goroutine 1 [running]: main.main() /app/main.go:17 +0x1d
    at Object.<anonymous> (/app/node_modules/next/dist/compiled/webpack/bundle5.js:28:1438)
  File "/usr/lib/python3.11/site-packages/httpx/_transports/default.py", line 101, in map_httpcore_exceptions
java.lang.IllegalStateException: token bucket exhausted at io.acme.RateLimiter$Bucket.take(RateLimiter.java:88)
npm warn deprecated glob@7.2.3: Glob versions prior to v9 are no longer supported
"integrity": "sha512-J5rLFJ1jI6GmmbWPzdb3aQnUJ7V5tQnT1Ku9vVv7Y0l0c4sV4cUQ3C3iNn0nRk6E5wJ1kWbn8pXrZc6F7yqVZw=="
index 3f78685..e387550 100644
diff --git a/src/token_counter.py b/src/token_counter.py
-    total_tokens = usage["prompt_tokens"] + usage["completion_tokens"]
{"level":"info","ts":1764135059.12,"caller":"auth/session.go:88","msg":"session refreshed","user_id":"usr_01JDEXAMPLE"}
level=warn msg="cookie jar is empty" component=auth attempt=3
redis: 2026/11/24 05:30:59 pubsub.go:159: redis: discarding bad PubSub connection: EOF
ERROR: duplicate key value violates unique constraint "requests_pkey" DETAIL: Key (id)=(4711) already exists.
Terraform will perform the following actions: # aws_secretsmanager_secret.router will be created
resource "aws_kms_key" "ledger" { deletion_window_in_days = 7 }
curl -H "Authorization: Bearer $OPENAI_API_KEY" https://api.example.com/v1/models
curl -u "$USER:$PASSWORD" https://api.example.com
export ANTHROPIC_API_KEY="$(pass show anthropic)"
set the environment variable OPENAI_API_KEY to your key, which begins with sk-
the key must match ^sk-[A-Za-z0-9]{48}$
keys look like sk-XXXXXXXXXXXXXXXX or sk-proj-****
os.environ["ANTHROPIC_API_KEY"] = "..."
with pytest.raises(AuthenticationError, match="invalid x-api-key"): client.messages.create()
x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
content-security-policy: script-src 'nonce-r4nd0mB4se64value' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
.btn-primary--disabled:hover{background:#3f786850;transform:translate3d(0,0,0)}
<input type="password" name="password" autocomplete="current-password" placeholder="Password">
<meta name="csrf-param" content="authenticity_token">
const [token, setToken] = useState<string | null>(null);
if (!token) throw new Error("missing token: sign in first");
SELECT token_hash FROM sessions WHERE token_hash = $1 AND expires_at > now()
CREATE TABLE access_keys (id TEXT PRIMARY KEY, digest BLOB NOT NULL) STRICT
tokenizer = tiktoken.get_encoding("cl100k_base")
{'tokenizer': 'tiktoken:o200k_base', 'vocab': 200019}
primary key: (tenant_id, created_at)
KEY `idx_requests_created_at` (`created_at`)
public static final String TOKEN_TYPE_BEARER = "bearer";
"key": "ArrowDown", "code": "ArrowDown", "keyCode": 40
Key Vault reference could not be resolved for setting 'Router'
signature v4 is required for us-gov-west-1
{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQBCgIYAhIkMDFhYjJj"}}
ETag: "9b2cf535f27731c974343645a3985328-12"
Set "cookie_secret" in the chart's values (see docs/cookies.md)
5XX budget: 0.1 %, pass rate 99.95 %, auth errors 401: 12, 403: 3
IBAN DE89 3704 0044 0532 0130 00, phone +49 30 901820, order 4711-0815
the secret of good coffee: fresh beans; the token of appreciation: a cup
""".strip().splitlines()

PROSE = """
The router sends each call to the cheapest model that is good enough.
Der Router schickt jeden Aufruf an das günstigste Modell, das gut genug ist; Schlüssel: keiner, Passwort: vergessen.
Le routeur envoie chaque appel au modèle le moins cher qui suffit ; clé : aucune, jeton : épuisé.
Маршрутизатор отправляет каждый вызов самой дешёвой модели, которая достаточно хороша. Ключ: нет.
路由器把每个调用发送给足够好的最便宜的模型。密钥：无，令牌：用完。
ルーターは各呼び出しを、十分に良い最も安いモデルに送ります。鍵：なし。
라우터는 각 호출을 충분히 좋은 가장 저렴한 모델로 보냅니다. 키: 없음.
يرسل الموجه كل مكالمة إلى أرخص نموذج جيد بما فيه الكفاية. المفتاح: لا شيء.
הנתב שולח כל קריאה לדגם הזול ביותר שהוא טוב מספיק. מפתח: אין.
राउटर प्रत्येक कॉल को सबसे सस्ते मॉडल को भेजता है जो पर्याप्त अच्छा है। कुंजी: नहीं।
เราเตอร์ส่งแต่ละการเรียกไปยังโมเดลที่ถูกที่สุดที่ดีพอ คีย์: ไม่มี
Ο δρομολογητής στέλνει κάθε κλήση στο φθηνότερο μοντέλο που είναι αρκετά καλό. Κλειδί: κανένα.
İstanbul'da yönlendirici her çağrıyı yeterince iyi olan en ucuz modele gönderir. Anahtar: yok.
👩‍👩‍👧‍👦 family emoji with joiners, and a soft\u00adhyphen, 100 % sure
""".strip().splitlines()


def _made() -> list[str]:
    made = [str(uuid.UUID(bytes=_bytes(16), version=4)) for _ in range(40)]
    made += ["dd_" + _letters(_CROCKFORD, 26) for _ in range(20)]
    for prefix in (
        "chatcmpl-",
        "msg_01",
        "toolu_01",
        "call_",
        "resp_",
        "req_011",
        "run_",
        "file-",
        "batch_",
        "fp_",
        "gen-",
    ):
        made += [prefix + _letters(_ALNUM, 24) for _ in range(8)]
    for algorithm in ("md5", "sha1", "sha256", "sha512"):
        made += [hashlib.new(algorithm, _bytes(8), usedforsecurity=False).hexdigest() for _ in range(20)]
        made += [
            f"{algorithm}:{hashlib.new(algorithm, _bytes(8), usedforsecurity=False).hexdigest()}" for _ in range(5)
        ]
    made += [f"data:image/png;base64,{base64.b64encode(_bytes(90)).decode()}" for _ in range(20)]
    made += [base64.b64encode(_bytes(_DICE.randrange(24, 400))).decode() for _ in range(40)]
    made += [base64.urlsafe_b64encode(_bytes(48)).decode() for _ in range(20)]
    made += [base64.b64encode(line.encode()).decode() for line in PROSE]
    made += [f'{{"embedding":"{base64.b64encode(_bytes(96)).decode()}"}}' for _ in range(10)]
    made += [f'etag: "{_bytes(16).hex()}"' for _ in range(10)]
    made += [f"traceparent: 00-{_bytes(16).hex()}-{_bytes(8).hex()}-01" for _ in range(10)]
    made += [f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{_letters(_ALNUM, 43)} user@host" for _ in range(5)]
    made += [f"cf-ray: {_bytes(8).hex()}-FRA" for _ in range(10)]
    made += [f"2026-11-{day:02d}T05:30:59.123456Z dd_{_letters(_CROCKFORD, 26)} 200 1.25ms" for day in range(1, 21)]
    made += ["chatcmpl-" + _letters(_ALNUM, 32) for _ in range(10)]
    made += ["call_" + _letters(_ALNUM, 32) for _ in range(10)]
    made += [f"{prefix}_{_bytes(24).hex()}" for prefix in ("resp", "msg", "rs", "fc", "ws", "conv") for _ in range(4)]
    made += [f'{{"signature":"{base64.b64encode(_bytes(200)).decode()}"}}' for _ in range(10)]
    made += ["gAAAAAB" + _letters(_ALNUM + "-_", 400) for _ in range(5)]
    made += [_letters(_ALNUM, 27) for _ in range(5)]  # KSUID
    made += [_letters(_ALNUM + "-_", 21) for _ in range(10)]  # nanoid
    made += [_bytes(12).hex() for _ in range(5)]  # ObjectId
    made += [str(_DICE.getrandbits(63)) for _ in range(5)]
    made += [f"session_{uuid.UUID(bytes=_bytes(16), version=4)}" for _ in range(5)]
    made += [f'"signature":"{n}"' for n in ("", "...", "none")]
    return made


BENIGN = [*WORDS, *SENTENCES, *LOGS, *PROSE, *_made()]


def test_the_corpus_is_large_enough() -> None:
    print(f"{len(set(BENIGN))} benign texts")
    assert len(set(BENIGN)) >= 650


@pytest.mark.parametrize("text", BENIGN)
def test_a_benign_text_passes_unchanged(text: str) -> None:
    assert redact_sensitive(text) == text


def test_benign_texts_side_by_side_pass_unchanged() -> None:
    for separator in (" ", "\n", ", ", "\t"):
        text = separator.join(BENIGN)
        assert redact_sensitive(text) == text
