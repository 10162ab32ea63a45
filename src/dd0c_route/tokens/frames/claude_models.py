"""The generations of Claude whose frames differ, by the lower-case name of the model, at any host.

A name without a number (`claude-sonnet-latest`) is the newest, and so are families that began later.
"""

from __future__ import annotations

import re

_NEWEST = r"[5-9](?:$|[-.@:])|[1-9]\d(?:$|[-.@:])|latest$|(?:opus|sonnet|haiku)$|mythos|fable"
UP_TO_2 = re.compile(r"claude-(?:2|instant|v)")
ONLY_3_7 = re.compile(r"claude-(?:[a-z]+-)?3[-.]7")
# Earlier thoughts stay in the prompt. Source: Anthropic's documentation, "Extended thinking"; measured for 4.6.
KEEPS_THOUGHTS = re.compile(rf"claude-(?:4[-.]5-opus|opus-4[-.]5|(?:[a-z]+-)?(?:4[-.][6-9]|{_NEWEST}))")
FROM_4_5 = re.compile(rf"claude-(?:[a-z]+-)?(?:4[-.][5-9]|{_NEWEST})")
ONLY_4_7 = re.compile(r"claude-(?:[a-z]+-)?4[-.]7")
FROM_4_6 = re.compile(rf"claude-(?:[a-z]+-)?(?:4[-.][6-9]|{_NEWEST})")
FROM_4_7 = re.compile(rf"claude-(?:[a-z]+-)?(?:4[-.][7-9]|{_NEWEST})")
FROM_4_8 = re.compile(rf"claude-(?:[a-z]+-)?(?:4[-.][89]|{_NEWEST})")
