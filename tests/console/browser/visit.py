"""Visit pages with a real browser and tell what ran in them. Stands in an environment of its own; JSON in, JSON out.

In: `{"browser": path, "origin": "http://127.0.0.1:4747", "login": secret, "before": [path], "pages": [path],
"fault": html}`; *before* are visited before the login. Out: `{"visited", "statuses", "ran", "violations", "foreign",
"handlers", "login", "fault_ran"}`: what called `__xss`, what a policy had to stop, which addresses elsewhere were asked
for, which attributes would run something, the cookies as scripts see them, and how often *fault*, a page without any
defence, was noticed.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from playwright.sync_api import sync_playwright

HOOKS = """
(() => {
  const tell = (kind, what) => window.__tell(kind, String(what));
  window.__xss = what => tell('ran', what);
  for (const name of ['alert', 'confirm', 'prompt', 'print', 'open']) window[name] = what => tell('ran', name);
  addEventListener('securitypolicyviolation', event =>
    tell('violations', event.violatedDirective + ' ' + event.blockedURI));
})();
"""
PROVOKE = """
() => {
  const found = [];
  for (const details of document.querySelectorAll('details')) details.open = true;
  for (const element of document.querySelectorAll('*')) {
    for (const {name, value} of element.attributes)
      if (name.startsWith('on') || /^\\s*(javascript|vbscript|data):/i.test(value))
        found.push(element.tagName + ' ' + name);
    for (const kind of ['mouseover', 'pointerover', 'focus', 'load', 'error', 'toggle'])
      element.dispatchEvent(new Event(kind));
  }
  return found;
}
"""


def main() -> None:
    job = json.load(sys.stdin)
    seen: dict[str, Any] = {"visited": 0, "statuses": {}, "ran": [], "violations": [], "foreign": [], "handlers": []}
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=job["browser"], args=options)
        context = browser.new_context()
        context.expose_binding("__tell", lambda source, kind, what: seen[kind].append(f"{source['page'].url}: {what}"))
        context.add_init_script(HOOKS)
        context.on("request", lambda request: note_foreign(request.url, job["origin"], seen["foreign"]))
        page = context.new_page()
        page.on("dialog", lambda dialog: (seen["ran"].append(f"{page.url}: dialog"), dialog.dismiss()))
        look_at(page, job["origin"], job["before"], seen)
        seen["login"] = log_in(page, job["origin"], job["login"])
        look_at(page, job["origin"], job["pages"], seen)
        ran, seen["ran"] = seen["ran"], []
        page.goto("about:blank")
        page.set_content(job["fault"], wait_until="load")
        page.wait_for_function("() => true")
        seen["fault_ran"], seen["ran"] = len(seen["ran"]), ran
        browser.close()
    json.dump(seen, sys.stdout)


def look_at(page: Any, origin: str, paths: list[str], seen: dict[str, Any]) -> None:
    for path in paths:
        answer = page.goto(origin + path, wait_until="load")
        seen["visited"] += 1
        status = str(answer.status if answer is not None else 0)
        seen["statuses"][status] = seen["statuses"].get(status, 0) + 1
        seen["handlers"] += [f"{page.url}: {one}" for one in page.evaluate(PROVOKE)]


def log_in(page: Any, origin: str, secret: str) -> dict[str, Any]:
    page.goto(f"{origin}/ui")
    page.fill("#secret", secret)
    with page.expect_navigation():
        page.click("form.login button")
    cookies = page.context.cookies()
    return {"url": page.url, "visible": page.evaluate("document.cookie"), "cookies": cookies}


def note_foreign(url: str, origin: str, foreign: list[str]) -> None:
    if not url.startswith((origin + "/", "about:", "blob:")):
        foreign.append(url)


if __name__ == "__main__":
    main()
