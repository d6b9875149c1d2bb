"""What simulated people talk about: contexts, their options, and several surface forms of each option.

A form has two sides, so that any template can take any option: a noun phrase without article (mass or plural) and an
imperative phrase without subject. The last form of every option is held back from the interpreter's training.
"""

from __future__ import annotations

from typing import NamedTuple


class Form(NamedTuple):
    """One way to name an option: as a noun phrase ("morning meetings") and as a request ("book me before lunch")."""

    noun: str
    request: str


def _forms(*pairs: tuple[str, str]) -> tuple[Form, ...]:
    return tuple(Form(*pair) for pair in pairs)


FORMS: dict[str, dict[str, tuple[Form, ...]]] = {
    "meeting_time": {
        "morning": _forms(
            ("morning meetings", "schedule meetings in the morning"),
            ("calls before lunch", "put my calls before lunch"),
            ("mornings", "book things in the morning"),
            ("meetings at 9 AM", "set the meetings for 9 AM"),
            ("slots before noon", "pick slots before noon"),
        ),
        "afternoon": _forms(
            ("afternoon meetings", "schedule meetings in the afternoon"),
            ("calls after lunch", "put my calls after lunch"),
            ("afternoons", "book things in the afternoon"),
            ("meetings at 2 PM", "set the meetings for 2 PM"),
            ("slots after 1 PM", "pick slots after 1 PM"),
        ),
        "evening": _forms(
            ("evening meetings", "schedule meetings in the evening"),
            ("calls after dinner", "put my calls after dinner"),
            ("evenings", "book things in the evening"),
            ("meetings at 7 PM", "set the meetings for 7 PM"),
            ("slots after 6 PM", "pick slots after 6 PM"),
        ),
    },
    "meeting_length": {
        "short": _forms(
            ("short meetings", "keep meetings short"),
            ("15 minute calls", "cap calls at 15 minutes"),
            ("quick stand-ups", "make it a quick stand-up"),
            ("ten minute check-ins", "limit check-ins to ten minutes"),
        ),
        "half_hour": _forms(
            ("half-hour meetings", "keep meetings to half an hour"),
            ("30 minute calls", "book calls of 30 minutes"),
            ("thirty minute slots", "plan thirty minute slots"),
            ("meetings of half an hour", "give meetings half an hour"),
        ),
        "long": _forms(
            ("hour-long meetings", "give meetings a full hour"),
            ("60 minute calls", "book calls of 60 minutes"),
            ("long sessions", "plan a long session"),
            ("meetings with a full hour", "block a whole hour"),
        ),
    },
    "meeting_day": {
        day: _forms(
            (f"{day.capitalize()} meetings", f"book meetings on {day.capitalize()}"),
            (f"calls on {day.capitalize()}s", f"put calls on {day.capitalize()}"),
            (f"{day.capitalize()}s", f"use {day.capitalize()} for meetings"),
            (f"weekly syncs on {day.capitalize()}", f"hold the weekly sync on {day.capitalize()}"),
        )
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
    },
    "tone": {
        "formal": _forms(
            ("formal wording", "write formally"),
            ("formal tone", "keep the tone formal"),
            ("polite, official language", "sound official and polite"),
            ("business style mails", "phrase it like a business letter"),
        ),
        "casual": _forms(
            ("casual wording", "write casually"),
            ("relaxed tone", "keep the tone relaxed"),
            ("laid-back, chatty language", "sound chatty and laid-back"),
            ("mails that sound like a friend", "phrase it as you would to a friend"),
        ),
        "playful": _forms(
            ("playful wording", "write playfully"),
            ("funny tone", "keep the tone funny"),
            ("jokes and puns in the text", "throw in a joke"),
            ("mails with some humour", "add a bit of humour"),
        ),
    },
    "answer_length": {
        "brief": _forms(
            ("brief answers", "answer briefly"),
            ("one-line replies", "reply in one line"),
            ("short answers", "keep answers short"),
            ("two-sentence summaries", "sum it up in two sentences"),
        ),
        "detailed": _forms(
            ("detailed answers", "answer in detail"),
            ("long explanations", "explain it at length"),
            ("thorough, step-by-step replies", "go through it step by step"),
            ("answers with all the background", "include all the background"),
        ),
    },
    "reminder_channel": {
        "email": _forms(
            ("email reminders", "remind me by email"),
            ("reminders in my inbox", "drop reminders in my inbox"),
            ("mail reminders", "send reminders by mail"),
            ("notes to my mailbox", "write to my mailbox"),
        ),
        "chat": _forms(
            ("chat reminders", "remind me in chat"),
            ("Slack pings", "ping me on Slack"),
            ("direct messages as reminders", "send me a direct message"),
            ("reminders in the team messenger", "use the team messenger for reminders"),
        ),
        "sms": _forms(
            ("text message reminders", "remind me by text message"),
            ("SMS reminders", "send me an SMS"),
            ("texts to my phone", "text me"),
            ("reminders by SMS", "use SMS for reminders"),
        ),
        "phone_call": _forms(
            ("phone call reminders", "remind me with a phone call"),
            ("reminder calls", "ring me up"),
            ("calls to my mobile as reminders", "call my mobile"),
            ("rings on the phone", "give me a ring"),
        ),
    },
    "notification_timing": {
        "instant": _forms(
            ("instant notifications", "notify me instantly"),
            ("alerts right away", "alert me right away"),
            ("real-time notifications", "push notifications in real time"),
            ("updates the moment they happen", "tell me the moment it happens"),
        ),
        "hourly": _forms(
            ("hourly notifications", "notify me every hour"),
            ("hourly digests", "bundle alerts by the hour"),
            ("updates once an hour", "update me once an hour"),
            ("hourly bundles of alerts", "send one bundle per hour"),
        ),
        "daily": _forms(
            ("daily notifications", "notify me once a day"),
            ("daily digests", "bundle alerts into a daily digest"),
            ("end-of-day updates", "update me at the end of the day"),
            ("daily roundups", "send one roundup per day"),
        ),
        "weekly": _forms(
            ("weekly notifications", "notify me once a week"),
            ("weekly digests", "bundle alerts into a weekly digest"),
            ("updates once a week", "update me once a week"),
            ("weekly roundups", "send one roundup per week"),
        ),
    },
    "task_order": {
        "urgent_first": _forms(
            ("urgent tasks first", "put urgent tasks first"),
            ("sorting by urgency", "sort my list by urgency"),
            ("the most pressing items on top", "move the most pressing items to the top"),
            ("ordering by deadline", "order tasks by deadline"),
        ),
        "easy_first": _forms(
            ("easy tasks first", "put easy tasks first"),
            ("quick wins up front", "start with quick wins"),
            ("the simplest items on top", "move the simplest items to the top"),
            ("small chores first", "start me on the small chores"),
        ),
        "manual": _forms(
            ("manual ordering", "leave the ordering to me"),
            ("sorting my tasks by hand", "let me sort tasks by hand"),
            ("my own task order", "keep my own task order"),
            ("ordering the list myself", "let me order the list myself"),
        ),
    },
    "file_format": {
        "pdf": _forms(
            ("PDF files", "send it as a PDF"),
            ("reports in PDF", "export reports to PDF"),
            ("PDFs", "give me a PDF"),
            ("documents saved as PDF", "save documents as PDF"),
        ),
        "slides": _forms(
            ("slides", "send it as slides"),
            ("reports as a slide deck", "turn reports into a slide deck"),
            ("PowerPoint files", "give me a PowerPoint"),
            ("presentations", "make a presentation of it"),
        ),
        "spreadsheet": _forms(
            ("spreadsheets", "send it as a spreadsheet"),
            ("reports in Excel", "export reports to Excel"),
            ("tables I can sort", "put it in a sheet I can sort"),
            ("Excel files", "give me an Excel file"),
        ),
    },
    "language": {
        language: _forms(
            (f"answers in {language.capitalize()}", f"answer in {language.capitalize()}"),
            (f"{language.capitalize()} texts", f"write texts in {language.capitalize()}"),
            (f"{language.capitalize()}", f"use {language.capitalize()}"),
            (f"replies written in {language.capitalize()}", f"reply in {language.capitalize()}"),
        )
        for language in ("english", "french", "german", "spanish", "italian", "portuguese")
    },
}
"""Context -> option -> forms."""

TOPICS: dict[str, str] = {
    "meeting_time": "when to meet",
    "meeting_length": "how long meetings take",
    "meeting_day": "the day of the meeting",
    "tone": "the tone of my mails",
    "answer_length": "how long answers are",
    "reminder_channel": "how you remind me",
    "notification_timing": "how often you notify me",
    "task_order": "the order of my tasks",
    "file_format": "the file format",
    "language": "the language",
}

CONTEXTS: dict[str, tuple[str, ...]] = {context: tuple(options) for context, options in FORMS.items()}
"""Context -> its options, 2 to 6 of them."""


def forms_of(context: str, option: str) -> tuple[Form, ...]:
    """Return the surface forms of an option; one plain form made of the names where the bank has none."""
    known = FORMS.get(context, {}).get(option)
    if known is not None:
        return known
    words, topic = option.replace("_", " "), context.replace("_", " ")
    return (Form(f"{words} for {topic}", f"use {words} for {topic}"),)


def topic_of(context: str) -> str:
    """Return how a person would name the context."""
    return TOPICS.get(context, context.replace("_", " "))
