#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every text of the window is translated, with the same placeholders.

Usage: translations_test.py FOLDER [SOURCES]

SOURCES: the root of the source tree. Where Qt's lupdate is installed, texts that the sources have
and the files do not are found, too.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

PLACEHOLDER = re.compile(r"%(?:n|L?\d+)")
LUPDATE = "/usr/lib/qt6/bin/lupdate"  # where Debian has it


def forms_of(message):
    translation = message.find("translation")
    numerus = translation.findall("numerusform")
    return [form.text or "" for form in numerus] or [translation.text or ""]


def problems_of(path):
    messages = ElementTree.parse(path).findall(".//message")
    if path.name != "kvlink_en.ts" and len(messages) < 100:
        yield f"{path.name}: only {len(messages)} texts: lupdate did not see the sources"
    for message in messages:
        source = message.findtext("source")
        kind = message.find("translation").get("type")
        if kind in ("vanished", "obsolete"):
            continue
        if kind == "unfinished" or not all(forms_of(message)):
            yield f"{path.name}: not translated: {source!r}"
            continue
        wanted = sorted(set(PLACEHOLDER.findall(source)))
        for form in forms_of(message):
            found = sorted(set(PLACEHOLDER.findall(form)))
            # A singular may say "one" instead of the number.
            if [p for p in wanted if p != "%n"] != [p for p in found if p != "%n"]:
                yield f"{path.name}: other placeholders in {form!r} than in {source!r}"


def missing_texts(path, lupdate, sources):
    """Texts of the sources that a file does not have: a copy of it is brought up to date."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(path, folder)
        options = ["-pluralonly"] if path.name == "kvlink_en.ts" else []
        subprocess.run([lupdate, "-silent", "-I", sources, "-locations", "none", "-source-language",
                        "en", *options, sources / "ui", sources / "app/desk", "-ts", copy],
                       check=True, capture_output=True)
        for problem in problems_of(Path(copy)):
            yield f"{problem} (collect it with: ninja translations)"


def main():
    files = sorted(Path(sys.argv[1]).glob("*.ts"))
    if not files:
        print("no .ts file there")
        return 1
    found = [problem for path in files for problem in problems_of(path)]
    lupdate = shutil.which("lupdate6") or shutil.which(LUPDATE) or shutil.which("lupdate")
    if not found and lupdate and len(sys.argv) > 2:
        found = [problem for path in files
                 for problem in missing_texts(path, lupdate, Path(sys.argv[2]))]
    print("\n".join(found) or f"{len(files)} translations are complete")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
