"""The phrasing families: templates by stance and register, each family one way of putting it.

Slots: ``{np}`` and ``{do}`` name the option (noun phrase, request), ``{other_np}`` and ``{other_do}`` another option of
the same context, ``{topic}`` the context. A slot with a capital first letter (``{Np}``) starts a sentence.
Families are what the interpreter's test holds out: no template below is shared between training and test.
"""

from __future__ import annotations

from typing import NamedTuple

from persona_lab.contracts import Stance
from persona_lab.simulate import phrases_more as more


class Family(NamedTuple):
    """Some templates that put one thing in one way.

    ``register`` is plain, vague, sarcastic or indirect; an indirect family speaks of one option only.
    """

    name: str
    stance: Stance
    register: str
    templates: tuple[str, ...]
    context: str | None = None
    option: str | None = None


_WANTS = {
    "prefer": ("I prefer {np}.", "I do prefer {np}."),
    "please": ("{Np}, please.", "{np} please"),
    "request": ("Please {do}.", "{Do}, please."),
    "from_now": ("From now on, {do}.", "{Do} from now on."),
    "always": ("Always {do}.", "Please always {do}."),
    "rather_than": ("I'd rather have {np} than {other_np}.",),
    "instead_of": ("{Do} instead of going for {other_np}.", "{Np} instead of {other_np}, please."),
    "suits": ("What suits me best: {np}.", "Best for me: {np}."),
    "no_but": ("No, {np} please.", "No, {do}."),
    "not_but": ("Not {other_np} but {np}.", "Not {other_np}, {np}!"),
    "could_you": ("Could you {do}?", "Can you {do}?"),
    "like": ("I like {np} a lot.", "I really like {np}."),
    "stick": ("Stick with {np}.", "Keep {np} coming."),
    "praise": ("That was right: more {np} like this.", "Good call with {np}, thank you."),
    "perfect": ("Perfect, {np}, exactly as I like it.", "{Np}, spot on."),
    "default": ("Make {np} the default.", "Let {np} be the standard for me."),
    "love": ("Love {np}!", "I love {np}."),
    "over": ("{Np} over {other_np}, any day.",),
    "usually": ("I usually go for {np}.", "As a rule I choose {np}."),
    "next_time": ("Next time {do}, will you?", "Next time, {do}."),
    "asked_for": ("That's wrong, I asked for {np}.", "Wrong again, I wanted {np}."),
    "expected": ("I was expecting {np}, not {other_np}.", "You gave me {other_np} where I wanted {np}."),
    "better": ("{Np} would work better for me than {other_np}.",),
    "need": ("I need {np} to get anything done.", "I need {np}."),
    "remember": ("Please remember that I am a fan of {np}.", "Remember: {np} for me."),
    "cant_go_wrong": ("You can't go wrong with {np}.",),
    "nothing_beats": ("Nothing beats {np}.", "There is nothing better than {np}."),
    "never_tired": ("I never get tired of {np}.",),
    "dont_forget": ("Don't forget to {do}.", "Never forget to {do}."),
    "why_not": ("Why don't you {do}? That's how I like it.",),
    "works_fine": ("{Np}: works for me every time.", "It works well for me when you {do}."),
    "accept": ("Yes, {do}.", "Sure, go ahead with {np}."),
    "hope": ("I was hoping for {np}.", "I hope you can {do}."),
    "should": ("You should {do} for me.", "It would help if you could {do}."),
    "ideal": ("For me, ideal means {np}.", "In an ideal world you would {do}."),
    "only_want": ("I only want {np}.", "Nothing but {np} for me."),
}

_WANTS_VAGUE = {
    "guess": ("I guess {np} would be fine.", "{Np}, I suppose."),
    "leaning": ("Leaning towards {np}, I think.", "I think I lean towards {np}."),
    "maybe": ("Hmm, maybe {do}?", "Perhaps {do}?"),
    "if_possible": ("{Np} if possible, but don't sweat it.", "If it is no trouble, {do}."),
}

_DOES_NOT_WANT = {
    "no_more": ("No more {np}, please.", "No more {np}!"),
    "stop": ("Stop with {np}.", "Please stop, {np} bother me."),
    "dont": ("Don't {do}.", "Please don't {do}."),
    "never": ("Never {do}.", "Please never {do} again."),
    "hate": ("I hate {np}.", "I really dislike {np}."),
    "cant_stand": ("I can't stand {np}.", "I can't deal with {np}."),
    "cant_work": ("{Np} can't work for me.", "{Np} won't work for me."),
    "no_fan": ("I'm not a fan of {np}.", "Not a fan of {np}."),
    "anything_but": ("Anything but {np}.", "Whatever you pick, not {np}."),
    "enough": ("Enough of {np} already.", "I have had enough of {np}."),
    "avoid": ("Avoid {np}.", "Steer clear of {np} with me."),
    "less": ("Fewer of these: {np}.", "Less of that, I mean {np}."),
    "never_asked": ("I never asked for {np}.", "Who asked for {np}? Not me."),
    "no_thanks": ("{Np}? No thanks.", "{Np}? Not for me."),
    "why_did_you": ("Why did you {do}? I didn't want that.",),
    "rather_not": ("I'd rather not have {np}.", "I would rather you didn't {do}."),
    "spare": ("Spare me {np}.", "Save me from {np}."),
    "old": ("You keep pushing {np} and it is getting old.",),
    "its_a_no": ("It's a no from me on {np}.", "{Np}: no."),
    "wish": ("I wish you wouldn't {do}.",),
    "refrain": ("Please refrain from {np}.", "Kindly leave out {np}."),
    "cut": ("Cut out {np}.", "Drop {np}."),
    "mistake": ("It was a mistake to {do}.", "Whoever told you to {do} was wrong."),
    "last_thing": ("The last thing I want: {np}.",),
    "not_useful": ("I get nothing out of {np}.", "{Np} only waste my time."),
    "turn_off": ("Turn off {np}.", "Disable {np}."),
    "under_no": ("Under no circumstances {do}.",),
    "annoyed": ("It annoys me when you {do}.", "I get annoyed by {np}."),
}

_DOES_NOT_WANT_VAGUE = {
    "not_sure": ("Not so sure about {np}.", "I have my doubts about {np}."),
    "not_really_me": ("Hmm, {np}... not really me.", "{Np}, well, not quite my thing."),
}

_DOES_NOT_WANT_SARCASTIC = {
    "oh_great": ("Oh great, {np} again. Just what I needed.", "Oh joy, {np} again."),
    "wow": ("Wow, {np}. How thoughtful of you.", "Wow, {np}. Brilliant idea."),
    "everybody_loves": ("Sure, because everybody loves {np}.", "Right, because who doesn't love {np}."),
    "made_my_day": ("Thanks for {np}, really made my day. Not.",),
    "fantastic": ("Fantastic, {np}. My favourite thing in the world, obviously.",),
    "keep_it_up": ("{Np} once more? Keep it up and I'll throw the laptop out of the window.",),
}

_CHANGED_MIND = {
    "used_to": ("I used to like {other_np}, but now I prefer {np}.", "I used to want {other_np}; now {do}."),
    "changed_my_mind": ("I changed my mind: {np} from now on.", "I've changed my mind, {do}."),
    "new_job": ("Since my new job started, I need {np}.", "New job, new rules: {do}."),
    "these_days": ("These days I go for {np}.", "These days I'd go with {np}."),
    "no_longer": ("I no longer want {other_np}; {do}.", "{Other_np} no longer work for me, so {do}."),
    "scrap": ("Scrap what I said about {other_np}, {do}.", "Ignore what I told you before, {do}."),
    "things_changed": ("Things have changed, {do} now.", "My life has changed: {np} now."),
    "second_thought": ("On second thought, {np} from here on.", "Thinking it over again, {do} after all."),
    "turns_out": ("Turns out I like {np} more than {other_np} after all.",),
    "switch_me": ("Switch me over from {other_np} to {np}.", "Move me from {other_np} to {np}."),
    "come_round": ("I've come round to {np}.", "I have warmed to {np} by now."),
    "forget_old": ("Forget {other_np}, I'm into {np} now.",),
    "update": ("Update my preference: {np} instead of {other_np}.", "Update my settings from {other_np} to {np}."),
    "lately": ("Lately I have moved to {np}.", "Lately I find myself choosing {np} over {other_np}."),
    "i_know_i_said": ("I know I said {other_np}, but make it {np} going forward.",),
    "had_their_time": ("{Other_np} had their time; {do} now.",),
    "after_months": ("After all these months with {other_np}, I am switching to {np}.",),
    "new_habit": ("New habit: {np}. The old {other_np} can go.", "I have a new habit: {np}."),
    "anymore": ("I don't want {other_np} anymore, {do}.", "Not {other_np} anymore, {np}."),
    "past_present": ("{Other_np} were great in the past. Now it has to be {np}.",),
    "reconsidered": ("I reconsidered, {np} it is.", "Having reconsidered {topic}: {np}."),
}

_ONLY_ONCE = {
    "just_today": ("Just for today, {do}.", "{Do}, but just for today."),
    "only_this_once": ("Only this once: {np}.", "{Do}, only this once."),
    "tomorrow_only": ("Tomorrow only, {np} please.", "Tomorrow, and only tomorrow, {do}."),
    "this_time": ("{Do} this time, but keep {other_np} as the usual.",),
    "exception": ("As an exception, {do}.", "Make an exception and {do}."),
    "this_week": ("This week only, {np}.", "{Do} this week, next week as before."),
    "today_then_back": ("Could you {do} today? Back to normal afterwards.",),
    "travelling": ("I'm travelling, so {np} until Friday.", "While I'm on the road, {do}."),
    "one_off": ("One-off: {np}.", "A one-off request: {do}."),
    "for_this_one": ("For this one, {do}. Don't change anything else.",),
    "special_case": ("Today I need {np}, it's a special case.",),
    "no_habit": ("Don't make it a habit, but {do}.", "{Do}, but let's not make a habit of it."),
    "ill": ("Since I'm ill this week, {do}.", "I have a cold, so {np} until I'm better."),
    "for_now": ("{Np} for now, just while my colleague is away.",),
    "guests": ("Guests in town: {np} tonight, then as always.",),
    "temporary": ("Temporary thing, {do}.", "Temporarily, {np}."),
    "not_a_rule": ("Not a new rule, just {do} once.", "{Do} once; it's not a new rule."),
    "skip_today": ("Normally {other_np}, today {np}.", "I normally want {other_np}, but today {do}."),
    "next_one": ("For the next one only, {do}.",),
}

_NOTHING = {
    "ok_thanks": ("ok thanks", "Okay, thank you!"),
    "got_it": ("Got it.", "Understood."),
    "hmm": ("hmm", "Hm."),
    "laugh": ("lol", "haha"),
    "bye": ("See you tomorrow!", "Talk later."),
    "thumb": ("\N{THUMBS UP SIGN}", "\N{THUMBS UP SIGN}\N{THUMBS UP SIGN}"),
    "weather": ("What's the weather like?", "Will it rain later?"),
    "link": ("Can you send me the link?", "Where did you put the notes?"),
    "busy": ("I'm on another call right now.", "Give me a minute."),
    "who": ("Who else is invited?", "Did Sam reply?"),
    "whatever": ("Whatever works.", "Up to you, no strong feelings about {topic}."),
    "either_way": ("I don't mind either way.", "{Np} or {other_np}, I don't mind."),
    "whats_that": ("{Np}? What's that?", "What do you mean by {np}?"),
    "did_you": ("Did you already {do}?", "Did you {do} yesterday?"),
    "when_last": ("When did we last talk about {np}?", "Remind me what we said about {np}?"),
    "sister": ("My sister loves {np}.", "My boss is keen on {np}, by the way."),
    "how_many": ("How many people choose {np}?", "Is {np} even an option?"),
    "reading": ("I'm just reading about {np}.", "There was an article about {np} in the news."),
}

_INDIRECT: tuple[tuple[str, str, Stance, tuple[str, ...]], ...] = (
    ("meeting_time", "morning", Stance.WANTS, ("My brain is at its best before ten.", "I'm an early bird.")),
    ("meeting_time", "morning", Stance.DOES_NOT_WANT, ("no calls before lunch please", "Nothing before noon, thanks.")),
    ("meeting_time", "morning", Stance.DOES_NOT_WANT, ("I'm useless until my third coffee, and that's around noon.",)),
    (
        "meeting_time",
        "afternoon",
        Stance.WANTS,
        ("no, after 1 PM please", "After lunch I can give you my full attention."),
    ),
    ("meeting_time", "evening", Stance.DOES_NOT_WANT, ("I have dinner with the kids at seven.", "My day ends at six.")),
    ("meeting_time", "evening", Stance.WANTS, ("I'm a night owl.", "Once the kids are in bed I'm free to talk.")),
    (
        "meeting_length",
        "short",
        Stance.WANTS,
        ("That could have been ten minutes.", "Let's not make a long thing of it."),
    ),
    ("meeting_length", "long", Stance.DOES_NOT_WANT, ("Nobody can focus for a whole hour.",)),
    ("meeting_length", "long", Stance.WANTS, ("We always run out of time, give us an hour.",)),
    (
        "meeting_day",
        "friday",
        Stance.DOES_NOT_WANT,
        ("My week ends on Thursday night.", "Keep the end of the week free."),
    ),
    ("meeting_day", "monday", Stance.DOES_NOT_WANT, ("I need the start of the week to myself.",)),
    ("tone", "formal", Stance.WANTS, ("These are judges and ambassadors, mind the etiquette.",)),
    ("tone", "formal", Stance.DOES_NOT_WANT, ("I sound like a lawyer in this draft.", "That reads so stiff.")),
    ("tone", "playful", Stance.DOES_NOT_WANT, ("I'm not a clown.", "Clients don't write to me for the jokes.")),
    ("answer_length", "brief", Stance.WANTS, ("I only read the first line anyway.", "tl;dr?")),
    (
        "answer_length",
        "detailed",
        Stance.WANTS,
        ("You left out how you got there.", "I want to understand every step."),
    ),
    ("answer_length", "detailed", Stance.DOES_NOT_WANT, ("I don't have time to read a novel.",)),
    ("reminder_channel", "email", Stance.DOES_NOT_WANT, ("My inbox is overflowing as it is.",)),
    ("reminder_channel", "phone_call", Stance.DOES_NOT_WANT, ("My phone rang in the middle of the talk!",)),
    ("reminder_channel", "chat", Stance.WANTS, ("I have Slack open all day.",)),
    ("notification_timing", "instant", Stance.DOES_NOT_WANT, ("It buzzes every thirty seconds, I can't think.",)),
    ("notification_timing", "instant", Stance.WANTS, ("By the time I heard of it, it was too late.",)),
    ("notification_timing", "daily", Stance.WANTS, ("I'll catch up on everything before I go home.",)),
    ("task_order", "manual", Stance.WANTS, ("User rejected automatic prioritization.", "I know best what to do when.")),
    ("task_order", "urgent_first", Stance.WANTS, ("We nearly missed the deadline, it was at the bottom.",)),
    ("task_order", "easy_first", Stance.WANTS, ("I need a few check marks to get going.",)),
    ("file_format", "slides", Stance.WANTS, ("I have to present this to the board.",)),
    ("file_format", "pdf", Stance.DOES_NOT_WANT, ("I can't edit that, it's locked.",)),
    ("file_format", "spreadsheet", Stance.WANTS, ("I want to run my own sums on those numbers.",)),
    ("language", "english", Stance.DOES_NOT_WANT, ("My mother reads these, and she never learned English.",)),
    ("language", "german", Stance.WANTS, ("The client is in Munich, they only read German.",)),
)


def _general() -> tuple[Family, ...]:
    groups = (
        (Stance.WANTS, "plain", {**_WANTS, **more.WANTS}),
        (Stance.WANTS, "vague", {**_WANTS_VAGUE, **more.WANTS_VAGUE}),
        (Stance.DOES_NOT_WANT, "plain", {**_DOES_NOT_WANT, **more.DOES_NOT_WANT}),
        (Stance.DOES_NOT_WANT, "vague", {**_DOES_NOT_WANT_VAGUE, **more.DOES_NOT_WANT_VAGUE}),
        (Stance.DOES_NOT_WANT, "sarcastic", {**_DOES_NOT_WANT_SARCASTIC, **more.DOES_NOT_WANT_SARCASTIC}),
        (Stance.CHANGED_MIND, "plain", {**_CHANGED_MIND, **more.CHANGED_MIND}),
        (Stance.ONLY_ONCE, "plain", {**_ONLY_ONCE, **more.ONLY_ONCE}),
        (Stance.NOTHING, "plain", {**_NOTHING, **more.NOTHING}),
    )
    return tuple(
        Family(f"{stance.value}/{name}", stance, register, templates)
        for stance, register, families in groups
        for name, templates in families.items()
    )


def _indirect() -> tuple[Family, ...]:
    return tuple(
        Family(f"{stance.value}/indirect_{context}_{option}_{number}", stance, "indirect", templates, context, option)
        for number, (context, option, stance, templates) in enumerate(_INDIRECT)
    )


FAMILIES: tuple[Family, ...] = _general() + _indirect()
"""Every phrasing family, in a fixed order."""
