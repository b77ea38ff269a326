"""Tag filters: a tree of comparisons that selects the publications of a channel that a client wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from .codes import CommandFailed
from .messages import FilterNode

# Limits on the nodes, values and levels of a filter, which is evaluated for each publication.
MAX_FILTER_NODES = 100
MAX_FILTER_VALUES = 1000
MAX_FILTER_DEPTH = 10
# Characters of its keys and values, which are kept as long as the subscription.
MAX_FILTER_SIZE = 65_536

Tags = Mapping[str, str]
Matches = Callable[[Tags], bool]


def make_filter(node: FilterNode) -> Matches:
    """Return a function that takes the tags of a publication and returns whether a client wants it.

    For a missing tag, `neq`, `nin` and `nex` are true, and all other comparisons are false.

    Raises:
        CommandFailed: the filter is invalid or too large.
    """
    count = _Count()
    return _read(node, count, 1)


class _Count:
    """Counts the parts of a filter that were read so far."""

    def __init__(self) -> None:
        self.nodes = 0
        self.values = 0
        self.size = 0


def _read(node: FilterNode, count: _Count, depth: int) -> Matches:
    count.nodes += 1
    count.values += len(node.vals)
    if count.nodes > MAX_FILTER_NODES or count.values > MAX_FILTER_VALUES or depth > MAX_FILTER_DEPTH:
        raise _invalid(
            f"at most {MAX_FILTER_NODES} nodes with {MAX_FILTER_VALUES} values in {MAX_FILTER_DEPTH} levels are allowed"
        )
    count.size += len(node.key) + len(node.val) + sum(map(len, node.vals))
    if count.size > MAX_FILTER_SIZE:
        raise _invalid(f"keys and values of at most {MAX_FILTER_SIZE} characters are allowed")
    if not node.op:
        return _comparison(node)
    if node.op not in ("and", "or", "not"):
        raise _invalid(f"op is {node.op[:20]!r}: expected 'and', 'or', 'not' or nothing")
    if not node.nodes or (node.op == "not" and len(node.nodes) != 1):
        raise _invalid(f"{node.op!r} has {len(node.nodes)} nodes: expected {'one' if node.op == 'not' else 'some'}")
    parts = [_read(each, count, depth + 1) for each in node.nodes]
    match node.op:
        case "and":
            return lambda tags: all(part(tags) for part in parts)
        case "or":
            return lambda tags: any(part(tags) for part in parts)
    return lambda tags: not parts[0](tags)


def _comparison(node: FilterNode) -> Matches:
    key, cmp = node.key, node.cmp
    if not key:
        raise _invalid("a comparison has no key")
    if node.nodes:
        raise _invalid("a comparison has nodes, which need an op")
    if cmp in _TEXTS:
        return _compare_text(key, _TEXTS[cmp], node.val)
    if cmp in _NUMBERS:
        number = _number(node.val)
        if number is None:
            raise _invalid(f"val of {cmp!r} is {node.val[:20]!r}: expected a number")
        return _compare_number(key, _NUMBERS[cmp], number)
    values = frozenset(node.vals)
    match cmp:
        case "neq":
            return lambda tags: tags.get(key) != node.val
        case "in":
            return lambda tags: tags.get(key) in values
        case "nin":
            return lambda tags: tags.get(key) not in values
        case "ex":
            return lambda tags: key in tags
        case "nex":
            return lambda tags: key not in tags
    raise _invalid(f"cmp is {cmp[:20]!r}: expected one of {', '.join(COMPARISONS)}")


def _compare_text(key: str, compare: Callable[[str, str], bool], value: str) -> Matches:
    def matches(tags: Tags) -> bool:
        tag = tags.get(key)
        return tag is not None and compare(tag, value)

    return matches


def _compare_number(key: str, compare: Callable[[Decimal, Decimal], bool], number: Decimal) -> Matches:
    def matches(tags: Tags) -> bool:
        tag = _number(tags.get(key, ""))
        return tag is not None and compare(tag, number)

    return matches


def _number(text: str) -> Decimal | None:
    # `Decimal` would also accept 1_000, spaces around a number, and the digits of all alphabets.
    if not text.isascii() or "_" in text or text.strip() != text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _invalid(why: str) -> CommandFailed:
    return CommandFailed(107, f"bad request: tag filter: {why}")


_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "eq": str.__eq__,
    "sw": str.startswith,
    "ew": str.endswith,
    "ct": str.__contains__,
}
_NUMBERS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "lt": lambda tag, number: tag < number,
    "lte": lambda tag, number: tag <= number,
    "gt": lambda tag, number: tag > number,
    "gte": lambda tag, number: tag >= number,
}
COMPARISONS = ("eq", "neq", "in", "nin", "ex", "nex", "sw", "ew", "ct", "lt", "lte", "gt", "gte")
