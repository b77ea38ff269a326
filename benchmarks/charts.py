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

# A picture in a page follows the reader's colour scheme, not the page's: so it brings a background of its own.
HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" \
role="img" aria-labelledby="title description">
<title id="title">{title}</title>
<desc id="description">{subtitle}: {description}</desc>
<style>
text {{ font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1f2328 }}
.page {{ fill: #ffffff; stroke: #d1d9e0 }}
.title {{ font-size: 15px; font-weight: 600 }}
.small {{ font-size: 12px; fill: #59636e }}
.label {{ text-anchor: end }}
.ours {{ font-weight: 600 }}
.bar {{ fill: #8c959f }} .bar.own {{ fill: #0969da }} .bar.limit {{ fill: #d1d9e0 }}
.spread {{ stroke: #1f2328; stroke-width: 1.5 }}
@media (prefers-color-scheme: dark) {{
  text {{ fill: #f0f6fc }} .page {{ fill: #0d1117; stroke: #3d444d }} .small {{ fill: #9198a1 }}
  .bar {{ fill: #6e7681 }} .bar.own {{ fill: #4493f8 }} .bar.limit {{ fill: #3d444d }} .spread {{ stroke: #f0f6fc }}
}}
</style>
<rect class="page" x="0.5" y="0.5" width="{page_width}" height="{page_height}" rx="6"/>
<text class="title" x="20" y="32">{title}</text>
<text class="small" x="20" y="52">{subtitle}</text>
"""
ROW = """\
<text class="label{strong}" x="{label:g}" y="{base:g}">{name}</text>
<rect class="bar{kind}" x="{start:g}" y="{top:g}" width="{width:.1f}" height="{height}" rx="2"/>
<text class="value{strong}" x="{after:.1f}" y="{base:g}">{text}</text>
"""
SPREAD = '<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="{middle:g}" y2="{middle:g}"/>\n'
FOOT = '<text class="small" x="20" y="{y}">bar: median of the rounds; line: lowest to highest</text>\n</svg>\n'


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: the text before it, how long it is, the lowest and the highest figure, the text after it.

    Attributes:
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
    longest = max((max(bar.value, bar.high) for bar in bars), default=0) or 1
    scale = (WIDTH - 2 * PADDING - LABEL_WIDTH - VALUE_WIDTH) / longest
    head = HEAD.format(
        title=escape(title),
        subtitle=escape(subtitle),
        description=escape("; ".join(f"{bar.label} {bar.text}" for bar in bars)),
        width=WIDTH,
        height=height,
        page_width=WIDTH - 1,
        page_height=height - 1,
    )
    rows = [_row(bar, PADDING + TITLE_HEIGHT + ROW_HEIGHT * number, scale) for number, bar in enumerate(bars)]
    return "".join((head, *rows, FOOT.format(y=height - 12)))


def _row(bar: Bar, top: int, scale: float) -> str:
    start, middle, width = PADDING + LABEL_WIDTH, top + ROW_HEIGHT / 2, max(bar.value, 0) * scale
    low, high = start + bar.low * scale, start + bar.high * scale
    row = ROW.format(
        name=escape(bar.label),
        text=escape(bar.text),
        strong=" ours" if bar.kind == "own" else "",
        kind="" if bar.kind == "peer" else f" {bar.kind}",
        label=start - 8,
        base=middle + 4.5,
        start=start,
        top=top + (ROW_HEIGHT - BAR_HEIGHT) / 2,
        width=width,
        height=BAR_HEIGHT,
        after=max(start + width, high) + 8,
    )
    return row + (SPREAD.format(low=low, high=high, middle=middle) if bar.high > bar.low else "")
