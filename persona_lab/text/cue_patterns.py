"""The patterns behind the cues, as data: what each looks for, and which way it leans."""

from __future__ import annotations

_NOT = r"(?:not|never|no|don't|do not|doesn't|does not|didn't|won't|can't|cannot|wouldn't|isn't|aren't|nobody|without)"

CUES: tuple[tuple[str, str], ...] = (
    ("negator", rf"\b{_NOT}\b"),
    ("no_first", r"^\W*no\b(?!\s+(?:more|thanks|way|good|use|problem|worries|need|complaints|to\b|opinion))"),
    ("no_comma", r"^\W*(?:no|wrong|nope|correction)\s*[,:;.]\s*\w"),
    ("not_first", r"^\W*(?:please,?\s+)?not\b"),
    ("no_thing", r"\bno (?:more|good|use|way|thanks|need)\b|:\s*no\W*$|\ba no\b"),
    ("imperative_not", r"(?:^|[,.;:!]\s*|\bplease,?\s+)(?:please\s+)?(?:don't|do not|never|stop|quit)\b"),
    (
        "remove",
        r"\b(?:enough of|stop|quit|avoid|skip|drop|cut out|disable"
        r"|turn(?:ed)? off|remove|exclude|get rid|ban|end to)\b",
    ),
    (
        "remove_away",
        r"\b(?:refrain|leave (?:out|off)|off (?:the|my)|spare me"
        r"|save me|steer clear|(?:keep|stay) \w* ?away|reject)\b",
    ),
    (
        "dislike",
        r"\b(?:hate|dislike|annoy\w*|bother\w*|stand|bear|sick of"
        r"|waste|distract\w*|loathe|detest|lose|put up with)\b",
    ),
    (
        "bad",
        r"\b(?:useless|awful|terrible|worst|worse|bad|wrong|mistake"
        r"|unhappy|forbidden|old|too many|too much|doubts?)\b",
    ),
    ("less", r"\b(?:less|fewer|could do with less|out)\b"),
    ("interjection", r"\b(?:meh|nah|nope|ugh|yuck|bah|eww?|blah)\b"),
    ("against", r"\b(?:anything but|everything but|except|whatever you|last thing)\b"),
    ("like", r"\b(?:like|love|prefer|preference|enjoy|fan of|happy|glad|perfect|ideal|favou?rite|value|keen)\b"),
    (
        "good",
        r"\b(?:good|great|nice|best|better|right|well done|spot on"
        r"|suits?|helps?|helpful|works?|productive|exactly|fine)\b",
    ),
    (
        "negated_like",
        rf"\b{_NOT}\b(?:\s+\w+){{0,3}}\s+(?:like|love|want|need"
        rf"|fan|sure|thing|use|happy|help|suit|work|ideal|right)\b",
    ),
    ("negated_bad", r"\b(?:no|not|never|without)\b(?:\s+\w+){0,1}\s+(?:bad|problem|worries|complaints|mistake)\b"),
    (
        "praise",
        r"\b(?:nothing|can't|hard to|never|no one)\b(?:\s+\w+){0,3}\s+(?:beats?"
        r"|go wrong|better|tired of|enough|do without)\b",
    ),
    ("without", r"\b(?:do (?:it )?without|miss out on|live without)\b"),
    ("dont_forget", r"\b(?:don't|never|do not) (?:forget|hesitate|fail)\b"),
    ("worse", r"\bnothing (?:is )?worse\b|\bthe worst\b"),
    (
        "wish",
        r"\b(?:want|wanted|hope|hoping|would like|i'd like|rather"
        r"|choose|pick|ask(?:ed)? for|expecting|looking for|after:)\b",
    ),
    (
        "complaint_then_wish",
        r"\b(?:wrong|not right|not that|no)\b.*\b(?:i (?:asked|wanted|said|meant)|should have been)\b",
    ),
    ("no_then_yes", r"\bno\b.*\byes\b|\b(?:don't|no)\b[^?]*,\s*(?:i want|i'd like|give|go|use|do|make)\b"),
    ("go_for", r"\b(?:go(?:ing)? (?:for|with)|stick with|stay with|keep|set|make)\b"),
    ("need", r"\b(?:i|we) (?:really )?need\b"),
    ("request", r"\b(?:please|pls|could you|can you|would you|will you|kindly|make sure|remember|go ahead)\b"),
    (
        "could_not",
        r"\b(?:could|can|would) you (?:please )?(?:not|stop|quit)\b|\bmust you\b|\bdo you have to\b|\bwhy did\b",
    ),
    ("could_you", r"^\W*(?:could|can|would|will) you\b(?! (?:please )?(?:not|stop|quit))"),
    ("wish_not", r"\bwish you (?:wouldn't|didn't)\b|\brather (?:not|you didn't)\b"),
    ("nobody_asked", r"\b(?:never|didn't|nobody|who|not) (?:\w+ )?ask(?:ed)?\b|\bnever said\b|\bdidn't want\b"),
    ("emotion_when", r"\b(?:it|me) when you\b|\bit (?:doesn't|does not)\b"),
    ("yes", r"^\W*(?:yes|sure|exactly|agreed|i agree|perfect|right)\b|\?\s*yes\b"),
    (
        "always",
        r"\b(?:always|by default|default|standard|every time|each time|as a rule|usually|in general|generally)\b",
    ),
    ("from_now_on", r"\b(?:from now on|from here on|going forward|from today|as of today|henceforth|for good)\b"),
    (
        "change_verb",
        r"\b(?:chang(?:e|ed|es)|switch\w*|mov(?:e|ed|ing)|updat\w*|replace\w*|convert\w*|differently|different)\b",
    ),
    (
        "mind",
        r"\b(?:chang\w+ (?:my|our) mind|reconsider\w*|second thought"
        r"|thinking it over|take (?:it )?back|take back what)\b",
    ),
    ("new", r"\bnew (?:job|habit|rule|rules|life|plan|home)\b|\bstarted (?:to|liking|prefer\w*)\b|\bdecided\b"),
    (
        "grown",
        r"\b(?:grown?|outgrown|grew|come (?:round|around|to)|warmed|become"
        r"|became|turned out|turns out|gave up|given up|done with)\b",
    ),
    (
        "used_to",
        r"\b(?:used to|no longer|any ?more|in the past|previously"
        r"|until now|so far|back then|once liked|stopped lik\w+)\b",
    ),
    ("past_verb", r"\b(?:was|were|wanted|liked|said|told|had)\b"),
    ("now", r"\bnow\b(?! on)"),
    ("for_now", r"\bfor (?:now|today|tonight|tomorrow|a few days|this)\b"),
    ("these_days", r"\b(?:these days|nowadays|lately|recently|by now)\b"),
    ("since", r"\bsince\b"),
    ("since_event", r"\bsince (?:the|my|our|last|summer|winter|spring|i (?:moved|started|became|changed))\b"),
    ("after_all", r"\bafter all\b"),
    ("forget_old", r"(?<!don't )(?<!never )\b(?:forget|scrap|ignore|disregard|never ?mind) (?!to\b)"),
    (
        "once",
        r"\b(?:just|only|this) once\b|\bonce[.;!]?\s*$|\bonce;"
        r"|\bone[- ](?:off|time)\b|\b(?:single|one) time\b",
    ),
    ("this_once", r"\b(?:only|just|for) this\b|\bthis (?:once|one|time)\b|\bthis occasion\b"),
    ("exception", r"\b(?:exception(?:ally|al)?|temporar\w+|special case|permanent\w*|provisional\w*)\b"),
    ("today", r"\b(?:today|tonight|tomorrow)\b(?<!from today)(?<!of today)"),
    (
        "this_week",
        r"\bthis (?:week|month|morning|afternoon|evening)\b|\bnext one\b|\buntil (?:\w+day|the)\b|\bfor a few\b",
    ),
    (
        "only_time",
        r"\b(?:just|only)\b(?:\s+\w+){0,2}\s+(?:today|tomorrow|once|one|while|time"
        r"|week|tonight|month|because)\b|\b(?:today|tomorrow|week|month) only\b",
    ),
    (
        "then_back",
        r"\b(?:back|next week|afterwards|after that|as (?:always"
        r"|usual|before|they are)|the usual|then the usual)\b",
    ),
    ("normally", r"\b(?:normally|usually)\b.*\b(?:but|today|this)\b"),
    ("leave_settings", r"\b(?:leave|don't change|keep) (?:my|the|anything|everything)\b"),
    (
        "circumstance",
        r"\b(?:while|i'm|i am|i have a) (?:\w+ )?(?:travel\w*|on the road|ill"
        r"|sick|away|visiting|on (?:holiday|vacation)|cold|headache|is away)\b",
    ),
    ("guests", r"\b(?:guests?|visiting|visitors?|in town|closed|slept badly|headache|holiday|vacation)\b"),
    ("not_habit", r"\b(?:not|don't|isn't)\b.*\b(?:habit|rule|permanent|for good)\b"),
    ("question", r"\?\s*$"),
    ("wh_question", r"^\W*(?:who|what|when|where|how|which)\b.*\?"),
    ("yes_no_question", r"^\W*(?:did|is|are|does|do|was|were|has|have|will it|any)\b.*\?"),
    ("option_question", r"^\W*[\w ,-]+\?\s+\w"),
    ("what_suits", r"^\W*what\b.*[^?]$"),
    ("why_not", r"\bwhy (?:not|don't)\b"),
    (
        "others",
        r"\b(?:my|our|his|her|the other) (?:\w+ )?(?:sister|brother"
        r"|boss|wife|husband|colleagues?|friend|mother|father|team)\b",
    ),
    ("others_verb", r"\b(?:loves|prefers|uses|likes|picks|wants|is keen|are|have) \S+"),
    ("people", r"\b(?:people|someone|anyone|somebody|many people)\b"),
    (
        "news",
        r"\b(?:reading|heard|article|by the way|in the news|radio"
        r"|mentioned|history of|even an option|mean by|talk about|option)\b",
    ),
    (
        "indifferent",
        r"\b(?:whatever works|either way|don't (?:mind|care)|really don't care"
        r"|up to you|your call|you choose|same to me|no opinion)\b",
    ),
    ("no_feelings", r"\bno (?:strong )?(?:preference|feelings|opinion)\b"),
    (
        "small_talk",
        r"^\W*(?:ok(?:ay)?|thanks?|thank you|got it|understood|hm+|lol"
        r"|ha(?:ha)+|bye|hi|hello|great|cool|nice|sure|fine)\b\W*(?:\w+\W*){0,2}$",
    ),
    ("one_word", r"^\W*\w*\W*$"),
    (
        "sarcasm_open",
        r"^\W*(?:oh|wow|right|fantastic|wonderful|brilliant|lovely|bravo|congrat\w*|lucky me|as if|thanks for)\b",
    ),
    ("again", r"\b(?:again|once (?:more|again))\b"),
    (
        "sarcasm_close",
        r"\b(?:obviously|just what i|how thoughtful|brilliant idea"
        r"|made my day|lucky me|could go wrong|really|truly)\b",
    ),
    ("not_end", r"\bnot\W*$"),
    ("everybody", r"\b(?:everybody|everyone|who (?:doesn't|wouldn't|asked)|anybody|because)\b"),
    ("just_love", r"\bjust love\b|\bcan't wait\b|\bhardly wait\b|\byet again\b|\balready\b"),
    (
        "hedge",
        r"\b(?:maybe|perhaps|guess|suppose|i think|lean\w*|if possible"
        r"|hm+|probably|kind of|sort of|meh|not quite|well)\b",
    ),
    ("not_x_but_y", r"\b(?:not|no|never|don't)\b[^.;!?]*(?:\bbut\b|,\s*(?!please|thanks)\w+)"),
    ("x_not_y", r"\w,\s*not\b"),
    ("comparison", r"\b(?:instead of|rather than|than|over|as opposed to|in place of|where i)\b"),
    ("instead", r"\binstead\b"),
    ("but", r"\bbut\b"),
    ("exclaim", r"!"),
    ("colon", r"\w:\s"),
)
"""Name and pattern of every cue; a cue is 1 where its pattern occurs, else 0."""

LEANS: dict[str, tuple[str, ...]] = {
    "for": (
        "no_comma",
        "negated_bad",
        "praise",
        "without",
        "dont_forget",
        "like",
        "good",
        "wish",
        "go_for",
        "need",
        "request",
        "could_you",
        "yes",
        "always",
        "from_now_on",
        "what_suits",
        "why_not",
        "not_x_but_y",
        "comparison",
    ),
    "for_despite_negation": (
        "no_comma",
        "negated_bad",
        "praise",
        "without",
        "dont_forget",
        "why_not",
        "not_x_but_y",
        "no_first",
    ),
    "against": (
        "negator",
        "not_first",
        "no_thing",
        "imperative_not",
        "remove",
        "remove_away",
        "dislike",
        "bad",
        "less",
        "against",
        "negated_like",
        "worse",
        "could_not",
        "wish_not",
        "nobody_asked",
        "emotion_when",
    ),
    "against_firmly": (
        "no_thing",
        "remove",
        "remove_away",
        "dislike",
        "against",
        "negated_like",
        "worse",
        "could_not",
        "wish_not",
        "nobody_asked",
    ),
    "sarcastic": ("sarcasm_open", "again", "sarcasm_close", "not_end", "everybody", "just_love"),
    "changed": (
        "change_verb",
        "mind",
        "new",
        "grown",
        "used_to",
        "past_verb",
        "now",
        "these_days",
        "since_event",
        "after_all",
        "forget_old",
    ),
    "changed_firmly": ("mind", "new", "grown", "used_to", "these_days", "since_event", "after_all", "forget_old"),
    "once": (
        "for_now",
        "once",
        "this_once",
        "exception",
        "today",
        "this_week",
        "only_time",
        "then_back",
        "normally",
        "leave_settings",
        "circumstance",
        "guests",
        "not_habit",
    ),
    "nothing": (
        "wh_question",
        "yes_no_question",
        "others",
        "people",
        "news",
        "indifferent",
        "no_feelings",
        "small_talk",
        "one_word",
    ),
}
"""Which cues lean which way: their counts let a rare cue borrow strength from its group."""
