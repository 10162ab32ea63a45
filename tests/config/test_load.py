"""What a configuration becomes, and what is said about one that is at fault."""

from __future__ import annotations

import os
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from dd0c_route.config import Config, Timeouts, load, load_without_secrets
from dd0c_route.errors import ConfigError
from dd0c_route.types import Secret
from tests.config.examples import ENVIRON, KNOWN, VALID, faults, loaded

PROVIDER = '[providers.local]\ndialect = "openai"\nbase_url = "http://h/v1"\n'


def test_a_valid_file_becomes_typed_settings(tmp_path: Path) -> None:
    result = loaded(tmp_path, VALID)
    config = result.config
    assert (config.server.grace_s, config.retries.attempts, len(config.server.access_keys)) == (12.5, 3, 1)
    assert config.providers["openai"].base_url == "https://api.openai.com/v1"
    assert config.providers["openai"].api_key == Secret(ENVIRON["OPENAI_API_KEY"])
    local = config.providers["local"]
    assert (local.name, local.base_url, local.retry_unsafe) == ("local", "http://127.0.0.1:9000/v1", (408, 500))
    assert local.timeouts == Timeouts(connect_s=1.0, silence_s=2.5)
    assert config.routes[0].match.tags == {"team": "core"}
    assert (config.prices[0].input, config.prices[0].output) == (Decimal("0.1"), Decimal("0.25"))
    assert config.prices[0].since == date(2026, 1, 31)
    assert result.warnings == ()
    assert result.base_dir == tmp_path


def test_without_a_file_the_defaults_hold() -> None:
    result = load(None, {}, {}, KNOWN)
    assert result.config == Config()
    assert result.base_dir == Path.cwd()


def test_a_known_provider_brings_its_row_and_the_operator_wins(tmp_path: Path) -> None:
    provider = loaded(tmp_path, '[providers.anthropic]\nauth = "bearer"').config.providers["anthropic"]
    assert (provider.dialect, provider.auth) == ("anthropic", "bearer")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[server]\nprot = 1", "server.prot: unknown field 'prot': did you mean 'port'?"),
        ("[servr]\nport = 1", "servr: unknown field 'servr': did you mean 'server'?"),
        ("server = 1", "server: expected a table, got 1"),
        ("[server]\nport = 70000", "server.port: expected a whole number from 0 to 65535, got 70000"),
        ("[server]\nport = true", "server.port: expected a whole number from 0 to 65535, got true"),
        (
            "[server]\nport = 0x" + "f" * 9000,
            "server.port: expected a whole number from 0 to 65535, got a number beyond",
        ),
        ("[server]\nworkers = 0", "server.workers: expected a whole number of at least 1, got 0"),
        ("[server]\nworkers = 1.0", "server.workers: expected a whole number of at least 1, got 1.0"),
        ("[server]\ngrace_s = nan", "server.grace_s: expected a number above 0, got nan"),
        ("[server]\ngrace_s = inf", "server.grace_s: expected a number above 0, got inf"),
        ("[server]\nhost = 127", "server.host: expected a text, got 127"),
        ("[server]\nhost = [1]", "server.host: expected a text, got a list"),
        ('[server]\naccess_keys = "x"', "server.access_keys: expected a list"),
        ('[server]\naccess_keys = ["sha256:12"]', "server.access_keys[0]: expected 'sha256:' and 64 hex digits"),
        ('[server]\naccess_keys = [{ env = "UNSET" }]', "server.access_keys[0]: the environment variable UNSET is not"),
        ('[ledger]\nurl = "mysql://u:p@h/d"', "ledger.url: expected sqlite:///path"),
        (
            "[providers.opnai]",
            "providers.opnai: 'opnai' is no known provider, so it needs dialect and base_url: did you",
        ),
        ('[providers."a/b"]', "providers.a/b: a provider's name is letters, digits and single - or _"),
        ("providers = 1", "providers: expected a table, got 1"),
        (PROVIDER + 'name = "x"', "providers.local.name: unknown field 'name'"),
        (PROVIDER + 'usage = "aks"', "expected one of always, ask, never, got \"aks\": did you mean 'ask'?"),
        (PROVIDER + "retry_unsafe = [502]", "providers.local.retry_unsafe: 502 is not one of 408, 500, 504"),
        (PROVIDER + 'ca_file = "none.pem"', 'providers.local.ca_file: the file "none.pem" cannot be read'),
        (
            PROVIDER + "timeouts = { connect_s = 0 }",
            "providers.local.timeouts.connect_s: expected a number above 0, got 0",
        ),
        (PROVIDER + 'simulated = "yes"', 'providers.local.simulated: expected true or false, got "yes"'),
        ("[[routes]]", "routes[0].candidates: is missing: expected a list"),
        ("[[routes]]\ncandidates = []", "routes[0].candidates: is empty"),
        ('[[routes]]\ncandidates = ["gpt-4o"]', 'routes[0].candidates[0]: "gpt-4o" has no provider to go to'),
        (
            PROVIDER + '[[routes]]\ncandidates = ["locl/x"]',
            "names no configured provider: did you mean 'local'?",
        ),
        (
            PROVIDER + '[[routes]]\ncandidates = ["x", "x"]',
            'routes[0].candidates[1]: "x" is candidates[0] again: keep one',
        ),
        (PROVIDER + '[[routes]]\ncandidates = ["local/"]', 'routes[0].candidates[0]: "local/" is no model'),
        (
            PROVIDER + '[[routes]]\ncandidates = ["x"]\nfloor = 1.5',
            "routes[0].floor: expected a number from 0 to 1, got 1.5",
        ),
        (PROVIDER + '[[routes]]\ncandidates = ["x"]\npolicy = "budget"', "routes[0].usd_per_hour: is missing"),
        (
            PROVIDER + '[[routes]]\ncandidates = ["x"]\npolicy = "risk-bound"\nepsilon = 0',
            "routes[0].epsilon: expected a number between 0 and 1, got 0",
        ),
        (
            PROVIDER + '[[routes]]\ncandidates = ["x"]\npolicy = "risk-bound"\ndelta = 1',
            "routes[0].delta: expected a number between 0 and 1, got 1",
        ),
        (
            PROVIDER + '[[routes]]\ncandidates = ["x"]\npolicy = "risk-bound"\ncalibration = "nowhere.jsonl"',
            'routes[0].calibration: the file "nowhere.jsonl" cannot be read',
        ),
        (
            PROVIDER + '[[routes]]\ncandidates = ["x"]\npolicy = "weighted"\nweights = [1, 2]',
            "routes[0].weights: has 2 for 1 candidates: give one for each",
        ),
        (
            PROVIDER + '[[routes]]\ncandidates = ["x"]\npolicy = "weighted"\nweights = [0]',
            "routes[0].weights: are all 0",
        ),
        (
            PROVIDER + '[[routes]]\ncandidates = ["x"]\npolicy = "weighted"\nweights = [-1]',
            "routes[0].weights[0]: expected a number of at least 0, got -1",
        ),
        (
            PROVIDER + '[[routes]]\ncandidates = ["x"]\npolcy = "budget"',
            "routes[0].polcy: unknown field 'polcy': did you",
        ),
        (PROVIDER + '[[routes]]\ncandidates = ["x"]\nmatch = { dialect = "opnai" }', "routes[0].match.dialect"),
        ('[[prices]]\nprovider = "a"\nmodel = "b"', "prices[0]: has no rate"),
        ('[[prices]]\nprovider = "*"\nmodel = "b"\ninput = 1', 'prices[0].provider: "*" is a pattern'),
        (
            '[[prices]]\nprovider = "a"\nmodel = "b"\ninput = 1\n' * 2,
            "prices[1]: prices the same provider, model and day as prices[0]",
        ),
        (
            '[[prices]]\nprovider = "a"\nmodel = "b"\ninput = -1',
            "prices[0].input: expected a rate of at least 0, got -1",
        ),
        ('[[prices]]\nprovider = "a"\nmodel = "b"\ninput = "x"', 'prices[0].input: expected a decimal number, got "x"'),
    ],
)
def test_a_fault_names_path_value_and_fix(tmp_path: Path, text: str, expected: str) -> None:
    assert [fault for fault in faults(tmp_path, text) if expected in fault]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ftp://h/v1", "expected http:// or https://"),
        ("h/v1", "expected http:// or https://"),
        ("http:///v1", "names no host"),
        ("http://h:99999/v1", "is no address"),
        ("http://[::1/v1", "is no address"),
        ("http://me:planted@h/v1", "holds credentials"),
        ("http://h/v1?key=planted", "holds a query or a fragment"),
        ("http://h/v1#planted", "holds a query or a fragment"),
        ("http://h/v 1", "holds a space"),
        ("http://h\\n/v1", "holds a space, a control character"),
        ("http://ö/v1", "holds a space, a control character or a letter beyond ASCII"),
    ],
)
def test_a_base_url_is_an_address_and_nothing_more(tmp_path: Path, url: str, expected: str) -> None:
    (fault,) = faults(tmp_path, f'[providers.local]\ndialect = "openai"\nbase_url = "{url}"')
    assert fault.startswith(f"providers.local.base_url: {expected}")
    assert "planted" not in fault


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    text = '[server]\nport = -1\nprot = 1\n[providers.local]\ndialect = "x"\nbase_url = "y"\n'
    text += '[[routes]]\ncandidates = ["z/m"]\n'
    paths = [fault.split(":")[0] for fault in faults(tmp_path, text)]
    assert paths == [
        "server.port",
        "server.prot",
        "providers.local.dialect",
        "providers.local.base_url",
        "routes[0].candidates[0]",
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[server]\nport = \n", "at line 2, column 8"),
        (b"[server]\nhost = 127.0.0.1\n", "at line 2"),
        (b"a = 1\na = 2", "Cannot overwrite a value"),
        (b"[server]\n\n# \xff\n", "line 3: not UTF-8"),
        (b"a = " + b"[" * 20_000, "nested too deeply"),
        (b"a = " + b"1" * 20_000, "a number too long"),
        (b"#" * (2 << 20), "longer than"),
    ],
)
def test_a_file_that_is_no_toml_is_named_with_the_place(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "dd0c.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"dd0c\.toml") as caught:
        load(path, {}, {}, {})
    assert expected in caught.value.message


def test_a_missing_file_or_a_folder_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file: 'dd0c-route init' writes one"):
        load(tmp_path / "none.toml", {}, {}, {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, {}, {}, {})


AWS = """
[providers.bedrock]
base_url = "https://{host}"
dialect = "bedrock"
{fields}
"""
PAIR = 'aws_access_key_id = { env = "AWS_ID" }\naws_secret_access_key = { env = "AWS_SECRET" }'
AWS_ENV = {"AWS_ID": "AKIDEXAMPLE", "AWS_SECRET": "synthetic-aws-secret", "KEY": "synthetic"}
AWS_HOST = "bedrock-runtime.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("host", "fields", "fault"),
    [
        (AWS_HOST, 'aws_access_key_id = { env = "AWS_ID" }', "aws_secret_access_key: is missing"),
        (AWS_HOST, 'aws_session_token = { env = "KEY" }', "aws_access_key_id: is missing"),
        (AWS_HOST, PAIR + '\napi_key = { env = "KEY" }', "aws_access_key_id: there is an api_key as well"),
        ("127.0.0.1", PAIR, "aws_region: is missing"),
    ],
)
def test_an_access_key_of_aws_is_of_use_whole(tmp_path: Path, host: str, fields: str, fault: str) -> None:
    path = tmp_path / "dd0c.toml"
    path.write_text(AWS.format(host=host, fields=fields))
    with pytest.raises(ConfigError, match=f"providers.bedrock.{fault}"):
        load(path, AWS_ENV, {}, KNOWN)


def test_an_access_key_of_aws_is_a_stored_key_and_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "dd0c.toml"
    path.write_text(AWS.format(host=AWS_HOST, fields=PAIR))
    loaded = load(path, AWS_ENV, {}, KNOWN)
    provider = loaded.config.providers["bedrock"]
    assert (provider.has_key, provider.region) == (True, "eu-west-1")
    assert len(provider.secrets) == 2
    assert loaded.version == load(path, {**AWS_ENV, "AWS_SECRET": "another-synthetic"}, {}, KNOWN).version


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.invalid", ""])  # noqa: S104  # nothing is bound
def test_a_public_address_with_stored_keys_needs_access_keys(tmp_path: Path, host: str) -> None:
    text = f'[server]\nhost = "{host}"\n[providers.openai]\napi_key = {{ env = "OPENAI_API_KEY" }}\n'
    (fault,) = faults(tmp_path, text)
    assert fault.startswith("server.host:")
    assert "127.0.0.1" in fault
    assert "access_keys" in fault
    with_key = text.replace("[providers", 'access_keys = [{ env = "ROUTER_KEY" }]\n[providers')
    assert loaded(tmp_path, with_key).config.server.host == host


def test_whoever_trusts_the_network_says_so(tmp_path: Path) -> None:
    text = (
        '[server]\nhost = "0.0.0.0"\ntrust_network = true\n[providers.openai]\napi_key = { env = "OPENAI_API_KEY" }\n'
    )
    assert loaded(tmp_path, text).config.server.trust_network


@pytest.mark.parametrize(
    ("field", "fault"),
    [
        ('admin_password = "correct horse battery"', "server.admin_password: expected a line 'scrypt:…'"),
        (
            'admin_password = "scrypt:30:8:1:AAAAAAAAAAAAAAAAAAAAAA:' + "A" * 43 + '"',
            "server.admin_password: expected a",
        ),
        ('public_hosts = ["https://router.example"]', "is no host name"),
        ('public_hosts = ["router.example:443"]', "is no host name"),
        ('public_hosts = ["*"]', "is no host name"),
        ('cors_origins = ["*"]', "is no origin"),
        ('cors_origins = ["null"]', "is no origin"),
        ('cors_origins = ["app.example"]', "is no origin"),
        ('cors_origins = ["https://app.example/"]', "is no origin"),
        ('cors_origins = ["https://u@app.example"]', "is no origin"),
    ],
)
def test_what_opens_the_door_is_checked(tmp_path: Path, field: str, fault: str) -> None:
    (found,) = faults(tmp_path, f"[server]\n{field}\n")
    assert fault in found
    assert "horse" not in found


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_access_keys(tmp_path: Path, host: str) -> None:
    text = f'[server]\nhost = "{host}"\n[providers.openai]\napi_key = {{ env = "OPENAI_API_KEY" }}\n'
    assert loaded(tmp_path, text).config.server.host == host


def test_a_public_address_without_stored_keys_is_allowed(tmp_path: Path) -> None:
    assert loaded(tmp_path, '[server]\nhost = "0.0.0.0"\n[providers.openai]').config.providers["openai"].api_key is None


def test_the_version_follows_the_settings_but_not_the_secrets(tmp_path: Path) -> None:
    first = loaded(tmp_path, VALID).version
    assert first == loaded(tmp_path, VALID, {**ENVIRON, "OPENAI_API_KEY": "another"}).version
    assert first != loaded(tmp_path, VALID.replace("12.5", "13")).version


def test_no_secret_is_in_what_is_printed_of_the_result(tmp_path: Path) -> None:
    text = repr(loaded(tmp_path, VALID))
    assert not [value for value in ENVIRON.values() if value in text]


def test_whoever_reads_ledger_and_prices_needs_no_secrets(tmp_path: Path) -> None:
    path = tmp_path / "dd0c.toml"
    path.write_text(VALID.replace('host = "127.0.0.1"', 'host = "0.0.0.0"'))
    config = load_without_secrets(path, {"DD0C_PROVIDERS__OPENAI__API_KEY__ENV": "UNSET"}, KNOWN).config
    assert (config.ledger.url, len(config.prices)) == ("sqlite:///dd0c.db", 1)
    assert not any(provider.api_key for provider in config.providers.values())
    assert config.server.access_keys == ()
    elsewhere = load_without_secrets(path, {"DD0C_LEDGER__URL": "sqlite:////elsewhere.db"}, KNOWN)
    assert elsewhere.config.ledger.url == "sqlite:////elsewhere.db"
    with pytest.raises(ConfigError, match=r"ledger\.url"):
        load_without_secrets(None, {"DD0C_LEDGER__URL": "x"}, KNOWN)


def test_loading_takes_less_than_50_ms(tmp_path: Path) -> None:
    loaded(tmp_path, VALID)
    started = time.process_time()
    for _ in range(5):
        loaded(tmp_path, VALID)
    assert (time.process_time() - started) / 5 < 0.05


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "dd0c.toml"
    path.write_text(VALID)
    path.chmod(0)
    with pytest.raises(ConfigError, match="cannot be read"):
        load(path, {}, {}, {})
