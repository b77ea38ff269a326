"""The page that `emmett develop` shows in the browser when a handler has failed."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Iterator
from html import escape
from types import FrameType

from .tracebacks import is_own

# Lines of code before and after the one that failed.
AROUND = 4
# The most errors of a chain, and of a group, that are shown.
MAX_ERRORS = 10

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<style>
:root {{ color-scheme: light dark; --back: #fbfaf8; --ink: #222; --dim: #6a6a6a; --line: #ddd; --mark: #fbe3df;
  --red: #b3261e }}
@media (prefers-color-scheme: dark) {{ :root {{ --back: #1c1b1a; --ink: #eee; --dim: #a5a5a5; --line: #3b3a38;
  --mark: #4a2320; --red: #ff8a80 }} }}
body {{ background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 60rem; padding: 2rem 1.5rem }}
h1 {{ color: var(--red); font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; white-space: pre-wrap }}
h2 {{ font-size: 1.05rem; margin: 2.2rem 0 .3rem; overflow-wrap: anywhere; white-space: pre-wrap }}
.dim, summary {{ color: var(--dim) }}
.frame {{ border: 1px solid var(--line); border-radius: 6px; margin: .8rem 0; overflow: hidden }}
.place {{ border-bottom: 1px solid var(--line); font-size: .85rem; padding: .4rem .8rem; overflow-wrap: anywhere }}
pre {{ font: 13px/1.6 ui-monospace, monospace; margin: 0; overflow-x: auto; padding: .4rem 0 }}
pre span {{ display: block; min-width: max-content; padding: 0 .8rem }}
pre .failed {{ background: var(--mark) }}
pre i {{ color: var(--dim); display: inline-block; font-style: normal; margin-right: 1rem; text-align: right;
  width: 3ch }}
</style></head><body>
<p class="dim">{subject}</p>
{errors}
<p class="dim">Only <code>emmett develop</code> shows this page. The terminal has the same traceback.</p>
</body></html>
"""


def render_error_page(error: BaseException, subject: str) -> str:
    """Return an HTML page with the traceback of an error and the lines of code in it.

    The page loads nothing, and everything in it that comes from the error or the visitor is escaped. Values of
    variables are left out, because they may be secret.

    Arguments:
        error: the exception that was raised.
        subject: the request that failed.
    """
    parts = [_render_error(each, relation) for each, relation in _chain(error)]
    return PAGE.format(title=escape(_summary(error)), subject=escape(subject), errors="\n".join(parts))


def _chain(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """Return the error, its causes and the errors in its group, each with its relation to the previous one."""
    waiting: list[tuple[BaseException, str]] = [(error, "")]
    seen: set[int] = set()
    while waiting and len(seen) < MAX_ERRORS:
        each, relation = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each, relation
        if isinstance(each, BaseExceptionGroup):
            waiting += [(inner, "In this group: ") for inner in each.exceptions]
        if each.__cause__ is not None:
            waiting.append((each.__cause__, "Caused by "))
        elif each.__context__ is not None and not each.__suppress_context__:
            waiting.append((each.__context__, "While handling "))


def _summary(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip()


def _render_error(error: BaseException, relation: str) -> str:
    tag = "h2" if relation else "h1"
    frames = list(traceback.walk_tb(error.__traceback__))
    own = [(frame, line) for frame, line in frames if is_own(frame.f_code.co_filename)]
    parts = [f"<{tag}>{escape(relation + _summary(error))}</{tag}>"]
    parts += [_render_frame(frame, line) for frame, line in own or frames]
    if own and len(own) < len(frames):
        others = "".join(_render_frame(frame, line) for frame, line in frames)
        parts.append(f"<details><summary>All {len(frames)} frames, those of libraries too</summary>{others}</details>")
    return "\n".join(parts)


def _render_frame(frame: FrameType, failed: int) -> str:
    code = frame.f_code
    lines = linecache.getlines(code.co_filename, frame.f_globals)
    first = max(1, failed - AROUND)
    shown = [
        f"<span{' class=failed' if number == failed else ''}><i>{number}</i>{escape(line.rstrip()) or ' '}</span>"
        for number, line in enumerate(lines[first - 1 : failed + AROUND], first)
    ]
    place = f'<div class="place">{escape(code.co_filename)}, line {failed}, in <b>{escape(code.co_qualname)}</b></div>'
    return f'<div class="frame">{place}<pre>{"".join(shown)}</pre></div>'
