"""Personal data in a clinical delivery: columns and cells that must not enter.

The reaction (stop the table, drop the column) is decided in ``exports``.

Nothing here returns or logs a value that it found: only the kind of finding and its row.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

import numpy as np
import pandas as pd

_PERSON = r"(?:PAT(?:IENT)?|PT|SUBJ(?:ECT)?|SUB|PARTICIPANT|PERSON|CONTACT|RELATIVE|KIN|GUARDIAN)?"
_STOP_COLUMN = re.compile(
    rf"{_PERSON}(?:FULL|FIRST|LAST|GIVEN|FAMILY|MIDDLE|SUR|MAIDEN|NICK|CHINESE|LEGAL)?NAMES?"
    rf"|{_PERSON}NAM|[FLMS]NAME|NAME(?:CN|ZH|EN)"
    rf"|{_PERSON}(?:HOME|CELL|MOBILE|WORK|CONTACT)?"
    r"(?:TEL|TELE|PHONE|TELEPHONE|CELLPHONE|CELL|MOBILE|MOBILEPHONE"
    r"|FAX|WECHAT|EMAIL|EMAILADDRESS|MAIL)"
    r"(?:NO|NR|NUM|NUMBER|ADDRESS|\d)?"
    rf"|{_PERSON}(?:NATIONAL|CITIZEN|RESIDENT|PERSONAL|IDENTITY|GOVERNMENT|GOV)"
    r"ID(?:NO|NR|NUM|NUMBER|CARD)?"
    rf"|{_PERSON}ID(?:ENTITY)?(?:CARD)(?:NO|NR|NUM|NUMBER)?"
    rf"|{_PERSON}IDENTITY(?:NO|NR|NUM|NUMBER)?|(?:ID|IDENTIFICATION)(?:NO|NR|NUM|NUMBER)"
    r"|SSN|SOCIALSECURITY(?:NO|NR|NUM|NUMBER)?|PASSPORT(?:NO|NR|NUM|NUMBER)?|MRN"
    rf"|{_PERSON}(?:HOME|POSTAL|STREET)?ADDR(?:ESS)?"
    r"|(?:MEDICAL|HOSPITAL)(?:RECORD)?(?:NO|NR|NUM|NUMBER)"
)
_STOP_CHINESE = re.compile(
    "姓名|名字|患者名|受试者名|电话|手机|联系方式|身份证|证件号|住址|地址|邮箱"
    "|微信|护照|病历号|住院号|门诊号|医保"
)
_DROP_COLUMN = re.compile(
    rf"BRTHDTC?|BIRTHDTC?|BRTHDAT|BIRTHDATE|DATEOFBIRTH|BIRTHDAY|DOB|{_PERSON}DOB"
    rf"|{_PERSON}BIRTHDATE|BRTHYR|BIRTHYEAR"
    rf"|{_PERSON}INIT|{_PERSON}INITIALS?|{_PERSON}INITS|PINIT|PTINIT|NAMEINITIALS?"
)
_DROP_CHINESE = re.compile("出生|生日|缩写|首字母")

_MOBILE = r"(?<![\d.])(?:\+?86[-\s]?)?1[3-9]\d(?:[-\s]?\d{4}){2}(?!\d)"
_LANDLINE = r"(?<![\d-])(?:\(0\d{2,3}\)|0\d{2,3})[-\s]\d{7,8}(?![\d-])"
_ABROAD = r"(?<!\w)\+\d{1,3}[-\s]?(?:\(?\d{1,4}\)?[-\s]?){2,5}\d{2,}"
_NORTH_AMERICA = r"(?<![\d-])(?:\(\d{3}\)\s?|\d{3}[-.\s])\d{3}[-.]\d{4}(?![\d-])"
_AFTER_WORD = r"(?:电话|手机|联系方式|(?:\b(?:tel|phone|mobile|cell)\b))\D{0,4}\d[\d\-\s]{5,}"
_CHINESE_ID = (
    r"(?<!\d)[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"\d{3}[\dXx](?![\dA-Za-z])"
)
_EMAIL = r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"
_NAME_WORD = r"姓名\s*[:：]\s*\S|(?i:\bpatient\s+name\s*[:：=]\s*\S)"

_ANYWHERE = [
    ("an identity number", re.compile(_CHINESE_ID)),
    ("a phone number", re.compile(_MOBILE)),
    ("an e-mail address", re.compile(_EMAIL)),
]
_IN_TEXT = [
    *_ANYWHERE,
    (
        "a phone number",
        re.compile(f"{_LANDLINE}|{_ABROAD}|{_NORTH_AMERICA}|{_AFTER_WORD}", re.IGNORECASE),
    ),
    ("a person's name", re.compile(_NAME_WORD)),
]
_WORTH_A_LOOK = re.compile(r"\d[\d\-\s()Xx]{6}|@|姓名|name", re.IGNORECASE)
_SHORTEST = 4
"""Characters of the shortest text that a pattern finds: 姓名, a colon and one more."""


def judge_column(name: str) -> Literal["stop", "drop", ""]:
    """Whether a column name announces personal data.

    Returns
    -------
    str
        ``"stop"`` for names, phones, addresses and identity numbers, ``"drop"`` for birth dates and
        initials, otherwise empty.
    """
    folded = unicodedata.normalize("NFKC", name)
    if _DROP_CHINESE.search(folded):
        return "drop"
    if _STOP_CHINESE.search(folded):
        return "stop"
    letters = re.sub(r"[^A-Z0-9]", "", folded.upper())
    if _DROP_COLUMN.fullmatch(letters):
        return "drop"
    return "stop" if _STOP_COLUMN.fullmatch(letters) else ""


def find_personal_cell(texts: pd.Series, *, key: bool) -> tuple[int, str] | None:
    """First cell that looks like a phone number, an identity number, an e-mail address or a
    labelled name.

    Parameters
    ----------
    texts
        One column as delivered; the index is the row number in the file.
    key
        True for columns of ids and dates, whose own punctuation can look like a foreign phone
        number: only patterns that no id has are searched there.

    Returns
    -------
    tuple or None
        Row number and kind of finding; never the value.
    """
    codes, uniques = pd.factorize(texts)
    patterns = _ANYWHERE if key else _IN_TEXT
    best: tuple[int, str] | None = None
    hits: dict[int, str] = {}
    for i, text in enumerate(uniques):
        if len(text) < _SHORTEST or not _WORTH_A_LOOK.search(text):
            continue
        folded = unicodedata.normalize("NFKC", text)
        kind = next((label for label, pattern in patterns if pattern.search(folded)), None)
        if kind:
            hits[i] = kind
    if hits:
        position = int(np.flatnonzero(np.isin(codes, list(hits)))[0])
        best = (int(texts.index[position]), hits[int(codes[position])])
    return best


def is_pseudonym(text: str) -> bool:
    """Whether a subject id can be a pseudonymous key: plain ASCII without an at sign.

    A name in Chinese letters is none.
    """
    return text.isascii() and "@" not in text
