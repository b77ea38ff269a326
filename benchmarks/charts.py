"""Results as bar charts in SVG, readable on light and on dark pages."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks.results import Chapter, Results

WIDTH = 760
PADDING = 20
TITLE_HEIGHT = 52
ROW_HEIGHT = 26
BAR_HEIGHT = 16
LABEL_WIDTH = 216
VALUE_WIDTH = 96
FOOT_HEIGHT = 28
# The width of a letter of an average system font, in pixels at a size of 13.
LETTER_WIDTH = 7.2

# A picture in a page follows the reader's colour scheme, not the page's: so it brings a background of its own.
STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1f2328 }
.page { fill: #ffffff; stroke: #d1d9e0 }
.title { font-size: 15px; font-weight: 600 }
.small { font-size: 12px; fill: #59636e }
.label { text-anchor: end }
.ours { font-weight: 600 }
.bar { fill: #8c959f } .bar.own { fill: #0969da } .bar.limit { fill: #d1d9e0 }
.spread { stroke: #1f2328; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .page { fill: #0d1117; stroke: #3d444d } .small { fill: #9198a1 }
  .bar { fill: #6e7681 } .bar.own { fill: #4493f8 } .bar.limit { fill: #3d444d } .spread { stroke: #f0f6fc }
}
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        label: the text before it.
        value: how long it is.
        low: the lowest figure that was measured.
        high: the highest figure that was measured.
        text: the text after it.
        kind: `own`, `limit` or `peer`: its colour.
    """

    label: str
    value: float
    low: float
    high: float
    text: str
    kind: str = "peer"


def chapter_chart(results: Results, chapter: Chapter) -> str:
    """Return the chart of one scenario."""
    bars = []
    for summary in chapter.summaries:
        kind = "limit" if summary.contestant in results.raw else "peer"
        kind = "own" if summary.contestant == results.base else kind
        figures, text = summary.value, chapter.unit.format(summary.value.median)
        bars.append(Bar(results.title(summary.contestant), figures.median, figures.low, figures.high, text, kind))
    better = "more is better" if chapter.unit.higher_is_better else "less is better"
    return bar_chart(chapter.title, f"{chapter.unit.name}, {better}", bars)


def bar_chart(title: str, subtitle: str, bars: list[Bar]) -> str:
    """Return an SVG picture with a bar for each figure, in the order given."""
    height = PADDING + TITLE_HEIGHT + ROW_HEIGHT * len(bars) + FOOT_HEIGHT
    room = WIDTH - 2 * PADDING - LABEL_WIDTH - VALUE_WIDTH
    longest = max((max(bar.value, bar.high) for bar in bars), default=0) or 1
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-labelledby="title description">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="description">{escape(_description(subtitle, bars))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
        f'<text class="title" x="{PADDING}" y="{PADDING + 12}">{escape(title)}</text>',
        f'<text class="small" x="{PADDING}" y="{PADDING + 32}">{escape(subtitle)}</text>',
    ]
    for number, bar in enumerate(bars):
        parts += _row(bar, PADDING + TITLE_HEIGHT + ROW_HEIGHT * number, room / longest)
    foot = "bar: median of the rounds; line: lowest to highest"
    parts.append(f'<text class="small" x="{PADDING}" y="{height - 12}">{foot}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _row(bar: Bar, top: int, scale: float) -> list[str]:
    start = PADDING + LABEL_WIDTH
    middle = top + ROW_HEIGHT / 2
    width = max(bar.value, 0) * scale
    strong = " ours" if bar.kind == "own" else ""
    kind = "" if bar.kind == "peer" else f" {bar.kind}"
    label = shortened(bar.label, LABEL_WIDTH - 10)
    low, high = start + bar.low * scale, start + bar.high * scale
    after = max(start + width, high) + 8
    row = [
        f'<text class="label{strong}" x="{start - 8}" y="{middle + 4.5:g}">{escape(label)}</text>',
        f'<rect class="bar{kind}" x="{start}" y="{top + (ROW_HEIGHT - BAR_HEIGHT) / 2:g}" width="{width:.1f}" '
        f'height="{BAR_HEIGHT}" rx="2"/>',
        f'<text class="value{strong}" x="{after:.1f}" y="{middle + 4.5:g}">{escape(bar.text)}</text>',
    ]
    if bar.high > bar.low:
        row.append(f'<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="{middle:g}" y2="{middle:g}"/>')
    return row


def shortened(label: str, width: float) -> str:
    """Return a label that fits into so many pixels."""
    letters = int(width / LETTER_WIDTH)
    return label if len(label) <= letters else label[: letters - 1].rstrip() + "…"


def _description(subtitle: str, bars: list[Bar]) -> str:
    return f"{subtitle}: " + "; ".join(f"{bar.label} {bar.text}" for bar in bars)
