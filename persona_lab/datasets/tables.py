"""Files in and out: Parquet, CSV and JSONL as they are found, and errors that say what is wrong with a file."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from persona_lab.errors import InputError

CSV_ENDINGS = (".csv", ".tsv", ".txt")
JSONL_ENDINGS = (".jsonl", ".ndjson")
PARQUET_ENDINGS = (".parquet", ".pq")
_GUESSES = ("utf-8", "cp949", "shift_jis", "gb18030", "cp1252")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def ending(path: Path) -> str:
    """Return the file's ending in lower case."""
    return path.suffix.lower()


def check_readable(path: Path) -> None:
    """Refuse what is not there, is no file, is empty, or has an ending that nobody reads."""
    known = (*CSV_ENDINGS, *JSONL_ENDINGS, *PARQUET_ENDINGS)
    if not path.exists():
        raise InputError("there is no such file", file=str(path), cure="Check the path.")
    if not path.is_file():
        raise InputError("this is not a file", file=str(path), cure="Give the log file itself.")
    if ending(path) not in known:
        raise InputError(
            "the ending says no format that can be read",
            file=str(path),
            value=path.suffix,
            cure=f"Use a file that ends in one of: {', '.join(known)}.",
        )
    if path.stat().st_size == 0:
        raise InputError("the file is empty", file=str(path), cure="Export the log again.")


def read_table(path: Path, encoding: str = "utf-8") -> pl.DataFrame:
    """Read a table as it stands; every CSV column comes as text, so that nothing is guessed.

    Raises
    ------
    InputError
        Missing or empty file, wrong encoding (with those that would fit), truncated Parquet, ragged CSV, bad JSON.
    """
    check_readable(path)
    kind = ending(path)
    if kind in PARQUET_ENDINGS:
        try:
            table = pl.read_parquet(path)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise InputError(
                f"this is not a complete Parquet file ({str(error).splitlines()[0]})",
                file=str(path),
                cure="It was probably cut off or damaged while copying: copy or export it again.",
            ) from None
    elif kind in CSV_ENDINGS:
        table = _read_csv(decoded(path, encoding), path, "\t" if kind == ".tsv" else ",")
    else:
        rows = [row for _, row in json_lines(path, encoding)]
        table = pl.DataFrame(rows, infer_schema_length=None, strict=False) if rows else pl.DataFrame()
    if table.height == 0:
        raise InputError("the file holds no rows", file=str(path), cure="Export the log again.")
    return table


def decoded(path: Path, encoding: str) -> str:
    """Return the text of a file, without a byte-order mark."""
    try:
        codec = codecs.lookup(encoding).name
        "".encode(codec)  # codecs.lookup knows transforms too, such as base64, that are no text encodings
    except (LookupError, ValueError):
        raise InputError(
            "there is no such text encoding",
            file=str(path),
            value=encoding,
            cure="Use a name that Python knows, such as utf-8 or cp949.",
        ) from None
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig" if codec == "utf-8" else codec)
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n")
        guesses = ("utf-16",) if raw.startswith(_UTF16_MARKS) else _GUESSES
        fitting = [name for name in guesses if name != codec and _fits(raw, name)]
        cure = f"Say which one it is, for instance --encoding {fitting[0]}" if fitting else "Say which one it is"
        more = f" (these would decode it too: {', '.join(fitting[1:])})." if len(fitting) > 1 else "."
        raise InputError(
            f"the file is not {encoding} text (byte {error.start})",
            file=str(path),
            row=max(row, 1),
            value=raw[error.start : error.start + 4],
            cure=cure + more,
        ) from None
    except UnicodeError as error:
        raise InputError(
            f"the file is not {encoding} text ({error})", file=str(path), cure="Say which encoding it is."
        ) from None


def json_lines(path: Path, encoding: str = "utf-8") -> list[tuple[int, dict[str, Any]]]:
    """Return (line number, object) for every line that is not blank; NaN and infinity are refused."""

    def refuse_constant(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    found = []
    # Not splitlines(): JSON text may hold U+2028 and its kin as they are.
    for number, line in enumerate(decoded(path, encoding).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_constant=refuse_constant)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"the line is not JSON ({error})",
                file=str(path),
                row=number,
                value=line.strip(),
                cure="Write one JSON object per line; a last line cut short means an incomplete copy.",
            ) from None
        if not isinstance(row, dict):
            raise InputError(
                "the line is no JSON object", file=str(path), row=number, value=row, cure="Write one object per line."
            )
        found.append((number, row))
    return found


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write under a temporary name, then rename: a reader meets the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_parquet(frame: pl.DataFrame, path: Path, *, sort_by: list[str] | None = None) -> None:
    """Write an immutable data set: sorted where asked, the whole file or none; equal frames, equal bytes."""
    ordered = frame.sort(sort_by, maintain_order=True) if sort_by else frame
    write_whole(path, lambda temporary: ordered.write_parquet(temporary, compression="zstd", statistics=True))


def _read_csv(text: str, path: Path, separator: str) -> pl.DataFrame:
    if not text.strip():
        raise InputError("the file holds no rows", file=str(path), cure="Export the log again.")
    if "\n" not in text:
        text = text.replace("\r", "\n")  # line ends of the classic Macintosh
    first = text.partition("\n")[0]
    if separator not in first and ";" in first:
        separator = ";"
    try:
        header = next(_records(text, separator))
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            raise InputError(
                "two columns have the same name", file=str(path), column=twice[0], cure="Rename one of them."
            )
        # Blank text stays "" rather than null, for a recipe may map it to a meaning.
        table = pl.read_csv(text.encode("utf-8"), separator=separator, infer_schema=False, empty_string_is_null=False)
    except (pl.exceptions.PolarsError, csv.Error) as error:
        raise _csv_error(text, separator, path, str(error).splitlines()[0]) from None
    # The reader fills short rows up with blanks: only where the last column has any can there be one.
    if (table.to_series(-1) == "").any():
        with contextlib.suppress(_NotCsvError):  # quotes that the reader understood are no error
            if (ragged := _first_ragged(text, separator)) is not None:
                raise _ragged(*ragged, separator, path)
    return table


def _csv_error(text: str, separator: str, path: Path, problem: str) -> InputError:
    """Return the error of the first row that is no CSV or does not match the header, else the reader's own."""
    try:
        ragged = _first_ragged(text, separator)
    except _NotCsvError as error:
        return InputError(
            f"the row is not CSV ({error})",
            file=str(path),
            row=error.row,
            cure='Write a quote inside a quoted cell twice (""), or export the log again.',
        )
    if ragged is not None:
        return _ragged(*ragged, separator, path)
    return InputError(f"this is not CSV ({problem})", file=str(path), cure="Export the log again.")


class _NotCsvError(Exception):
    def __init__(self, problem: str, row: int) -> None:
        super().__init__(problem)
        self.row = row


def _first_ragged(text: str, separator: str) -> tuple[int, list[str], list[str]] | None:
    """Return (row, its cells, the header) of the first row of another length; blank lines are not looked at."""
    row = 0
    try:
        records = _records(text, separator)
        header = next(records)
        for row, cells in enumerate(records, start=1):
            if cells and len(cells) != len(header):
                return row, cells, header
    except csv.Error as error:
        raise _NotCsvError(str(error), row + 1) from None
    return None


def _ragged(row: int, cells: list[str], header: list[str], separator: str, path: Path) -> InputError:
    return InputError(
        f"the row has {len(cells)} cells where the header has {len(header)}",
        file=str(path),
        row=row,
        column=header[len(cells)] if len(cells) < len(header) else None,
        value=separator.join(cells),
        cure="Quote cells that hold the separator, or repair the row.",
    )


def _records(text: str, separator: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)


def _fits(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
