"""The generations of Claude whose frames differ, by the lower-case name of the model, at any host.

A name without a number (`claude-sonnet-latest`) is the newest.
"""

from __future__ import annotations

import re

UP_TO_2 = re.compile(r"claude-(?:2|instant|v)")
ONLY_3_7 = re.compile(r"claude-(?:[a-z]+-)?3[-.]7")
# Earlier thoughts stay in the prompt. Source: Anthropic's documentation, "Extended thinking"; measured for 4.6.
KEEPS_THOUGHTS = re.compile(r"claude-(?:4[-.]5-opus|opus-4[-.]5|(?:[a-z]+-)?(?:4[-.][6-9]|[5-9](?:$|[-.@:])|latest$))")
FROM_4_5 = re.compile(r"claude-(?:[a-z]+-)?(?:4[-.][5-9]|[5-9](?:$|[-.@:])|latest$)")
ONLY_4_7 = re.compile(r"claude-(?:[a-z]+-)?4[-.]7")
FROM_4_6 = re.compile(r"claude-(?:[a-z]+-)?(?:4[-.][6-9]|[5-9](?:$|[-.@:])|latest$)")
FROM_4_7 = re.compile(r"claude-(?:[a-z]+-)?(?:4[-.][7-9]|[5-9](?:$|[-.@:])|latest$)")
FROM_4_8 = re.compile(r"claude-(?:[a-z]+-)?(?:4[-.][89]|[5-9](?:$|[-.@:])|latest$)")
