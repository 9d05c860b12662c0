"""Characters of clinical deliveries: bytes to text, normalised codes, mojibake. Without pandas, so
that the child that reads files starts at once. Numbers in text are in ``text``."""

from __future__ import annotations

import codecs
import re
import unicodedata

from hcc_assets.clinical.reading.refusal import DomainRefused

_SPACES = re.compile(r"\s+")
_INVISIBLE = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\x00-\x08\x0e-\x1f\x7f]"
)
_HIGH = re.compile("[^\x00-\x7f]")
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
_COMMON_SHARE = 0.7
"""Share of common characters from which bytes are plainly Chinese. Ours: Chinese text is almost all
level 1 of GB 2312, another encoding read as GB 18030 spreads over all levels."""

_ENOUGH_LETTERS = 4
"""Two Chinese characters are four bytes of GBK, so four letters where they were read as Latin-1;
fewer may be a European word. Ours."""


def _level(character: str) -> int:
    """GB 2312 level of a character: 1 common hanzi, 0 punctuation and full-width forms, 2 rarer
    hanzi, 3 anything else."""
    try:
        pair = character.encode("gb2312")
    except UnicodeEncodeError:
        return 3
    if len(pair) != 2:
        return 3
    return 0 if pair[0] < 0xB0 else 1 if pair[0] <= 0xD7 else 2


def _looks_chinese(text: str) -> bool:
    levels = [_level(c) for c in _HIGH.findall(text)]
    return (
        bool(levels)
        and sum(level <= 1 for level in levels) >= _COMMON_SHARE * len(levels)
        and 1 in levels
    )


def decode(data: bytes) -> tuple[str, str]:
    """Text of a delivered file: UTF-8 with or without BOM, UTF-16 with BOM, or GB18030 (GBK, GB
    2312) where the result is plainly Chinese.

    Returns
    -------
    tuple
        The text and the name of the encoding.

    Raises
    ------
    DomainRefused
        The encoding is none of these (Latin-1 and the like would decode to wrong letters without an
        error), or the file ends inside a character.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16"), "utf-16"
        except UnicodeDecodeError:
            raise DomainRefused(
                "cut", "the file ends inside a character: it was cut; send it again"
            ) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.end >= len(data) - 1 and error.reason == "unexpected end of data":
            raise DomainRefused(
                "cut", "the file ends inside a character: it was cut; send it again"
            ) from None
    else:
        if "\x00" in text:
            raise DomainRefused(
                "not_text", "the file holds zero bytes and is no text file; send it again as CSV"
            )
        return text, "utf-8"
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        text = ""
    if text and "\x00" not in text and _looks_chinese(text):
        return text, "gb18030"
    line = data[: _first_high_byte(data)].count(b"\n") + 1
    raise DomainRefused(
        "encoding",
        f"line {line}: the encoding is neither UTF-8 nor GB18030/GBK and is not guessed; "
        "save the file as UTF-8",
    )


def _first_high_byte(data: bytes) -> int:
    found = _HIGH_BYTE.search(data)
    return found.start() if found else 0


def clean_code(text: str) -> str:
    """Ids and controlled words: full-width forms folded (NFKC), invisible characters removed, white
    space of any kind trimmed and made one blank."""
    return _SPACES.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))).strip()


def clean_verbatim(text: str) -> str:
    """Free text: white space of any kind (non-breaking ones too) becomes a blank and invisible
    characters go; letters stay as written."""
    return _SPACES.sub(" ", _INVISIBLE.sub("", text)).strip()


def is_mojibake(text: str) -> bool:
    """Whether text was decoded with the wrong encoding before it was sent (UTF-8 or GBK read as
    Latin-1, UTF-8 read as GBK, replacement characters)."""
    if "\ufffd" in text:
        return True
    if not _HIGH.search(text):
        return False
    for wrong in ("cp1252", "latin-1"):
        try:
            raw = text.encode(wrong)
        except UnicodeEncodeError:
            continue
        try:
            raw.decode("utf-8")
            return True
        except UnicodeDecodeError:
            pass
        if len(_HIGH.findall(text)) >= _ENOUGH_LETTERS:
            try:
                again = raw.decode("gbk")
            except UnicodeDecodeError:
                continue
            if all(_level(c) == 1 for c in _HIGH.findall(again)):
                return True
    if any(_level(c) > 1 for c in _HIGH.findall(text)):
        try:
            again = text.encode("gb18030").decode("utf-8")
        except UnicodeDecodeError:
            return False
        return all(_level(c) <= 1 for c in _HIGH.findall(again))
    return False
