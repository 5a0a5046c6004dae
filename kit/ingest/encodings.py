"""Encodings: which one a file is in, and its lines as UTF-8, each still knowing its byte in the file.

Lines are cut from the raw bytes and decoded after, so that a place in the quarantine is a place on the disk.
"""

import codecs
import re
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from kit.errors import InputError

KNOWN = ("utf-8", "utf-16-le", "utf-16-be", "gb18030", "gbk", "big5", "cp1251", "cp1252", "latin-1")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
         (b"\x84\x31\x95\x33", "gb18030"))
# What UTF-8 looks like when it was once read as Latin-1 or GBK and written out again, and the sign for a lost letter.
_MOJIBAKE = re.compile(b"\xc3[\x82\x83]\xc2[\x80-\xbf]|\xc3\xa2\xe2\x82\xac|\xc3[\xa4-\xaf](?:\xc2[\x80-\xbf]){2}"
                       b"|\xef\xbf\xbd|" + "锟斤拷|烫烫烫|屯屯屯".encode())
_MOJIBAKE_NOTE = "a line whose letters were garbled before (mojibake)"


@dataclass(frozen=True)
class Encoding:
    """An encoding, and how many bytes of a byte order mark stand before the text."""

    name: str
    bom: int = 0
    sure: bool = True

    @property
    def unit(self):
        """Bytes of the smallest letter."""
        return 2 if self.name.startswith("utf-16") else 1


def detect(head, stated=None, name="the file"):
    """Tell the encoding of a file from its first bytes.

    Parameters
    ----------
    head : bytes
        Some ten thousand of them.
    stated : str, optional
        What a recipe says; it is believed, only the byte order mark is looked for.
    name : str
        The file's, for messages.

    Returns
    -------
    Encoding
        `sure` is False where there was nothing but ASCII: what comes later may still tell.

    Raises
    ------
    InputError
        UTF-32, or an encoding that is not known here.

    >>> detect("北京,上海".encode("gb18030")).name, detect("北京".encode()).name, detect(b"a,b")
    ('gb18030', 'utf-8', Encoding(name='utf-8', bom=0, sure=False))
    """
    if head.startswith((codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE)) and head[4:8].count(0) >= 2:
        raise InputError(f"The file {name} is in UTF-32, which is not read here; convert it to UTF-8.")
    marked = next(((len(bom), enc) for bom, enc in _BOMS if head.startswith(bom)), (0, None))
    if stated:
        stated = stated.lower()
        if stated == "utf-16":
            stated = marked[1] if marked[1] in ("utf-16-le", "utf-16-be") else "utf-16-le"
        if stated not in KNOWN:
            raise InputError(f"The recipe says {name} is in {stated}; known are utf-16, {', '.join(KNOWN)}.")
        return Encoding(stated, marked[0] if marked[1] == stated else 0)
    if marked[1]:
        return Encoding(marked[1], marked[0])
    return Encoding(_utf16(head)) if _utf16(head) else _by_letters(head)


def as_text(head, stated=None, name="the file"):
    """The first bytes of a file as text, to look at."""
    code = detect(head, stated, name)
    return head[code.bom :].decode(code.name, "replace")


def recode(block, encoding):
    """A block of raw lines as UTF-8; a line that cannot be decoded becomes a fault of the block.

    Each line still knows its byte in the file.
    """
    if encoding.name == "utf-8":
        return block
    lines, faults = [], dict(block.faults)
    for row in range(len(block)):
        raw = block.line(row)
        try:
            lines.append(raw.decode(encoding.name).encode())
        except UnicodeError:  # also half a pair in UTF-16, which decodes and then cannot be written
            lines.append(raw.decode(encoding.name, "replace").encode("utf-8", "replace"))
            faults.setdefault(row, f"not {encoding.name.upper()}")
    starts = np.concatenate(([0], np.cumsum([len(line) for line in lines], dtype=np.int64))).astype(np.int32)
    offsets = block.offsets if block.offsets is not None else block.first_byte + block.starts[:-1].astype(np.int64)
    notes = block.notes + Counter({f"a line in {encoding.name.upper()}": len(block)})
    return replace(block, data=np.frombuffer(b"".join(lines), np.uint8), starts=starts, offsets=offsets, faults=faults,
                   notes=notes)


class Converter:
    """Bytes in an encoding to UTF-8, piece by piece; what cannot be decoded becomes the sign for a lost letter."""

    def __init__(self, encoding):
        self._decoder = codecs.getincrementaldecoder(encoding.name)("replace")

    def feed(self, data):
        """The next bytes; half a letter at their end waits."""
        return self._decoder.decode(data).encode("utf-8", "replace")


def note_mojibake(block):
    """How many lines of a block show the marks of letters that were decoded wrongly and written out again."""
    if not len(block.data) or block.data.max() < 128:
        return Counter()
    ends = {int(np.searchsorted(block.starts, found.start(), "right")) for found in _MOJIBAKE.finditer(block.data)}
    return Counter({_MOJIBAKE_NOTE: len(ends)}) if ends else Counter()


def _utf16(head):
    """UTF-16 without a mark: every other byte of what is mostly ASCII is zero."""
    letters = np.frombuffer(head[: len(head) // 2 * 2], np.uint8).reshape(-1, 2)
    if len(letters) < 4:
        return None
    high, low = (letters[:, 1] == 0).mean(), (letters[:, 0] == 0).mean()
    if high > 0.4 and low < 0.05:
        return "utf-16-le"
    return "utf-16-be" if low > 0.4 and high < 0.05 else None


def _by_letters(head):
    """UTF-8, or GB18030 where no line with other letters than ASCII is UTF-8 and they read as Chinese."""
    strange = [line for line in head.split(b"\n") if not line.isascii()]
    if not strange:
        return Encoding("utf-8", sure=False)
    utf8 = sum(_reads(line, "utf-8") for line in strange[:-1]) + _reads(strange[-1], "utf-8", whole=False)
    if utf8 * 10 >= len(strange):
        return Encoding("utf-8")
    chinese = sum(_is_chinese(line) for line in strange)
    return Encoding("gb18030" if chinese * 2 > len(strange) else "utf-8")


def _reads(line, encoding, whole=True):
    """Whether a line decodes; the last one of a sample may be cut in the middle of a letter."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(line, whole)
    except UnicodeDecodeError:
        return False
    return True


def _is_chinese(line):
    """Whether a line reads as GB18030 and its letters beyond ASCII are mostly those of everyday Chinese."""
    text = codecs.getincrementaldecoder("gb18030")("replace").decode(line)
    beyond = [c for c in text if ord(c) > 127]
    common = sum("\u4e00" <= c <= "\u9fff" or "\u3000" <= c <= "\u303f" or "\uff00" <= c <= "\uffef" for c in beyond)
    everyday = sum(c.encode("gb18030")[0] >= 0xB0 and c.encode("gb18030")[-1] >= 0xA1 for c in beyond
                   if "\u4e00" <= c <= "\u9fff")
    return len(beyond) >= 2 and common * 10 >= len(beyond) * 9 and everyday * 10 >= len(beyond) * 6
