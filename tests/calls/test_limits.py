import pytest

from emmett.calls.limits import Rate, parse_rate
from emmett.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "calls", "period"),
    [("20/s", 20, 1), ("100/m", 100, 60), ("5/10s", 5, 10), ("1/h", 1, 3600), ("2/2d", 2, 172_800)],
)
def test_rates_are_read_from_text(text: str, calls: int, period: float) -> None:
    rate = parse_rate(text)
    assert rate == Rate(calls, period)
    assert parse_rate(str(rate)) == rate


@pytest.mark.parametrize("text", ["", "20", "0/s", "20/0s", "-1/s", "20/x", "20 / s", "1.5/s", "20/s ", None, 20])
def test_invalid_rates_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match='"20/s"'):
        parse_rate(text)
