"""Text files as programs of Windows save them: with a byte order mark, in UTF-8 or UTF-16."""

from __future__ import annotations

import codecs
from pathlib import Path

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def read_text(path: Path) -> str:
    """The text of a file in the encoding that its byte order mark tells, else in UTF-8. Raises UnicodeDecodeError for other files."""
    content = path.read_bytes()
    mark, encoding = next(((mark, encoding) for mark, encoding in MARKS if content.startswith(mark)), (b"", "utf-8"))
    return content.removeprefix(mark).decode(encoding).replace("\r\n", "\n")
