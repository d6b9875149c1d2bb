import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from persona_lab.events import Event, IngestRequest, LoggedEvent, event_confidence, read_answer

BASE = {"event_id": "evt_1", "type": "outcome", "timestamp": "2025-10-27T15:00:00Z"}


def event(**fields):
    return Event(**{**BASE, **fields})


def test_the_vendor_documents_batch_is_taken_as_it_stands():
    batch = IngestRequest.model_validate(
        {
            "user_id": "usr_42af7c",
            "source": "scheduler_agent",
            "events": [
                {
                    "event_id": "evt_proactive_01",
                    "type": "outcome",
                    "timestamp": "2025-10-27T15:00:00Z",
                    "metadata": {"context": "meeting_reschedule", "status": "accepted"},
                    "content": "User accepted proactive meeting reschedule suggestion.",
                }
            ],
        }
    )
    (logged,) = batch.logged()
    assert (logged.user_id, logged.source) == ("usr_42af7c", "scheduler_agent")
    assert read_answer(logged)[:4] == ("meeting_reschedule", "accepted", None, None)


@pytest.mark.parametrize("weight", [True, False, math.nan, math.inf, -0.01, 1.01, "0.5"])
@pytest.mark.parametrize("place", ["weight", "confidence", "metadata.weight", "metadata.confidence"])
def test_a_weight_is_a_finite_number_from_0_to_1(weight, place):
    fields = {"metadata": {place.split(".")[1]: weight}} if "." in place else {place: weight}
    with pytest.raises(ValidationError):
        event(**fields)


def test_the_weight_stands_at_top_level_or_in_metadata():
    assert event_confidence(event()) == 1.0
    assert event_confidence(event(weight=0.25, confidence=0.5)) == 0.25
    assert event_confidence(event(confidence=0, metadata={"weight": 0.7})) == 0.0
    assert event_confidence(event(metadata={"confidence": 0.7})) == 0.7


def test_unknown_types_status_and_metadata_are_kept_and_other_extras_refused():
    kept = event(type="yoga", metadata={"status": "pending", "mood": {"deep": [1, None, "é"]}})
    assert kept.metadata["mood"] == {"deep": [1, None, "é"]}
    assert read_answer(kept).kind is None
    with pytest.raises(ValidationError, match="extra"):
        event(mood="good")


def test_nan_hidden_in_metadata_is_refused():
    with pytest.raises(ValidationError):
        event(metadata={"deep": [{"x": math.nan}]})


@pytest.mark.parametrize("timestamp", [1730000000, "2025-10-27T15:00:00", "yesterday", None, True, ""])
def test_a_timestamp_is_text_with_its_offset(timestamp):
    with pytest.raises(ValidationError):
        event(timestamp=timestamp)


@pytest.mark.parametrize(
    ("type_", "metadata", "expected"),
    [
        ("correction", {}, ("general", "declined", None, None)),
        ("outcome", {}, ("general", "accepted", None, None)),
        ("meeting", {}, ("general", None, None, None)),
        ("correction", {"proposed": "a", "corrected": "b"}, ("general", "corrected", "a", "b")),
        ("correction", {"proposed": "a", "option": "b"}, ("general", "corrected", "a", "b")),
        ("outcome", {"option": "a"}, ("general", "accepted", "a", None)),
        ("outcome", {"proposed": "a", "corrected": "a"}, ("general", "accepted", "a", None)),
        ("outcome", {"status": "Declined ", "proposed": "a"}, ("general", "declined", "a", None)),
        ("correction", {"status": "declined", "proposed": "a", "corrected": "b"}, ("general", "corrected", "a", "b")),
        ("correction", {"status": "corrected"}, ("general", "declined", None, None)),
        ("decision", {"option_chosen": "b", "alternatives": ["a"]}, ("general", "corrected", None, "b")),
        ("decision", {"option_chosen": "b", "proposed": "b"}, ("general", "accepted", "b", None)),
        ("decision", {}, ("general", None, None, None)),
        ("outcome", {"status": "ignored", "proposed": "a"}, ("general", "silent", "a", None)),
        ("message", {"context": "tone", "status": "negative"}, ("tone", "declined", None, None)),
    ],
)
def test_what_an_event_says_as_feedback(type_, metadata, expected):
    assert read_answer(event(type=type_, metadata=metadata))[:4] == expected


@given(
    type_=st.sampled_from(["correction", "outcome", "decision", "meeting"]),
    metadata=st.dictionaries(
        st.sampled_from(["status", "proposed", "corrected", "option", "option_chosen", "context"]),
        st.one_of(
            st.none(), st.sampled_from(["accepted", "declined", "corrected", "silent", "odd", " "]), st.integers()
        ),
    ),
)
def test_an_answer_names_an_option_if_and_only_if_it_is_a_correction(type_, metadata):
    answer = read_answer(event(type=type_, metadata=metadata))
    assert (answer.corrected is not None) == (answer.kind == "corrected")
    assert answer.context


def test_a_later_schema_version_is_a_number():
    assert LoggedEvent(**BASE, user_id="u").schema_version == 1
    with pytest.raises(ValidationError):
        LoggedEvent(**BASE, user_id="u", schema_version="1")
