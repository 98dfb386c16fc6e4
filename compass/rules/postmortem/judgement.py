"""Which predicates judge a person: what only people are said to do, what machines do as well, and what excuses both."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Final

from compass.rules.postmortem.people import PERSON, WHO, is_given, is_name, marked

_STEMS: Final = (
    "forgo forge mis typo typoe bad inval negle panic misre misju misha misun misin misty misma misca mispl misdi misco botch bungl fumbl finge "
    "fatfi nuked nukes screw messe foule cocke slipp mucke blew disre overr dozed overs slept slack procr corne guess mixed "
    "mixes lied conce hid hide swore insis flout sabot meddl chose choos bothe gun anywa ball aslee rm shirk gambl showe "
    "shows fell fails faile didn didnt doesn does not carel negli reckl slopp lazy incom irres inatt cluel overc compl "
    "hasty impat stupi dumb fooli unqua inexp unpro thoug obliv clums ignor heedl arrog stubb unwil distr blame blami "
    "fault depth wrong wasn wasnt weren isn lacke lacks judge judgm displ exerc demon made makes make mista error blund "
    "busin idea clue right excus sense shoul ought accid inadv unint erron unwit blind hasti stupi took takes trash wreck "
    "hosed hoses brick torch kille kills broke break untes unrev half buggy strai direc paste poste leake expos pushe commi share email maile e-mai "
    "skipp skips misse overl overw bypas circu dismi viola waste confu wiped wipes rushe refus destr cause left leave "
    "aband leak leake leaks corru wreak never hadn hadnt had hasn hasnt respo locke locks inste habit haste lazin witho "
    "failu lack inabi incor impro guilt despi spite again chair keybo caref rogue"
)
STEMS: Final = frozenset(_STEMS.encode().split())
"""The first letters of every word on which a pattern below turns; `not` and `had` stand for those that have no better."""

_ADVERB: Final = (
    r"(?:(?:also|then|again|had|has|have|was|were|is|just|simply|even|only|later|still|first|once|always|all|both|"
    r"[\w-]+ly|twice|in turn|on shift|on duty|in charge|on-call|apparently) ){0,4}"
)
_BESIDE: Final = (
    rf"(?:{WHO} (?:[^\s,;:.]+ ){{1,7}}?)?"
    r"(?:(?:on|in|of|at|from|for|with|responsible|assigned|acting) (?:[^\s,;:.]+ ){1,4}?)?"
)
_AND: Final = (
    r"(?:[^;:]{1,90}?(?:,| and| but| then|, and|, but) (?:then |so |he |she |they |also |having ){0,2})?"
)
_SUBJECT: Final = rf"(?:[{PERSON}{WHO}]|‹(?P<name>[^‹›]+)›)\)?,? {_BESIDE}{_ADVERB}"
_CHAINED: Final = rf"(?:[{PERSON}{WHO}]|‹(?P<name>[^‹›]+)›)\)?,? {_BESIDE}{_AND}{_ADVERB}"

_FAULTS: Final = "careless|negligent|reckless|sloppy|lazy|incompetent|irresponsible|inattentive|clueless|overconfident|complacent|hasty|impatient|stupid|dumb|foolish|unqualified|inexperienced|unprofessional|thoughtless|oblivious|clumsy|ignorant|heedless|arrogant|stubborn|unwilling"
_COGNITIVE: Final = "notice|consider|reali[sz]e|recogni[sz]e|understand|ask|think|anticipate|tell|inform|listen|pay|remember|heed|escalate|follow|appreciate|communicate|hand|double[ -]check|look|appreciate|speak|act on|read|warn|announce|consult|take"
_DUTIES: Final = "bother|pay|follow|read|check|test|verify|look|answer|respond|tell|notify|inform|escalate|understand|ask|listen|think|double[ -]check|communicate|consult|heed|warn|care|act|react|take|announce|document|review|validate|inspect|confirm|coordinate|alert|raise|mention|report|acknowledge|stop to"
_DONE: Final = "run|ran|tested|checked|read|looked|asked|told|verified|followed|informed|bothered|answered|escalated|reviewed|tried|understood|announced|consulted|listened|warned|documented|validated|learned|learnt"
_WITHOUT: Final = r"without (?:even |first |ever |properly |actually |really )*(?:read|test|ask|check|look|tell|inform|verif|validat|review|authori[sz]|permission|approv|consult|notif|announc|understand|thinking|warn|coordinat|having|reali[sz]ing|realising|wait|bother|any (?:review|test|approv|check|warning|backup|plan)|a (?:review|test|backup|second|plan|word))"
_FIXING: Final = r"(?:spot|notic|found|finds?\b|identif|detect|correct|fix|revert|restor|discover|report|see\b|sees|saw|reali[sz]|remov|rul|suspect|explain|ask|show|caught|catch)"

ONLY_PEOPLE: Final = rf"""(?:
    forg(?:ot|ets|otten) | neglect(?:ed|s) | panick?(?:ed|s)\b | typo(?:ed|'d)\b | mis-?(?:read|reads|judg\w+|handl\w+|underst\w+|interpret\w+|typ(?:ed|es)|managed|manages|calculated|placed|diagnosed|communicated)\b
  | botch(?:ed|es) | bungl(?:ed|es) | fumbl(?:ed|es) | fat-?\ ?finger(?:ed|s) | nuk(?:ed|es) | (?:screw|mess|foul|cock|slipp?|cop|muck)(?:ed|s)\ up | messes\ up | blew\ it
  | disregard(?:ed|s)\b | overrul(?:ed|es) | dozed | overslept | (?:just\ )?slept\ (?:through|in\b) | slack(?:ed|s)\ off | procrastinat(?:ed|es)
  | cuts?\ corners | guess(?:ed|es)\ wrong | mix(?:ed|es)\ up | lied\b | conceal(?:ed|s) | hid\b | (?:tri(?:ed|es)|attempt(?:ed|s))\ to\ (?:hide|conceal|cover) | swore
  | insist(?:ed|s)\ on | flout(?:ed|s) | sabotag(?:ed|es) | meddl(?:ed|es) | ch(?:ose|ooses)\ to\ ignore | couldn't\ be\ bothered | jump(?:ed|s)\ the\ gun | went\ ahead\ anyway | did\ (?:it|so)\ anyway
  | drop(?:ped|s)\ the\ ball | (?:was|is|were)\ asleep | f(?:ell|alls)\ asleep | rm\ -rf'?d | shirk(?:ed|s) | gambl(?:ed|es) | show(?:ed|s)\ off | fell\ for
  | fail(?:ed|s)\ to\ (?:{_COGNITIVE})
  | (?:did\ not|didn'?t|does\ not|doesn'?t|do\ not)\ (?:even\ |properly\ |actually\ |really\ )?(?:bother|pay\ attention|tell|ask|listen|understand|think|care|answer\ (?:his|her|their|the\ (?:phone|pager?|call)))
  | (?:(?:was|were|is|being|been|got|gets|getting)\ )?(?:(?:so|too|very|being|rather|quite|really|simply|a\ bit|[\w-]+ly)\ )*(?:{_FAULTS}|distracted|too\ (?:slow|late|busy|tired)\ to|(?:reprimand|disciplin|sack)ed|to\ blame|at\ fault|out\ of\ (?:his|her|their)\ depth|wrong\ to)\b
  | (?:was|were|is|are)\ (?:not|n't)\ (?:fully\ |really\ |even\ )?(?:paying|qualified|competent|careful|aware|thinking|watching|listening|prepared|trained|concentrating|up\ to)
  | (?:wasn'?t|weren'?t|isn'?t|not)\ (?:fully\ |really\ |even\ )?(?:paying|qualified|competent|careful|aware|thinking|watching|listening|concentrating|up\ to\ the)
  | not\ (?:following|reading|checking|testing|verifying|asking|paying|telling|looking|listening|thinking)\b
  | lack(?:ed|s)\ (?:[\w-]+\ ){{0,2}}(?:knowledge|skills?|experience|competence|judge?ment|understanding|discipline|attention|care|diligence|expertise|common\ sense)
  | (?:show|display|exercis|demonstrat|us)(?:ed|s|es)\ (?:very\ )?(?:poor|bad|a\ lack|little|no|questionable|terrible)\ (?:\w+\ ){{0,2}}(?:judge?ment|care|regard|discipline|understanding|awareness|attention|sense|initiative|ownership)
  | ma(?:de|kes|ke)\ (?:[\w-]+\ ){{0,3}}(?:mistakes?|errors?|wrong\ (?:call|decision|choice|assumption)|(?:bad|poor|terrible)\ (?:call|decision|choice)|blunders?)
  | (?:had|has|have)\ no\ (?:business|idea|clue|right|excuse|sense)
  | (?:should(?:n'?t|\ not)?(?:'ve|ve|\ have)|ought(?:\ not)?\ to\ have)
  | (?:had|has)\ been\ (?:warned|told)\b.*\banyway
  | (?:accidentally|inadvertently|mistakenly|carelessly|unintentionally|erroneously|negligently|recklessly|foolishly|unwittingly|blindly|hastily|stupidly|sloppily)\b
  | (?:broke|breaks|took\ down|takes\ down|trash(?:ed|es)|wreck(?:ed|s)|hos(?:ed|es)|brick(?:ed|s)|torch(?:ed|es)|kill(?:ed|s))\ (?:prod|production|everything|master|main|the\ (?:site|build|whole|entire))\b
  | (?:push|merg|deploy|shipp?|commit|commit?t|releas|appl|roll)(?:ed|es|s|ied|ies)\ (?:[^,;:.]+\ )?(?:untested|unreviewed|half-baked|broken\ code|buggy|straight\ (?:in)?to|directly\ to\ (?:prod|main|master))
  | (?:push|merg|deploy|shipp?|commit|committ|releas|appli)(?:ed|es|s)\ (?:an?\ |the\ )?(?:bad|faulty|incorrect|invalid)\b
  | (?:paste|post|leak|expos|committ|push|e?mail|shar)(?:ed|es|s|d)\ (?:[\w-]+\ ){{0,5}}(?:tokens?|passwords?|secrets?|credentials?|private\ keys?)\b
)"""

MACHINES_TOO: Final = rf"""(?:
    fail(?:ed|s)\ (?:to\ |at\ |in\ )\w | ignor(?:ed|es)\b | skip(?:ped|s)\b | miss(?:ed|es)\b | overlook(?:ed|s)\b | misconfigur(?:ed|es) | overwr(?:ote|ites)\b
  | bypass(?:ed|es) | circumvent(?:ed|s) | dismiss(?:ed|es) | violat(?:ed|es) | wast(?:ed|es) | confus(?:ed|es) | wip(?:ed|es) | rush(?:ed|es) | refus(?:ed|es)\ to
  | destroy(?:ed|s) | caus(?:ed|es)\b | broke\b | breaks\b | le(?:ft|aves)\ (?:[\w-]+\ ){{0,4}}(?:open|unlocked|exposed|unprotected|unattended|without|hanging)
  | overr(?:ode|ides) | abandon(?:ed|s) | leak(?:ed|s) | corrupt(?:ed|s) | wreak(?:ed|s)
  | (?:did\ not|didn'?t|does\ not|doesn'?t)\ (?:even\ |properly\ |actually\ |really\ |first\ |always\ )?(?:{_DUTIES})\b
  | never\ (?:even\ |actually\ |really\ )?(?:{_DONE})\b
  | (?:had\ not|hadn'?t|has\ not|hasn'?t)(?:\ (?:even\ |ever\ )?(?:{_DONE})\b|(?=[.,;!\s]*$))
  | (?:is|was|were|are)\ (?:solely\ |entirely\ |personally\ |fully\ )?responsible\ for\ the\ (?:\w+\ )?(?:result|outage|incident|failure|loss|damage|error|mistake|mess|downtime|deletion|breach|leak)
  | lock(?:ed|s)\ (?:everyone|everybody|us|all)
)"""

_THE_WRONG: Final = rf"(?!{_FIXING})(?![^;:]*\b(?:because|that|which|when|while|whether|{_FIXING}\w*)\b[^;:]*(?:wrong|incorrect))\w+(?:ed|s|an|ut|ook|ade|ent|eft|old|rote|ose|id|hut)\b(?: [^\s;:.,]+){{0,6}}? (?:the|an?|his|her) (?:wrong|incorrect)\b"
_INSTEAD: Final = r"(?:restart|delet|reboot|remov|dropp|stopp|appl|wip|drain|push|deploy|unplugg|disabl)(?:ed|ied)\b(?: [^\s;:.,]+){1,6} instead of\b"
_SLIP: Final = r"(?!(?:can|could|may|might|must|will|would|cannot|should|to)\b)[^;:]{1,110}?\b(?:by mistake|by accident|in error|out of (?:impatience|carelessness|haste|ignorance|laziness|habit))\b"
_BLIND: Final = (
    rf"(?:(?!\b(?:because|that|which|when|while|not|unable|cannot|can't|n't)\b)[^;:]){{1,100}}?\b{_WITHOUT}"
)
_NOUNS: Final = r"(?:fault|failure to|carelessness|negligence|mistakes?|errors?|blunders?|incompetence|inattention|oversight|ignorance|haste|lack of|inability|refusal|recklessness|impatience|sloppiness|misjudge?ment|poor|sloppy|careless|clumsy|hasty|lazy|reckless|negligent)\b"
_SOMEBODY: Final = rf"(?:[\w'-]+ ){{0,5}}(?:{PERSON}|‹(?P<name>[^‹›]+)›)"

_SENTENCE_WIDE: Final = (
    rf"(?:{PERSON}|‹(?P<name>[^‹›]+)›)'s (?:\w+ ){{0,2}}?{_NOUNS}",
    rf"\b(?:caused|broken|misconfigured|botched|mishandled|rushed|overlooked|forgotten|neglected|wiped|leaked|mistyped|misread|bungled|destroyed|bypassed|circumvented|dismissed) (?:\w+ly )?by {_SOMEBODY}",
    rf"\b(?:mistakes?|errors?|slips?|blunders?|negligence|carelessness|oversight|misjudge?ment)(?: (?:was|were))?(?: made| committed)? (?:by|of) {_SOMEBODY}",
    rf"\w+(?:ed|wn|en) (?:incorrectly|wrongly|carelessly|accidentally|mistakenly|improperly|inadvertently|unintentionally|by mistake|by accident|in error) by {_SOMEBODY}",
    rf"\b(?:incorrectly|wrongly|carelessly|accidentally|mistakenly|improperly|inadvertently|unintentionally|erroneously) \w+(?:ed|wn|en|un) by {_SOMEBODY}",
    rf"\b(?:{_FAULTS}|rogue)\b (?:[\w-]+ ){{0,4}}(?:by (?:[\w-]+ ){{0,4}})?{PERSON}",
    rf"\b(?:blame|fault|guilt|responsibility)\b[^.;]{{0,60}}\b(?:lies|rests|falls|sits|is)\b (?:\w+ )?(?:with|on) {_SOMEBODY}",
    rf"\b(?:blames?|blaming) {_SOMEBODY}",
    rf"\b(?:negligent|careless|reckless|irresponsible|stupid|unprofessional|foolish|sloppy|lazy) of {_SOMEBODY}",
    rf"\b(?:despite|in spite of|against|disregarding) (?:his|her|their|repeated|every|all|clear|explicit|written|our) (?:\w+ )?(?:training|warnings?|instructions?|experience|advice|orders)\b.*{PERSON}",
    r"\bbetween (?:the )?(?:chair and (?:the )?keyboard|keyboard and (?:the )?chair)",
    rf"^(?:and |but )?had (?:[\w-]+ ){{0,4}}{PERSON} ",
    rf"\bif (?:only )?(?:[\w-]+ ){{0,4}}{PERSON} (?:on \w+ )?(?:had|hadn't|wasn't|weren't)\b.*(?:\b(?:would|could|might)\b|'d )|\b(?:would|could|'d)\b.*\bif (?:[\w-]+ ){{0,4}}{PERSON} (?:had|hadn't)\b",
    rf"{PERSON}.*\b(?:his|her) (?:own )?(?:\w+ )?(?:mistake|error|fault|carelessness|negligence|incompetence|ignorance|impatience)\b",
    rf"\bthanks to {PERSON}'s (?:\w+ )?(?:mistake|error)",
)

_OF_PEOPLE: Final = re.compile(r"ignor|miss|overlook|dismiss|wast|rush|confus|abandon|never|insist")
"""What machines do as well, but seldom those that bear a person's name."""
_CROWD: Final = 12
"""A sentence with more people in it than this is a list, or was made to be slow."""
_PRESENT: Final = re.compile(r"^(?:[\w-]+s|(?:does|do) not|doesn'?t|is|are)\b")
_SUPPOSED: Final = re.compile(
    r"\b(?:if|whenever|in case|unless|lest|what if|suppose|chance|risk|danger|possib\w+|likel\w+|prevent\w*|refuses?|so that|ensures?|make sure|allow\w*|when|once|where)\b[^.;]*$"
)
_REFUSED: Final = re.compile(r"\b(?:refuse|reject|prevent|block|catch|stop)(?:s|es)?\b[^.;]*$")
_ANY: Final = re.compile(r"\b(?:a|an|any|every|each|no)\s+(?:[\w-]+\s+){0,3}$|^(?:[\w-]+\s+)?$")
_MODAL: Final = re.compile(r"\b(?:will|can|could|may|might|would|must|cannot|shall)\b")
_DENIED: Final = re.compile(
    r"(?:\b(?:no|not|never|nobody|neither|nor|without|rather than|instead of|isn't|wasn't|don't|doesn't|didn't|aren't|hardly)\s+(?:\w+\s+){0,3}|n't\s+(?:\w+\s+){0,3})$"
)
_QUESTION: Final = re.compile(
    r"^(?:and |but |so )?(?:what if|who|why|how|does|do|did|can|could|should|would|is|are|was|were|which|when)\b.*\?\W*$"
)


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], bool], ...]:
    """Patterns, and whether an unknown capitalized word may be their subject; compiled when first needed."""
    near = [
        (_SUBJECT, ONLY_PEOPLE, True),
        (_SUBJECT, MACHINES_TOO, False),
        (_CHAINED, ONLY_PEOPLE, True),
        (_CHAINED, MACHINES_TOO, False),
    ]
    found = [
        (re.compile(_loose(subject) + f"(?P<predicate>{predicate})", re.VERBOSE), weak)
        for subject, predicate, weak in near
    ]
    wide = [(_THE_WRONG, False), (_INSTEAD, True), (_SLIP, False), (_BLIND, True)]
    found += [
        (re.compile(_loose(_CHAINED) + f"(?P<predicate>{_loose(predicate)})", re.VERBOSE), weak)
        for predicate, weak in wide
    ]
    return (*found, *((re.compile(one), True) for one in _SENTENCE_WIDE))


def _loose(pattern: str) -> str:
    """A pattern written with plain spaces, for the verbose dialect."""
    return pattern.replace(" ", r"\ ")


def blamed(sentence: str, known: Collection[str] = ()) -> str | None:
    """The words that judge somebody in a sentence, or None; `known` are names (lower case) that are people for sure."""
    text = marked(sentence)
    if (
        not any(mark in text for mark in (PERSON, "‹", " chair"))
        or text.count(PERSON) > _CROWD
        or _QUESTION.match(text)
    ):
        return None
    for pattern, weak in _compiled():
        for found in pattern.finditer(text):
            groups = found.groupdict()
            predicate = groups.get("predicate") or ""
            name = groups.get("name")
            if name and not (weak or name in known or _OF_PEOPLE.match(predicate)):
                continue
            if _excused(text, found, predicate):
                continue
            if not name or (is_name(name, known) if weak else is_given(name, known)):
                return next(_words(found[0]))
    return None


def _excused(text: str, found: re.Match[str], predicate: str) -> bool:
    """Denied, supposed or general: what nobody is said to have done."""
    before = text[: found.start()].replace(PERSON, "person")
    if _DENIED.search(before) or _REFUSED.search(before):
        return True
    if not predicate or not _PRESENT.match(predicate):
        return False
    return bool(_SUPPOSED.search(before) or (_ANY.search(before) and _MODAL.search(text)))


def _words(match: str) -> Iterator[str]:
    yield re.sub(rf"[‹›{PERSON}{WHO}]", "", match).strip(" ,")
