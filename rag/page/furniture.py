"""The page's fixed markup: header, tabs, where files are added. Nothing of documents is in it."""

from __future__ import annotations

from rag.page.render import escape
from rag.settings import PageSettings

HEADER = (
    '<header class="rag-header"><h1>Ask the documents</h1>'
    "<p>Every answer cites the exact words it rests on.</p>"
    '<button type="button" class="rag-open" data-drawer="1" aria-haspopup="dialog" '
    'aria-controls="rag-drawer">Settings</button>'
    '<button type="button" class="rag-theme" data-theme-toggle="1" '
    'aria-label="Switch between light and dark">◐</button></header>'
    '<p id="rag-said" class="rag-sr" role="status"></p>'
    '<div id="rag-drop" aria-hidden="true"><p>Drop files to add them</p></div>'
)
KEYS = (
    '<p class="rag-keys"><kbd>Enter</kbd> asks · <kbd>Shift</kbd>+<kbd>Enter</kbd> new line · '
    "<kbd>Esc</kbd> stops · <kbd>/</kbd> to the box</p>"
)
EXPORT = (
    '<details class="rag-menu"><summary>Export</summary><div>'
    '<button type="button" data-act="export" data-kind="markdown">As Markdown</button>'
    '<button type="button" data-act="export" data-kind="json">As JSON</button></div></details>'
)
DRAWER = (
    '<div class="rag-drawer-bar"><h2 id="rag-drawer-title">Settings</h2>'
    '<button type="button" class="rag-close" data-drawer="0" aria-label="Close settings">×'
    "</button></div>"
    '<p class="rag-drawer-note">They are yours alone and count from your next question.</p>'
)
EFFECT = (
    '<p class="rag-drawer-note">The models are chosen where the page is started '
    "(<code>RAG_MODELS__GENERATOR</code>, <code>RAG_MODELS__EMBEDDER</code>). Your conversation "
    "is kept in this browser until you clear it.</p>"
)
TABS = (
    '<div class="rag-tabs" role="tablist" aria-label="Beside the conversation">'
    '<button type="button" role="tab" id="rag-tab-library" data-side="library" '
    'aria-controls="rag-library" aria-selected="true">Documents</button>'
    '<button type="button" role="tab" id="rag-tab-source" data-side="source" '
    'aria-controls="rag-sources" aria-selected="false" tabindex="-1">Source</button></div>'
)


def add_files(settings: PageSettings) -> str:
    """Return where files are chosen; "" where none may be added."""
    if not settings.max_uploads:
        return ""
    kinds = escape(",".join(settings.upload_types))
    return (
        '<div class="rag-add"><input type="file" id="rag-file" class="rag-sr" multiple '
        f'accept="{kinds}" data-limit="{settings.max_upload_mb * 1_000_000}">'
        '<label for="rag-file" class="rag-pick">Add files</label>'
        "<p>or drop them anywhere on the page. Only you see them, and they are deleted when you "
        f"leave. Up to {settings.max_upload_mb} MB each.</p>"
        '<p class="rag-sending"></p></div>'
    )
