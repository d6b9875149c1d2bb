"""Support conversations with ratings: questions in several wordings, good and vague answers, thumbs with noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from persona_lab.randomness import generator

SEED = 11
CONVERSATIONS = 360
GOOD_SHARE = 0.6
"""Share of answers that are complete."""

RATED_SHARE = 0.6
"""Share of answers that get a thumb; a missing thumb is not neutral, it is missing."""

WRONG_THUMB = 0.08
"""Share of thumbs that say the opposite of what the answer deserves."""


class Topic(NamedTuple):
    """One thing that users ask: wordings of the question, a complete answer and a vague one."""

    name: str
    questions: tuple[str, ...]
    complete: str
    vague: str


TOPICS = (
    Topic(
        "reset_password",
        ("How do I reset my password?", "I forgot my password", "Can't log in, what now?", "password reset please"),
        "Open Settings, then Security, then Reset password. A link valid for 24 hours comes by email.",
        "You can do that in the settings.",
    ),
    Topic(
        "cancel_plan",
        ("How do I cancel my subscription?", "stop my plan", "I want to end my membership", "Where do I unsubscribe?"),
        "Open Account, then Plan, then Cancel. You keep access until the end of the month that is paid.",
        "Cancelling is possible at any time.",
    ),
    Topic(
        "invoice",
        ("Where is my invoice?", "I need a receipt for my taxes", "Download last month's bill", "invoice as PDF?"),
        "Open Account, then Billing. Every invoice has a download button at its right, as PDF.",
        "Invoices are in your account.",
    ),
    Topic(
        "change_email",
        ("How do I change my email address?", "new email, how?", "My address changed, update it", "switch login email"),
        "Open Settings, then Profile, type the new address and confirm the link that we send to it.",
        "Just edit your profile.",
    ),
    Topic(
        "two_factor",
        ("How do I turn on two-factor login?", "enable 2FA", "Can I use an authenticator app?", "safer login?"),
        "Open Settings, then Security, then Two-factor. Scan the code with your app and type the six digits.",
        "We support two-factor login.",
    ),
    Topic(
        "export_data",
        ("How can I export my data?", "download everything you have", "I want a copy of my notes", "data export?"),
        "Open Settings, then Privacy, then Export. An archive is ready within an hour; the link lasts a week.",
        "Exports are available in some plans.",
    ),
    Topic(
        "share_calendar",
        (
            "How do I share my calendar?",
            "let a colleague see my calendar",
            "calendar sharing",
            "give access to my week",
        ),
        "Open the calendar's menu, choose Share, type the person's email and pick view or edit.",
        "Calendars can be shared with others.",
    ),
    Topic(
        "time_zone",
        ("My meetings show the wrong time", "How do I set my time zone?", "times are off by an hour", "wrong zone"),
        "Open Settings, then Time. Pick your zone by city; daylight saving is then followed automatically.",
        "Check your time settings.",
    ),
    Topic(
        "notifications",
        ("Too many notifications", "How do I mute alerts?", "turn off the emails", "stop the pings at night"),
        "Open Settings, then Notifications. Choose a digest per day, and quiet hours from and to.",
        "Notifications can be configured.",
    ),
    Topic(
        "refund",
        ("Can I get a refund?", "I was charged twice", "money back?", "How do refunds work?"),
        "Write to billing within 30 days with the invoice number; the money is back on the card in five days.",
        "Refunds are handled case by case.",
    ),
    Topic(
        "delete_account",
        ("How do I delete my account?", "erase me", "remove all my data", "close the account for good"),
        "Open Settings, then Privacy, then Delete account. After 14 days everything is erased and cannot return.",
        "You can contact us about that.",
    ),
    Topic(
        "invite_team",
        ("How do I invite my team?", "add a colleague", "more seats please", "invite people to the workspace"),
        "Open Team, then Invite, paste the emails. Seats are billed from the day that each person joins.",
        "Team members can be added.",
    ),
)
"""What the simulated users ask about; written by this project."""

COMMENTS = {
    True: ("Very helpful!", "That worked.", "Exactly what I needed", "Thanks, clear."),
    False: ("Too vague", "That did not help.", "Where exactly?", "Not what I asked"),
}


def conversations() -> Iterator[dict[str, Any]]:
    """Yield conversations in the shape of the vendor documents, with the rating where one was given.

    ``deserved`` is the truth: whether the answer was complete.
    """
    for number in range(CONVERSATIONS):
        luck = generator(SEED, "support conversation", number)
        topic = TOPICS[int(luck.integers(len(TOPICS)))]
        good = bool(luck.random() < GOOD_SHARE)
        rated, wrong = bool(luck.random() < RATED_SHARE), bool(luck.random() < WRONG_THUMB)
        comment = COMMENTS[good][int(luck.integers(4))] if luck.random() < 0.3 else None
        question = topic.questions[int(luck.integers(len(topic.questions)))]
        yield {
            "session_id": f"support-{number:04d}",
            "messages": [
                {"role": "user", "content": question},
                {"role": "agent", "content": topic.complete if good else topic.vague},
            ],
            "rating": ("positive" if good != wrong else "negative") if rated else None,
            "comment": comment if rated and not wrong else None,
            "topic": topic.name,
            "deserved": good,
        }
