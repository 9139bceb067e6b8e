"""
How text is found: both languages in one index, our own tokens, no dictionary.

Text is folded first (NFKC: full-width becomes half-width; case). Then

- a run of Chinese characters becomes its pairs, threes and fours, 扫描电镜 → 扫描 描电 电镜 扫描电 描电镜 扫描电镜, and
  its last character alone: so a term of two to four characters, and most are, is one token, looked up without a
  check of neighbours; and a single character is the beginning of some token wherever it stands;
- a run of letters, digits and their joints becomes its words and numbers and, joined, one token more:
  ICP-MS → icp ms icpms, GB/T 228.1-2021 → gb t gbt, 228.1 (and 228) 2021;
- plain English plurals lose their ending, on both sides alike.

A query finds what contains every one of its tokens; a longer Chinese run only in a row.

What a search is narrowed down to (region, provider, unit) are tokens beside, so that one index answers it all.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from services.catalog.domain.offering import Offering
from services.catalog.domain.provider import Provider

_HAN = "々〇\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0002fa1f"
_RUN = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+(?:[-/._'’][^\W_{_HAN}]+)*")
_PART = re.compile(r"[0-9]+(?:\.[0-9]+)*|[^\W0-9]+")
_UNQUOTABLE = re.compile(r"['\\\s]")
_IS_HAN = re.compile(rf"[{_HAN}]")

_TOKEN_LENGTH_MAX = 64  # a longer word is cut, in the index as in the query
_GRAMS = (2, 3, 4)
_GAP = 10  # positions between two fields, so that no phrase reaches from one into the next
_POSITION_MAX = 16_000  # PostgreSQL counts to 16,383

# Dropped from a query that has other words: a text that is a list of methods has none of them.
_STOP_WORDS = frozenset({"a", "an", "and", "by", "for", "in", "of", "on", "or", "the", "to", "with"})


def fold(text: str) -> str:
    """*text* in the one form that is compared."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def singular(word: str) -> str:
    """An English *word* without its plain plural ending; anything else as it is."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zes")):
        return word[:-2]
    return word[:-1]


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    position: int


def tokens(fields: Iterable[str]) -> list[Token]:
    """What *fields* are indexed by, each token with its position; the later fields are cut where room ends."""
    found: list[Token] = []
    position = 1
    for text in fields:
        for run in _RUN.findall(fold(text)):
            if position > _POSITION_MAX:
                return found
            if _IS_HAN.match(run):
                found += [Token(gram, position + i) for size in _GRAMS for i, gram in enumerate(_grams(run, size))]
                found.append(Token(run[-1], position + len(run) - 1))
                position += len(run)
                continue
            parts = _parts(run)
            for i, part in enumerate(parts):
                found.append(Token(part, position + i))
                if "." in part:
                    found.append(Token(part.partition(".")[0], position + i))
            # Of a compound like iso-6892-1 its beginnings too, so that one may stop anywhere in it.
            found += [Token(_joined(parts[:end]), position) for end in range(2, min(len(parts), 6) + 1)]
            position += len(parts)
            if len(parts) > 1:  # at its end as well: in GB/T 228.1 the number comes right after gbt
                found.append(Token(_joined(parts), position - 1))
        position += _GAP
    return found


def tsvector(fields: Iterable[str], narrowing: Iterable[str] = ()) -> str:
    """The tokens of *fields*, and *narrowing* as they are, as the text of a PostgreSQL tsvector."""
    places: dict[str, list[int]] = {text: [_POSITION_MAX + 1] for text in narrowing}
    for token in tokens(fields):
        places.setdefault(token.text, []).append(token.position)
    return " ".join(
        f"'{text}':{','.join(map(str, sorted(set(positions))[:255]))}" for text, positions in places.items()
    )


def tsquery(text: str, narrowing: Iterable[str] = ()) -> str:
    """
    *text* as a PostgreSQL tsquery that wants every token of it and every one of *narrowing*.

    Returns:
        Empty when there is nothing to want; see `has_words`.
    """
    runs = _runs(text)
    wanted = [run for run in runs if run not in _STOP_WORDS] or runs
    return " & ".join([*(_wanted(run) for run in wanted), *(f"'{token}'" for token in narrowing)])


def has_words(text: str) -> bool:
    """Whether there is anything in *text* that can be looked for."""
    return bool(_runs(text))


def _runs(text: str) -> list[str]:
    return list(dict.fromkeys(_RUN.findall(fold(text))))


def _wanted(run: str) -> str:
    if _IS_HAN.match(run):
        if len(run) == 1:
            return f"'{run}':*"
        return _in_a_row(_grams(run, min(len(run), max(_GRAMS))))
    parts = _parts(run)
    if len(parts) == 1:
        return f"'{parts[0]}'"
    return f"('{_joined(parts)}' | {_in_a_row(parts)})"


def _in_a_row(texts: list[str]) -> str:
    row = " <-> ".join(f"'{text}'" for text in texts)
    return f"({row})" if len(texts) > 1 else row


def _grams(run: str, size: int) -> list[str]:
    return [run[i : i + size] for i in range(len(run) - size + 1)]


def _parts(run: str) -> list[str]:
    return [singular(part)[:_TOKEN_LENGTH_MAX] for part in _PART.findall(re.sub(r"[-/_'’]", " ", run))] or [run[:64]]


def _joined(parts: list[str]) -> str:
    # Like a word, since it is looked for as one: ICP-MS is found by ICPMS.
    return singular("".join(parts))[:_TOKEN_LENGTH_MAX]


def region_tokens(region: str) -> list[str]:
    """
    A division and those above it: 150102 (a district of Hohhot) → Inner Mongolia, Hohhot, the district.

    Source: GB/T 2260, two digits each for province, prefecture and county, 00 for all of them.
    """
    if not re.fullmatch(r"[0-9]{6}", region):
        return [_narrowing("region", region)]
    code = re.sub(r"(00)+$", "", region)
    return [_narrowing("region", code[:end]) for end in range(2, len(code) + 1, 2)]


def provider_token(provider_id: UUID) -> str:
    return _narrowing("provider", str(provider_id))


def unit_token(unit: str) -> str:
    return _narrowing("unit", unit)


def _narrowing(kind: str, value: str) -> str:
    # No token of a text has a colon in it. What would end a quoted token is left out.
    return f"{kind}:{_UNQUOTABLE.sub('', value)[:_TOKEN_LENGTH_MAX]}"


@dataclass(frozen=True, slots=True)
class Listing:
    """
    What a published offering is found by.

    Attributes:
        title_size: Tokens of the titles: of two that hold every word in the title the shorter says less else.
        title_tokens: tsvector of titles and codes of methods.
        all_tokens: tsvector of these and everything else that is said, and of the provider's names.
    """

    offering_id: UUID
    title_size: int
    title_tokens: str
    all_tokens: str


def listing_of(offering: Offering, provider: Provider) -> Listing:
    content = offering.content
    title = (content.title_zh, content.title_en, *content.method_codes)
    # The names of methods are the rest: every offering of specimen preparation names electron microscopy there.
    rest = (
        content.method_zh,
        content.method_en,
        content.instrument,
        provider.name_zh,
        provider.name_en,
        offering.number,
    )
    narrowing = [*region_tokens(provider.region), provider_token(provider.provider_id), unit_token(content.unit)]
    return Listing(
        offering_id=offering.offering_id,
        title_size=len(tokens(title[:2])),
        title_tokens=tsvector(title, narrowing),
        all_tokens=tsvector((*title, *rest, content.description_zh, content.description_en), narrowing),
    )
