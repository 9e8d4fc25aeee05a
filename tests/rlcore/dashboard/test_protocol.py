"""Clients' messages are understood or refused by name; the server's are JSON with the fields of the document."""

import json
import math
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlcore.dashboard.protocol import (
    LONGEST_MESSAGE_BYTES,
    SERVER_MESSAGES,
    TOPICS,
    MessageError,
    Ping,
    RequestDashboard,
    RequestMetricsHistory,
    Subscribe,
    Unsubscribe,
    as_json,
    encode,
    error_message,
    parse,
)

DOCUMENT = (Path(__file__).parents[3] / "docs" / "dashboard.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type": "ping"}', Ping(type="ping")),
        ('{"type": "ping", "timestamp": 1.5}', Ping(type="ping", timestamp=1.5)),
        ('{"type": "request_dashboard"}', RequestDashboard(type="request_dashboard")),
        ('{"type": "subscribe", "topics": ["system"]}', Subscribe(type="subscribe", topics=["system"])),
        ('{"type": "unsubscribe", "topics": []}', Unsubscribe(type="unsubscribe", topics=[])),
        (
            '{"type": "request_metrics_history"}',
            RequestMetricsHistory(type="request_metrics_history", metrics=None, first=None, last=None, points=1000),
        ),
        (
            '{"type": "request_metrics_history", "metrics": ["episode/reward"], "first": 1, "last": 2.5, "points": 4}',
            RequestMetricsHistory(
                type="request_metrics_history", metrics=["episode/reward"], first=1.0, last=2.5, points=4
            ),
        ),
        (
            '{"type": "request_metrics_history", "metrics": null, "first": null}',
            RequestMetricsHistory(type="request_metrics_history"),
        ),
    ],
)
def test_messages_of_every_type_are_understood(text, message):
    assert parse(text) == message


HISTORY = '{"type": "request_metrics_history", '


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("", "malformed_json", "Expecting value"),
        ("{", "malformed_json", ""),
        ('{"type": "ping"} x', "malformed_json", "Extra data"),
        ("{'type': 'ping'}", "malformed_json", ""),
        ('{"type": "ping", "timestamp": NaN}', "malformed_json", "NaN"),
        ('{"type": "ping", "timestamp": -Infinity}', "malformed_json", "Infinity"),
        ("[" * 60_000, "malformed_json", "deeply"),
        ("1" * 5000, "malformed_json", ""),
        ('["ping"]', "not_an_object", "list"),
        ("null", "not_an_object", "NoneType"),
        ('"ping"', "not_an_object", "str"),
        ("{}", "unknown_type", "known are ping, request_metrics_history"),
        ('{"type": "pong"}', "unknown_type", "'pong'"),
        ('{"type": null}', "unknown_type", ""),
        ('{"type": ["ping"]}', "unknown_type", ""),
        ('{"type": "\\ud800"}', "unknown_type", ""),
        ('{"type": "ping", "more": 1}', "invalid_field", "more"),
        ('{"type": "ping", "timestamp": "now"}', "invalid_field", "timestamp"),
        ('{"type": "ping", "timestamp": 1e999}', "invalid_field", "timestamp"),
        ('{"type": "subscribe"}', "invalid_field", "topics"),
        ('{"type": "subscribe", "topics": "system"}', "invalid_field", "topics"),
        ('{"type": "subscribe", "topics": ["system", "weather"]}', "invalid_field", "topics.1"),
        ('{"type": "unsubscribe", "topics": [1]}', "invalid_field", "topics.0"),
        (HISTORY + '"points": 3}', "invalid_field", "points"),
        (HISTORY + '"points": 10001}', "invalid_field", "points"),
        (HISTORY + '"points": 5.5}', "invalid_field", "points"),
        (HISTORY + '"points": "100"}', "invalid_field", "points"),
        (HISTORY + '"points": true}', "invalid_field", "points"),
        (HISTORY + '"first": 1e999}', "invalid_field", "first"),
        (HISTORY + '"last": "2"}', "invalid_field", "last"),
        (HISTORY + '"first": 2, "last": 1}', "invalid_field", "first = 2 is above last = 1"),
        (HISTORY + '"metrics": "episode/reward"}', "invalid_field", "metrics"),
        (HISTORY + '"metrics": [3]}', "invalid_field", "metrics.0"),
        (HISTORY + f'"metrics": ["{"x" * 101}"]}}', "invalid_field", "metrics.0"),
        (json.dumps({"type": "ping", "x" * LONGEST_MESSAGE_BYTES: 1}), "too_long", "65,536"),
        ("x" * (LONGEST_MESSAGE_BYTES + 1), "too_long", "65,537"),
        ("é" * (LONGEST_MESSAGE_BYTES // 2 + 1), "too_long", "65,538"),
    ],
)
def test_what_is_wrong_with_a_message_is_said(text, code, says):
    with pytest.raises(MessageError) as caught:
        parse(text)
    assert caught.value.code == code
    assert says in caught.value.message
    assert len(caught.value.message) < 1000
    told = json.loads(error_message(caught.value))
    assert (told["type"], told["code"], told["message"]) == ("error", code, caught.value.message)


def test_the_longest_message_is_read():
    text = '{"type": "ping"}'
    assert parse(text + " " * (LONGEST_MESSAGE_BYTES - len(text))) == Ping(type="ping")


@given(st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_nothing_but_a_message_error_comes_of_any_text(text):
    with pytest.raises(MessageError):
        parse(text)


KEYS = st.sampled_from(["type", "topics", "metrics", "points", "first", "last", "timestamp"])
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text() | st.integers())
TYPES = st.sampled_from(["ping", "subscribe", "unsubscribe", "request_metrics_history", "request_dashboard"])


@given(st.dictionaries(KEYS, VALUES), TYPES)
def test_nothing_but_a_message_error_comes_of_any_object(fields, kind):
    with suppress(MessageError):
        parse(json.dumps({**fields, "type": kind}))


def test_what_is_no_finite_number_becomes_null():
    text = encode("metrics_history", series={"a": {"x": [1, 2.5], "y": [math.nan, -math.inf]}, "b": (math.inf, "inf")})
    told = json.loads(text, parse_constant=pytest.fail)
    assert told["series"] == {"a": {"x": [1, 2.5], "y": [None, None]}, "b": [None, "inf"]}
    assert isinstance(told["timestamp"], float)


def test_messages_are_ascii():
    assert as_json("é\ud800").isascii()


@pytest.mark.parametrize(("kind", "fields"), [("pong", {"more": 1}), ("error", {"code": "x"}), ("nothing", {})])
def test_the_server_says_what_is_in_the_protocol_only(kind, fields):
    with pytest.raises(ValueError, match=kind):
        encode(kind, **fields)


def test_the_document_has_every_message_of_the_server_with_its_fields():
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", DOCUMENT.partition("### From the server")[2], re.MULTILINE)
    told = {kind: rest for kind, rest in rows if kind in SERVER_MESSAGES}
    assert set(told) == set(SERVER_MESSAGES)
    for kind, fields in SERVER_MESSAGES.items():
        place = DOCUMENT.partition("`initial_data` has")[2] if kind == "initial_data" else told[kind]
        for field in fields:
            assert f"`{field}`" in place, f"{kind}: {field}"


def test_the_document_has_every_topic():
    for topic in TOPICS:
        assert f"`{topic}`" in DOCUMENT
