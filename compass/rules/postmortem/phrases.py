"""Wording that hides a system behind the group, hindsight, one cause, or human error; each rule's patterns and what excuses them."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from compass.rules.postmortem.people import PERSON, marked

_GROUP: Final = r"(?:we(?: all)?|the (?:whole |entire )?(?:[\w-]+ ){0,2}(?:team|group|department|crew|organi[sz]ation|company|management|leadership)|(?:[\w-]+ )?teams?|operations|ops|qa|engineering|management|everyone(?: on the call)?|everybody|nobody|no one|no-one)"
_ADVERBS: Final = r"(?:(?:also|then|again|had|have|has|simply|just|all|repeatedly|completely|clearly|collectively|\w+ly) ){0,3}"
_PARTICIPLE: Final = r"(?:\w+(?:ed|wn|ent|elt|ught|ought|aught|ade|een)|been|done|had|known|seen|found|gone|made|taken|given|put|set|run|told|built|kept|held|led|read|written|begun|chosen|shut|cut|split|let|hit|got|gotten|come|become|paid|sent|left|met|caught)\b"
_LAPSE: Final = (
    r"(?:fail(?:ed|s) to |forgot|forgets|overlook(?:ed|s)\b|neglect(?:ed|s)\b|ignor(?:ed|es)\b|disregard(?:ed|s)\b|drop(?:ped|s) the ball|botch(?:ed|es)|mess(?:ed|es) up|screwed up"
    r"|bothered to|(?:did not|didn't|did) (?:even )?bother|misjudged|mishandled|underestimated|(?:was|were) (?:\w+ )?(?:careless|negligent|sloppy|complacent|lazy|asleep|too slow|to blame|at fault|not careful|not paying)"
    rf"|(?:should(?:'ve|ve| have)|ought to have) {_PARTICIPLE}|miss(?:ed|es) the |made (?:a|the|several) (?:\w+ )?(?:mistake|error)s?|took too long|lacked the (?:discipline|knowledge|skill|understanding))"
)
_COLLECTIVE: Final = (
    rf"(?:^|[,;:] |\b(?:and|but|because|since|that|which|as|so|however,?|though|although|while|also) ){_GROUP} {_ADVERBS}{_LAPSE}",
    r"\bour (?:own )?(?:lack of (?:discipline|care|attention|diligence|preparation|understanding)|carelessness|negligence|complacency|mistakes?|sloppiness|failure to)\b",
    r"^nothing was done\b|\bnothing was done (?:for|until|about)\b|\b(?:honest|embarrassing|stupid|silly) (?:oversight|mistake)\b",
)
_BETTER: Final = r"(?:avoid\w*|prevent\w*|caught|catch|notic\w+|detect\w*|spotted|discover\w*|found|seen|saved|shorten\w*|reduc\w+|mitigat\w+|stopped|help\w*|limit\w*|contain\w*|alert\w*|warned|told us|shown|revealed|identif\w+|diagnos\w+|averted|spared|obvious|clear|clearer|better|sooner|earlier|faster|quicker|shorter|easier|resolved|paged)"
_HINDSIGHT: Final = (
    rf"\b(?:should|ought to)(?: not| never|n't)?(?:'ve| have)(?: (?:also|never|been|then|already|just|\w+ly)){{0,2}} {_PARTICIPLE}",
    rf"\b(?:should|shouldn't|shoudn't|shouldnt)(?:'?ve|ve) (?:\w+ly |never |also )?{_PARTICIPLE}|\bshouldve \w+",
    rf"\b(?:could|might)(?:'ve|ve| have)(?: (?:also|been|easily|\w+ly|perhaps)){{0,2}} (?:\w+ ){{0,4}}?{_BETTER}\b",
    rf"\bwould(?:'ve|ve| have)(?: (?:also|been|easily|\w+ly|probably)){{0,2}} (?:\w+ ){{0,4}}?{_BETTER}\b",
    rf"\b(?:we|he|she|they|it|'d|you)(?:'d| would) have (?:\w+ly )?{_BETTER}\b",
    r"\b(?:would not|wouldn't|would never|need not|needn't) have (?:\w+ )?(?:happened|occurred|been (?:necessary|needed|affected|lost))\b|\bnone of (?:this|that|it) would have\b|\bdid not have to happen\b",
    r"\bif only\b|\bwe'd all be\b|\bhad (?:we|he|she|they|anyone|somebody|someone) (?:only |just )?\w+(?:ed|wn|en|ad|un|nt|ght)\b.*\bwould\b",
    rf"\bif (?:only )?(?:{PERSON}|the {PERSON}) (?:had|hadn't)\b.*(?:\bwould\b|'d )|^had (?:the |an? |our )?{PERSON} .*\bwould\b",
)
_FORESEEN: Final = re.compile(
    r"\b(?:would|could|might|should)(?: not|n't) have (?:been )?(?:\w+ )?(?:prevent|avoid|caught|detect|help|notic|known|seen|been able|stopped|mitigat|reveal|changed|made)"
    r"|\b(?:that|which|who) should|\b(?:could|might) (?:also )?have been (?:a |an |due|caused|related|because)|\bcould have gone better|\b(?:worse|lost|longer outage|even larger|far larger)\b"
    r"|\b(?:which|what|where|how|whether|when) [\w ]{0,40}(?:could|might)(?:'ve| have)\b|\bshould(?:'ve| have) been \w+(?: \w+){0,2} every\b"
)
_CAUSE: Final = r"(?:(?:very |likely |ultimate |actual |real |single |sole |only |underlying |main |primary |true |one and only |original |technical ){0,2}(?:root[ -]?)?cause)"
_SINGLE: Final = (
    rf"\b(?:the|a|this|its|our) {_CAUSE}(?: (?:of|for|behind) (?:(?!\b(?:was|were|is|are)\b)[^,;.]){{1,100}}?)? (?:was|is|turned out to be|turns out to be|has been|had been|lies in|lay in|being|appears to be|proved to be)\b(?! (?:not known|unknown|unclear|not yet|still|under|being|never|no\b|to be determined|(?:determined|found|identified|diagnosed|established)\b(?! (?:to be|as))))",
    r"^(?:the )?root[ -]?cause(?: of [^:]{1,60})?\s?(?::|=|is\b|was\b|->|-)\s?(?!tbd|unknown|unclear|\?|not\b|analysis|under)\w",
    r"\b(?:is|was|were|are|be|as|it) (?:\w+ ){0,3}the (?:\w+ )?(?:root[ -]?cause|sole cause|only cause|single cause)\b",
    r"\b(?:sole|only|single|one and only) (?:reason|cause|factor|thing to blame)\b",
    r"\b(?:it )?(?:all )?(?:came|comes|boils|boiled) down to (?:one|a|the|just|that)\b|\broot of the problem (?:is|was)\b",
    r"\b(?:is|was|were|are) (?:solely|entirely|alone|purely) (?:to blame|responsible|due to|caused by)|\bto blame for the (?:entire|whole)\b",
)
_SEVERAL: Final = re.compile(
    r"\b(?:no (?:single )?(?:root[ -]?)?cause|not the (?:only|sole|root|single)|n't the (?:only|sole|root)|no (?:single|one) |never an? |is never|not an? (?:single|root)|contributing|one of|among|(?:root )?causes\b|causes (?:were|are)|following (?:\w+ )?(?:issues|factors|bugs|were)|combination|several|multiple|(?:sole|only|root) cause\?|unlikely|whether|ruled out|rule out|excluded|suspect(?:ed)? to be|did not|does not|was not|is not|wasn't|isn't"
    r"|not the cause|investigat\w+ (?:for |into |of )?(?:the |an? )?(?:\w+ )?(?:root|cause)|(?:look|search|seek)\w* (?:for )?(?:the|a) (?:root|cause)|(?:determin|identify|find|understand|establish|pinpoint)(?:e|ing)? (?:the|a|what) )"
)
_HUMAN: Final = r"(?:human|operator|user|pilot|admin|administrator|engineer)[ -]error"
_PEBKAC: Final = rf"\b(?:pebka[ck]|id-?10-?t|layer 8)\b|\b{_HUMAN}|\bhuman (?:mistake|failure)\b|\b(?:due to|caused by|because of) (?:a |an )?(?:human|operator|manual) (?:error|mistake|slip)"
_NOT_HUMAN: Final = re.compile(
    rf"\b(?:no|not|never|isn't|wasn't|n't|rather than|instead of|without|than|beyond|behind|guide (?:on|to)|(?:avoid|prevent|reduce|against|risk of|chance of|room for|protect\w*|guard\w*|prone to|toleran\w+|resist\w+|study of|on|about|term|label|words?|stopp?\w* at)(?: \w+){{0,2}}) (?:\w+ ){{0,3}}{_HUMAN}"
    rf"|{_HUMAN}s? (?:is|was|are|were) (?:never|not|ruled out|excluded|no |only|where|a symptom|the start)|{_HUMAN}s? (?:message|code|page|rate|budget|log|can|could|may|should)|{_HUMAN}s? (?:\w+ )?(?:ruled out|excluded)"
)
_WHY: Final = re.compile(
    rf"\bwhy (?:did|didn't|did not|was|were|wasn't|weren't|has|have|hasn't|haven't|had|hadn't|do|does|is|are)(?: not|n't)? (?:the |an? |our |any )?(?:[\w-]+ )?(?:{PERSON}|‹[^‹›]+› (?=[a-z])|you|we|they|anyone|anybody|nobody|no one|(?:[\w-]+ )?team|operations|ops|qa|support)[^.?]*\?"
)


@cache
def _compiled(name: str) -> re.Pattern[str]:
    patterns = {"collective": _COLLECTIVE, "hindsight": _HINDSIGHT, "single": _SINGLE, "human": (_PEBKAC,)}[
        name
    ]
    return re.compile("|".join(f"(?:{one})" for one in patterns))


def collective(sentence: str) -> str | None:
    """The words with which a group judges itself."""
    found = _compiled("collective").search(sentence.lower())
    return found[0].strip(" ,;:") if found and not sentence.endswith("?") else None


def hindsight(sentence: str) -> str | None:
    """A counterfactual that explains ("should have been caught"); what was at risk and what must be done are not."""
    text = marked(sentence).replace("‹", "").replace("›", "")
    found = _compiled("hindsight").search(text)
    return found[0].replace(PERSON, "they") if found and not _FORESEEN.search(text) else None


def single_cause(sentence: str) -> str | None:
    """Words that give one cause where several met; a search for causes, a denial and an unknown cause are not."""
    text = sentence.lower()
    found = _compiled("single").search(text)
    return found[0] if found and not _SEVERAL.search(text) and not text.endswith("?") else None


def human_error(sentence: str) -> str | None:
    """Human error given as a cause; not where it is denied, quoted or studied."""
    text = sentence.lower()
    found = _compiled("human").search(text)
    return found[0] if found and not _NOT_HUMAN.search(text) else None


def why_question(sentence: str) -> str | None:
    """A question that asks people to justify themselves."""
    found = _WHY.search(marked(sentence))
    return "why " + found[0][4:20].partition(" ")[0] if found else None
