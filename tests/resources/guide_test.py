#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the guide and the README say exists: commands, options, settings, files.

Usage: guide_test.py KVLINK   (the built program, whose --help is the truth)
"""

import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = sorted((ROOT / "resources" / "guide").glob("*.md"))
KVLINK = sys.argv.pop() if len(sys.argv) > 1 else ""

# A command as it stands in backticks or in a fenced block.
COMMAND = re.compile(r"(?:^|`)(?:build/release/bin/)?kvlink ([^`\n]+)", re.MULTILINE)


def help_of(*command):
    result = subprocess.run([KVLINK, *command, "--help"], capture_output=True, text=True, check=True)
    return result.stdout


def commands_in(text):
    """[(words before the first option or argument, options)] of every command in a text."""
    for line in COMMAND.findall(text):
        line = line.split("#")[0]
        line = re.sub(r'"[^"]*"', "ARGUMENT", line)
        words = []
        for word in line.split():
            if not re.fullmatch(r"[a-z]+", word):
                break
            words.append(word)
        yield words[:2], re.findall(r"(?<![\w-])--[a-z-]+", line)


class Guide(unittest.TestCase):
    def test_has_pages_of_readable_length(self):
        self.assertGreaterEqual(len(GUIDE), 14)
        for page in GUIDE:
            with self.subTest(page=page.name):
                self.assertGreaterEqual(len(page.read_text().split()), 250)
                self.assertLessEqual(len(page.read_text().split()), 900)

    def test_every_page_has_a_title_and_sections(self):
        for page in GUIDE:
            with self.subTest(page=page.name):
                lines = page.read_text().splitlines()
                self.assertTrue(lines[0].startswith("# "))
                self.assertEqual(sum(line.startswith("# ") for line in lines), 1)
                self.assertGreaterEqual(sum(line.startswith("## ") for line in lines), 2)

    def test_settings_it_names_exist(self):
        known = (ROOT / "app" / "settings.cpp").read_text()
        page = (ROOT / "resources" / "guide" / "17-settings.md").read_text()
        named = re.findall(r"^\| (`[^|]+) \|", page, re.MULTILINE)
        names = [name for row in named for name in re.findall(r"`([a-z_]+)`", row)]
        self.assertGreater(len(names), 15)
        for name in names:
            self.assertIn(f'"{name}"', known)


class Commands(unittest.TestCase):
    def setUp(self):
        if not KVLINK:
            self.skipTest("the program is not named")

    def test_commands_and_options_exist(self):
        top = help_of()
        pages = GUIDE + [ROOT / "README.md", ROOT / "run"]
        n_checked = 0
        for page in pages:
            for words, options in commands_in(page.read_text()):
                with self.subTest(page=page.name, command=" ".join(words), options=options):
                    known = top
                    if words:
                        self.assertRegex(top, rf"(?m)^\s+{words[0]}\b")
                        known += help_of(words[0])
                    if len(words) == 2 and words[0] in ("cache", "model", "bench"):
                        self.assertRegex(help_of(words[0]), rf"(?m)^\s+{words[1]}\b")
                        known += help_of(*words)
                    for option in options:
                        self.assertIn(option, known)
                    n_checked += 1
        self.assertGreater(n_checked, 60)

    def test_every_command_is_in_the_reference(self):
        reference = (ROOT / "resources" / "guide" / "16-command-line.md").read_text()
        commands = help_of().split("Subcommands:")[1].split("Examples:")[0]
        for command in re.findall(r"(?m)^  ([a-z]+) ", commands):
            self.assertIn(f"kvlink {command}", reference)


class Links(unittest.TestCase):
    def test_files_that_documents_point_to_exist(self):
        documents = [ROOT / "README.md", ROOT / ".github" / "CONTRIBUTING.md",
                     *(ROOT / "resources" / "docs").rglob("*.md")]
        for document in documents:
            for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
                if "://" not in target:
                    with self.subTest(document=document.name, target=target):
                        self.assertTrue((document.parent / target).exists())


if __name__ == "__main__":
    unittest.main()
