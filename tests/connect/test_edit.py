"""A client's settings in its file: only what was asked for changes, whatever else stands there."""

from __future__ import annotations

import difflib
from typing import Any

import pytest

from dd0c_route.connect import CannotEdit, Setting, clients, edited, found
from dd0c_route.connect.edit import _FORMS

ROUTER = "http://127.0.0.1:4747"

CLAUDE = """\
{
  // mine
  "permissions": { "allow": ["Bash(ls:*)"], }, /* as it is */
  "env": {
    "ANTHROPIC_BASE_URL": "http://old.example", // the old one
    "MY_OWN": "1" // stays
  },
}
"""
CODEX = """\
# mine
model = "gpt-5.5" # the best
notes = '''
[model_providers.dd0c]
'''
[model_providers.other]
name = "x"   # kept
[[lists]]
a = [
  "b", # c
]
"""
CONTINUE = """\
name: mine # a comment
models:
  # the first
  - name: "A"
    provider: openai
    model: gpt-4o

  - provider: ollama
    name: B
    apiBase: http://127.0.0.1:11434
  - {name: C, provider: anthropic, model: claude, apiBase: https://api.anthropic.com/v1}
"""
AIDER = "# mine\nmodel: gpt-4o\nset-env:\n- A=b\n\ndark-mode: true\n"
DOTENV = "# mine\nexport GEMINI_API_KEY='synthetic'\nGOOGLE_GEMINI_BASE_URL = http://old.example\n\n"
EXAMPLES = {
    "claude-code": CLAUDE,
    "codex": CODEX,
    "opencode": '{"$schema":"https://opencode.ai/config.json","provider":{"openai":{}}}',
    "gemini-cli": DOTENV,
    "qwen-code": "{}",
    "cline": '{\n\t"version": 1,\n\t"providers": {\n\t}\n}\n',
    "continue": CONTINUE,
    "aider": AIDER,
}


def wanted(name: str) -> tuple[Setting, ...]:
    return clients()[name].wanted(ROUTER, "dd0c-route", {})


def put(form: str, text: str, path: tuple[str, ...], value: Any) -> str:
    return edited(form, text, [Setting(path=path, value=value)]).text


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "bom"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_clients_file_keeps_its_comments_order_line_ends_and_mark(name: str, mark: str, end: str) -> None:
    client = clients()[name]
    before = mark + EXAMPLES[name].replace("\n", end)
    edit = edited(client.form, before, wanted(name))
    assert found(client.form, edit.text, client.address)
    assert edit.text.startswith(mark)
    assert edit.text.count("\ufeff") == len(mark)
    if end == "\r\n" and "\n" in EXAMPLES[name]:
        assert edit.text.count("\n") == edit.text.count("\r\n")
    # But for the values that became others, all that was there is still there, in its order.
    kept = before
    for change in edit.changes:
        kept = kept.replace(str(change.before), "") if change.before else kept
    rest = iter(edit.text)
    assert all(character in rest for character in kept)
    assert not edited(client.form, edit.text, wanted(name)).changes


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_missing_file_is_made_whole(name: str) -> None:
    client = clients()[name]
    edit = edited(client.form, client.starter.lstrip("\n"), wanted(name))
    assert found(client.form, edit.text, client.address) == [client.expects.replace("{router}", ROUTER)]
    assert edit.text.endswith("\n")


def test_every_client_names_where_its_facts_are_from() -> None:
    for client in clients().values():
        assert client.version
        assert client.source
        assert client.form in _FORMS


def test_what_is_there_is_left_where_the_setting_says_so() -> None:
    own = '{"statusLine": {"type": "command", "command": "mine"}}'
    edit = edited("jsonc", own, wanted("claude-code"))
    assert '"statusLine": {"type": "command", "command": "mine"}' in edit.text


def test_a_model_with_an_address_of_its_own_keeps_it() -> None:
    text = edited("yaml", CONTINUE, wanted("continue")).text
    assert "apiBase: http://127.0.0.1:11434" in text
    assert found("yaml", text, ("models", "*", "apiBase")) == [f"{ROUTER}/v1", "http://127.0.0.1:11434", f"{ROUTER}/v1"]


def test_codex_shows_the_variable_that_is_set_and_else_its_own_login() -> None:
    client = clients()["codex"]
    with_key = edited("toml", "", client.wanted(ROUTER, "", {"OPENAI_API_KEY": "synthetic"})).text
    assert 'env_key = "OPENAI_API_KEY"' in with_key
    assert "requires_openai_auth" not in with_key
    assert "synthetic" not in with_key
    assert "requires_openai_auth = true" in edited("toml", "", wanted("codex")).text


def test_only_lines_are_added_to_a_toml_file_that_names_another_provider() -> None:
    after = edited("toml", 'model_provider = "other" # why\n' + CODEX, wanted("codex")).text
    diff = list(difflib.ndiff(('model_provider = "other" # why\n' + CODEX).splitlines(), after.splitlines()))
    assert [line for line in diff if line.startswith("- ")] == ['- model_provider = "other" # why']
    assert '+ model_provider = "dd0c" # why' in diff


@pytest.mark.parametrize(
    ("form", "text", "path"),
    [
        ("jsonc", '{"env": 1}', ("env", "A")),
        ("jsonc", '{"env": {}', ("env", "A")),
        ("jsonc", '{"a": 1, "a": 2}', ("b",)),
        ("jsonc", "[" * 5000, ("b",)),
        ("jsonc", "[]", ("b",)),
        ("toml", "a = ", ("b",)),
        ("toml", "a = 1", ("a", "b")),
        ("toml", 'model_providers.dd0c.base_url = "x"', ("model_providers", "dd0c", "base_url")),
        ("toml", 'a = { b = "x" }', ("a", "b")),
        ("yaml", "a: [", ("b",)),
        ("yaml", "a: b", ("a", "c")),
        ("yaml", "a: b", ("a", "+")),
        ("yaml", "- a", ("b",)),
        ("yaml", "a: 1\n---\nb: 2\n", ("c",)),
        ("yaml", "!!python/object/apply:os.getcwd []", ("c",)),
        ("yaml", "a: &x {b: 1}\nc: *x\n", ("c", "b")),
    ],
)
def test_what_cannot_be_changed_alone_is_refused(form: str, text: str, path: tuple[str, ...]) -> None:
    with pytest.raises(CannotEdit):
        put(form, text, path, "new")


def test_a_comment_behind_the_last_member_stays_with_it() -> None:
    text = '{\n    "a": 1 // of a\n}\n'
    assert put("jsonc", text, ("b",), True) == '{\n    "a": 1, // of a\n    "b": true\n}\n'


def test_a_file_on_one_line_stays_on_one_line() -> None:
    assert put("jsonc", '{"a": {"b": 1}}', ("a", "c"), "x") == '{"a": {"b": 1, "c": "x"}}'


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", "a:\n  b: x\n"),
        ("c: 1", "c: 1\na:\n  b: x\n"),
        ("a:\n  c: 1\n\nd: 2\n", "a:\n  c: 1\n  b: x\n\nd: 2\n"),
        ("a: {c: 1}\n", 'a: {"b": "x", c: 1}\n'),
        ("a:\n  c:\n    - 1\nd: 2\n", "a:\n  b: x\n  c:\n    - 1\nd: 2\n"),
    ],
)
def test_yaml_gets_a_line_where_it_belongs(text: str, after: str) -> None:
    assert put("yaml", text, ("a", "b"), "x") == after
