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
    made += [f'"signature":"{n}"' for n in ("", "...", "none")]
    return made


BENIGN = [*WORDS, *SENTENCES, *PROSE, *_made()]


def test_the_corpus_is_large_enough() -> None:
    assert len(set(BENIGN)) >= 500


@pytest.mark.parametrize("text", BENIGN)
def test_a_benign_text_passes_unchanged(text: str) -> None:
    assert redact_sensitive(text) == text


def test_benign_texts_side_by_side_pass_unchanged() -> None:
    for separator in (" ", "\n", ", ", "\t"):
        text = separator.join(BENIGN)
        assert redact_sensitive(text) == text
