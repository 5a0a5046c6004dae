"""XML from strangers, read piece by piece, with everything turned off that data have no use for.

No document type and so no entities of its own: a few lines of those can stand for terabytes, or for other files. Bounds
on depth and on the length of one mark. Where the text is no XML, the reading ends there, and says where.
"""

from xml.parsers import expat

from kit.errors import InputError
from kit.ingest.cutters import MAX_LINE_BYTES

MAX_XML_DEPTH = 100


class BrokenXmlError(Exception):
    """The text is no XML from `line` and `byte` on."""

    def __init__(self, reason, line, byte):
        super().__init__(reason)
        self.reason, self.line, self.byte = reason, line, byte


class SafeXml:
    """A parser that is fed pieces and calls `start(tag, attributes)`, `end(tag)` and `text(letters)`.

    Tags and names of attributes come without their namespace's prefix.
    """

    def __init__(self, name, start, end, text, encoding=None):
        self.name, self._depth, self._quiet = name, 0, 0
        self._start, self._end, self._text = start, end, text
        self._parser = parser = expat.ParserCreate(encoding)
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler, parser.EndElementHandler = self._on_start, self._on_end
        parser.CharacterDataHandler, parser.DefaultHandler = self._on_text, self._on_other
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = self._refuse

    @property
    def where(self):
        """Line from 1 and byte from 0 of what is being read."""
        return self._parser.CurrentLineNumber, self._parser.CurrentByteIndex

    def feed(self, data, last=False):
        """Some more of the document; raises BrokenXmlError where it is none."""
        self._quiet += len(data)
        try:
            self._parser.Parse(data, last)
        except InputError:
            raise
        except (LookupError, ValueError):  # what Python says of an encoding that it does not have, or has in pairs
            raise InputError(f"The file {self.name} is in an encoding that is not read here; convert it to UTF-8, and "
                             "change its first line.") from None
        except expat.ExpatError:
            early = self._parser.ErrorCode in (_NOTHING, _UNCLOSED)
            reason = "the document breaks off here" if early else "no XML from here on"
        else:
            reason = f"a mark of more than {MAX_LINE_BYTES >> 20} MiB" if self._quiet > MAX_LINE_BYTES else None
        if reason:
            raise BrokenXmlError(reason, self._parser.ErrorLineNumber, max(self._parser.ErrorByteIndex, 0))

    def _on_start(self, tag, attributes):
        self._quiet, self._depth = 0, self._depth + 1
        if self._depth > MAX_XML_DEPTH:
            raise BrokenXmlError(f"nested more than {MAX_XML_DEPTH} deep", *self.where)
        self._start(_local(tag), {_local(name): value for name, value in attributes.items()})

    def _on_end(self, tag):
        self._quiet, self._depth = 0, self._depth - 1
        self._end(_local(tag))

    def _on_text(self, letters):
        self._quiet = 0
        self._text(letters)

    def _on_other(self, _):
        self._quiet = 0

    def _refuse(self, *_):
        raise InputError(f"The file {self.name} declares a document type, through which a small file can be made "
                         "endless or read others; nothing of it was kept: take the declaration out if you trust it.")


_NOTHING = expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]
_UNCLOSED = expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN]


def _local(name):
    return name.rpartition(":")[2]
