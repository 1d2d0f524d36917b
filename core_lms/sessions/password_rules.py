"""Which passwords are refused: short ones, and those that guessing programs try first.

No list of leaked passwords is shipped. What guessers do is derived instead: they take a word, a
keyboard's row or the person's own name, change letters to look-alikes and put digits around it.
The rules follow NIST SP 800-63B: length and guessability, no composition of character classes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from contracts.errors import Rejected

MAX_LENGTH = 128
"""Enough for sentences; a bound, because hashing reads all of it."""

_WORDS = re.findall(
    r"\w+",
    """
    password passwort passwd secret letmein welcome hello login admin administrator root
    user guest default changeme test trustno iloveyou monkey dragon football baseball
    master sunshine princess shadow superman batman freedom whatever starwars computer
    internet summer winter spring autumn school student teacher university course
    learnstream learning
    """,
)
_ROWS = ("qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm")
_LINES = (*_ROWS, "abcdefghijklmnopqrstuvwxyz", "01234567890", "1q2w3e4r5t6z7u8i9o0p")
_LOOK_ALIKE = str.maketrans("0134578@$!|", "oieastbasil")
_RUN = 4
"""Characters that follow each other on a keyboard or in the alphabet count as a run from here on"""


def check(password: str, *, min_length: int, personal: Iterable[str] = ()) -> None:
    """Raises ``Rejected`` with the reason; ``personal`` are the person's names and addresses."""
    if len(password) < min_length:
        raise Rejected(f"password: takes at least {min_length} characters; a few words are good")
    if len(password) > MAX_LENGTH:
        raise Rejected(f"password: takes at most {MAX_LENGTH} characters")
    lowered = password.lower()
    if len(set(lowered)) < 5:
        raise Rejected("password: has too few different characters")
    if _period(lowered) <= len(lowered) // 2:
        raise Rejected("password: repeats itself")
    left = _without_runs(lowered)
    if len(left) < 4:
        raise Rejected("password: follows the keyboard or the alphabet")
    own = [part for text in personal for part in re.split(r"[^\w]+|_", text.lower())]
    core = _core(lowered)
    for rest in (core, core.translate(_LOOK_ALIKE), _core(lowered.translate(_LOOK_ALIKE))):
        for word in (*_WORDS, *(part for part in own if len(part) >= 4)):
            rest = rest.replace(word, "")
        if len(_core(rest)) < 4:
            raise Rejected("password: is a common word or your own name with something around it")


def _core(text: str) -> str:
    """What is left without the digits and signs that people put before and after a word."""
    return re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)


def _period(text: str) -> int:
    """The length of the shortest piece that ``text`` is a repetition of."""
    return (text + text).find(text, 1)


def _without_runs(text: str) -> str:
    """``text`` without runs such as ``qwert``, ``9876`` or ``abcd``."""
    lines = [*_LINES, *(line[::-1] for line in _LINES)]
    kept, at = [], 0
    while at < len(text):
        length = _RUN
        while at + length <= len(text) and any(text[at : at + length] in line for line in lines):
            length += 1
        if length > _RUN:
            at += length - 1
        else:
            kept.append(text[at])
            at += 1
    return "".join(kept)
