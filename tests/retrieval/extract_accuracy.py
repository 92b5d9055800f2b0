#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much of real documents kvlink-extract reads, and how much it makes up.

Usage: extract_accuracy.py KVLINK_EXTRACT_TEXT DOCUMENTS [NAME…]

Compares in-order words (longest common subsequence) with a reference for each file of
DOCUMENTS/markitdown and DOCUMENTS/unstructured and prints a Markdown table. The reference is, in
this order: the text that lies beside the file; for messages, Python's email package; for
OpenDocument, the paragraphs of content.xml; for RTF, striprtf; for other files, MarkItDown; for PDF
also pypdf: the one that agrees more counts, the other is named beside it. Pages of
HTML are given to MarkItDown without what is no content (script, style, navigation, forms), because
leaving it out is the purpose. A development tool: needs pip install 'markitdown[docx,pptx,xlsx,pdf]'
striprtf pypdf
beautifulsoup4 html5lib.
"""

import email
import email.policy
import io
import re
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

from bs4 import BeautifulSoup
from markitdown import MarkItDown
from pypdf import PdfReader

EXCEPTED = {".doc", ".xls", ".msg", ".jpg", ".png", ".zip", ".bin"}
NO_CONTENT = ["script", "style", "noscript", "template", "nav", "aside", "footer", "button", "select",
              "textarea", "iframe", "object", "svg", "head"]
RECALL, PRECISION = 95.0, 90.0


def html_content(html) -> str:
    page = BeautifulSoup(html, "html5lib")
    for element in page.find_all(NO_CONTENT):
        element.decompose()
    for element in page.find_all(lambda e: e.attrs is not None and (
            e.has_attr("hidden") or e.get("role") in ("navigation", "banner", "contentinfo", "search")
            or "display:none" in e.get("style", "").replace(" ", ""))):
        element.decompose()
    mains = [e for e in page.find_all(lambda e: e.name == "main" or e.get("role") == "main")]
    return str(mains[0] if len(mains) == 1 and len(mains[0].get_text()) > 200 else page)


def from_markitdown(data: bytes, suffix: str) -> str:
    return MarkItDown().convert_stream(io.BytesIO(data), file_extension=suffix).text_content


def from_html(html) -> str:
    return from_markitdown(("<meta charset='utf-8'>" + html_content(html)).encode(), ".html")


def body_lines(part, attachments):
    """Text of a part, plain rather than HTML, and of the messages in it."""
    if part.get_filename():
        attachments.append(f"Attachment: {part.get_filename()}")
    elif part.get_content_type() == "message/rfc822":
        yield from message_lines(part.get_payload(0), attachments)
    elif part.get_content_type() == "multipart/alternative":
        best = part.get_body(("plain", "html"))
        if best is not None:
            yield from body_lines(best, attachments)
    elif part.is_multipart():
        for inner in part.iter_parts():
            yield from body_lines(inner, attachments)
    elif part.get_content_maintype() == "text":
        try:
            text = part.get_content()
        except LookupError:  # an encoding with a wrong name
            text = decoded(part.get_payload(decode=True))
        yield from_html(text) if part.get_content_type() == "text/html" else text


def message_lines(message, attachments):
    for name in ("From", "To", "Cc", "Date", "Subject"):
        if message[name]:
            yield f"{name}: {message[name]}"
    yield from body_lines(message, attachments)


def from_message(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]:
        encoding = "utf-16" if data[:1] in b"\xff\xfe" else "utf-16-le" if data[1] == 0 else "utf-16-be"
        data = data.decode(encoding).encode()
    message = email.message_from_bytes(data, policy=email.policy.default)
    attachments = []
    return "\n".join([*message_lines(message, attachments), *attachments])


def from_open_document(data: bytes) -> str:
    root = ElementTree.fromstring(zipfile.ZipFile(io.BytesIO(data)).read("content.xml"))
    return "\n".join("".join(e.itertext()) for e in root.iter()
                     if e.tag.endswith(("text:1.0}p", "text:1.0}h")))


def from_rtf(data: bytes) -> str:
    from striprtf.striprtf import rtf_to_text
    return rtf_to_text(data.decode("latin-1"))


def decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("windows-1252")


def without_metadata(book: str) -> str:
    """MarkItDown begins a book with lines of its own about title, author and so on."""
    lines = book.splitlines()
    while lines and (not lines[0].strip() or lines[0].startswith("**")):
        lines.pop(0)
    return "\n".join(lines)


def reference(path: Path):
    """(name, text) of what the file should say."""
    beside = path.parent / "expected_outputs" / (path.stem + ".md")
    if beside.is_file() and path.suffix == ".pdf":
        return "beside it", beside.read_text()
    data = path.read_bytes()
    if path.suffix == ".eml":
        return "email", from_message(data)
    if path.suffix == ".odt":
        return "content.xml", from_open_document(data)
    if path.suffix == ".rtf":
        return "striprtf", from_rtf(data)
    if path.suffix == ".epub":
        return "MarkItDown", without_metadata(from_markitdown(data, ".epub"))
    if path.suffix in (".html", ".htm"):
        try:
            return "MarkItDown", from_html(data.decode("utf-8"))
        except UnicodeDecodeError:
            return "MarkItDown", from_html(data)
    if path.suffix in (".rst", ".org", ".tsv", ".md", ".ndjson"):
        return "the file", decoded(data)
    return "MarkItDown", from_markitdown(data, path.suffix)


def from_pypdf(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


def references(path: Path):
    """All of them; for PDF a second one, because pdfminer in MarkItDown drops the spaces of some
    files, and reads tables by position where pypdf keeps the order in which a page is drawn."""
    found = []
    try:
        found.append(reference(path))
    except Exception:
        if path.suffix != ".pdf":
            raise
    if path.suffix == ".pdf" and (not found or found[0][0] == "MarkItDown"):
        found.append(("pypdf", from_pypdf(path.read_bytes())))
    return found


def words(text: str):
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", " ", text)  # pictures
    # Addresses of links, which may hold brackets of their own and a title.
    text = re.sub(r"\]\((?:<[^>]*>|(?:[^()\s]|\([^()]*\))*)(?:\s+\"(?:[^\"\\]|\\.)*\")?\s*\)", "] ",
                  text)
    text = re.sub(r"(?m)^\s*\d+[.)]\s", " ", text)        # numbers of lists
    text = re.sub(r"</?[a-z]{1,4}>|\\n", " ", text)       # marks that are left in tables
    text = re.sub(r"\b(NaN|Unnamed: \d+)\b", " ", text)     # what pandas writes into empty cells
    text = re.sub(r"<!--.*?-->", " ", text, flags=re.DOTALL)
    text = re.sub(r"[\u00ad\u200b\ufeff\ufffe]", "", text)
    text = unicodedata.normalize("NFKC", text).casefold()
    return re.findall(r"[^\W_]+", text)


def common(a, b) -> int:
    """Length of the longest common subsequence, in bits of one large number."""
    places = {}
    for i, word in enumerate(a):
        places[word] = places.get(word, 0) | 1 << i
    mask = (1 << len(a)) - 1
    row = mask
    for word in b:
        both = row & places.get(word, 0)
        row = ((row + both) | (row - both)) & mask
    return len(a) - bin(row).count("1")


def agreement(wanted, found):
    """(recall, precision) in per cent."""
    same = common(wanted, found)
    return (100 * same / len(wanted) if wanted else 100.0,
            100 * same / len(found) if found else 100.0)


def extracted(program, path):
    result = subprocess.run([program, path], capture_output=True)
    said = result.stderr.decode(errors="replace").strip().splitlines()
    if result.returncode != 0:
        return None, re.sub(r"^problem \d+: ", "", said[-1])
    return result.stdout.decode(), ""


def files(root: Path):
    for folder in ("markitdown", "unstructured"):
        for path in sorted((root / folder).rglob("*")):
            skipped = {"expected_outputs", "test_evaluate_files"} & set(path.parts)
            if path.is_file() and not skipped and path.suffix not in EXCEPTED:
                yield path


def main() -> int:
    program, root, names = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    print("| file | reference | words | recall % | precision % | |\n|---|---|---|---|---|---|")
    n_good = n_measured = n_refused = 0
    for path in files(root):
        if names and path.name not in names:
            continue
        name = path.relative_to(root)
        text, reason = extracted(program, str(path))
        if text is None:
            n_refused += 1
            print(f"| {name} | | | | | {reason} |", flush=True)
            continue
        try:
            candidates = references(path)
        except Exception as error:
            print(f"| {name} | none | {len(words(text))} | | | {type(error).__name__} |", flush=True)
            continue
        measured = [(*agreement(words(expected), words(text)), source, len(words(expected)))
                    for source, expected in candidates]
        recall, precision, source, n_words = max(measured, key=lambda row: row[0] + row[1])
        others = "; ".join(f"{row[2]}: {row[0]:.1f} / {row[1]:.1f}" for row in measured
                           if row[2] != source)
        n_measured += 1
        good = recall >= RECALL and precision >= PRECISION
        n_good += good
        remarks = [*([] if good else ["below the bar"]), *([others] if others else [])]
        print(f"| {name} | {source} | {n_words} | {recall:.1f} | {precision:.1f} | "
              f"{'; '.join(remarks)} |", flush=True)
    print(f"\n{n_good} of {n_measured} files reach recall {RECALL:.0f} % and precision "
          f"{PRECISION:.0f} %; {n_refused} are not read, each with its reason.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
