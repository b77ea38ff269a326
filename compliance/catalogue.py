"""All sections, in the order of the RFCs."""

from __future__ import annotations

from .case import Section
from .sections import chopping, closing, compression, control, fragmentation, framing, handshake, limits, texts

SECTIONS: list[Section] = [
    *handshake.SECTIONS,
    *framing.SECTIONS,
    *fragmentation.SECTIONS,
    *control.SECTIONS,
    *texts.SECTIONS,
    *closing.SECTIONS,
    *limits.SECTIONS,
    *chopping.SECTIONS,
    *compression.SECTIONS,
]
