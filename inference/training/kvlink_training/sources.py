# SPDX-License-Identifier: Apache-2.0
"""Question files: JSON lines of {question, answers[], docs: [{title, text, gold}]}, gzip or plain."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import string
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

QUOTE_WORDS = 30
FORBIDDEN_FILE = Path(__file__).with_name("forbidden_questions.txt")


class ForbiddenQuestion(ValueError):
    """A question that belongs to an evaluation set."""


@dataclass(frozen=True)
class Passage:
    title: str
    text: str
    gold: bool


@dataclass(frozen=True)
class Question:
    source: str
    question: str
    answers: tuple[str, ...]
    passages: tuple[Passage, ...]

    @property
    def gold(self) -> tuple[Passage, ...]:
        return tuple(p for p in self.passages if p.gold)

    @property
    def target(self) -> str:
        """What is learned to be said: the shortest answer that stands in the gold passage. Others may be
        right too, but reading does not find them."""
        text = " ".join(f"{p.title} {p.text}" for p in self.gold)
        return min([a for a in self.answers if contains_answer(text, (a,))] or self.answers, key=len)

    @property
    def reply(self) -> str:
        """The target and, where a gold passage says it, the sentence it stands in: a reader sees what the
        answer rests on, and a sentence teaches where to look far more often than two words do."""
        sentence = quoted_sentence(self.question, self.target, self.gold)
        if not sentence or normalize(sentence) == normalize(self.target):
            return self.target
        return f"{self.target.rstrip('.')}. \"{sentence}\""


def normalize(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces: as answers are compared."""
    text = "".join(" " if c in string.punctuation else c for c in text.lower())
    return " ".join(w for w in text.split() if w not in ("a", "an", "the"))


def contains_answer(text: str, answers: tuple[str, ...] | list[str]) -> bool:
    """Sub-span match: a normalised answer occurs in the normalised text."""
    words = f" {normalize(text)} "
    return any(f" {normalize(a)} " in words for a in answers if normalize(a))


def quoted_sentence(question: str, answer: str, passages: tuple[Passage, ...]) -> str:
    """The sentence that holds the answer and shares most words with the question, at most QUOTE_WORDS
    long (a longer one is cut around the answer); empty where none holds it."""
    asked = set(normalize(question).split())
    sentences = [s for p in passages for s in re.split(r"(?<=[.!?])\s+", p.text) if contains_answer(s, (answer,))]
    if not sentences:
        return ""
    words = max(sentences, key=lambda s: len(asked & set(normalize(s).split()))).split()
    if len(words) <= QUOTE_WORDS:
        return " ".join(words)
    ends = [i for i in range(1, len(words) + 1) if contains_answer(" ".join(words[:i]), (answer,))]
    first = max(0, min(ends[0] - QUOTE_WORDS // 2, len(words) - QUOTE_WORDS))
    return " ".join(words[first : first + QUOTE_WORDS])


def question_hash(question: str) -> str:
    return hashlib.sha256(normalize(question).encode()).hexdigest()[:16]


def forbidden_hashes(path: Path = FORBIDDEN_FILE) -> frozenset[str]:
    return frozenset(line.strip() for line in path.read_text().splitlines() if line and line[0] != "#")


def read_questions(path: Path) -> list[Question]:
    """Every usable question of a file; answers that normalise to nothing are dropped."""
    opener = gzip.open if path.suffix == ".gz" else open
    out: list[Question] = []
    with opener(path, "rt", encoding="utf-8") as file:
        for line in file:
            item = json.loads(line)
            answers = tuple(a for a in item["answers"] if normalize(a))
            docs = item.get("docs") or item.get("documents") or []
            only = len(docs) == 1
            passages = tuple(Passage(d.get("title", ""), d["text"], bool(d.get("gold", only))) for d in docs)
            if answers:
                out.append(Question(path.name.split(".")[0], item["question"], answers, passages))
    return out


def drop_forbidden(name: str, questions: list[Question], forbidden: frozenset[str]) -> list[Question]:
    """Without the evaluation sets' questions. A chance collision ("Who had three daughters?") is
    dropped; a file of which they are more than one in a hundred is refused."""
    kept = [q for q in questions if question_hash(q.question) not in forbidden]
    n_dropped = len(questions) - len(kept)
    if n_dropped * 100 > len(questions):
        raise ForbiddenQuestion(f"{name}: {n_dropped} of {len(questions)} questions belong to an evaluation set; "
                                "training on them is forbidden")
    if n_dropped:
        print(f"{name}: dropped {n_dropped} questions that also stand in an evaluation set")
    return kept


def read_training_folder(folder: Path, forbidden: frozenset[str] | None = None) -> list[Question]:
    """All *.train.jsonl(.gz) files of a folder, without questions of the evaluation sets."""
    forbidden = forbidden_hashes() if forbidden is None else forbidden
    questions: list[Question] = []
    for path in sorted(p for p in folder.iterdir() if re.search(r"\.train\.jsonl(\.gz)?$", p.name)):
        questions += drop_forbidden(path.name, read_questions(path), forbidden)
    if not questions:
        raise FileNotFoundError(f"{folder} holds no *.train.jsonl or *.train.jsonl.gz file")
    return questions


class PassageIndex:
    """BM25 (k1 0.9, b 0.4) over the distinct passages of the training questions: where hard
    distractors come from."""

    def __init__(self, questions: list[Question]) -> None:
        seen = {(p.title, p.text) for q in questions for p in q.passages}
        self.passages = sorted(seen)
        self.by_title: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for passage in self.passages:
            self.by_title[passage[0]].append(passage)
        postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        lengths = np.zeros(len(self.passages))
        for number, (title, text) in enumerate(self.passages):
            words = normalize(f"{title} {text}").split()
            lengths[number] = len(words)
            for word, count in Counter(words).items():
                postings[word].append((number, count))
        n, mean = len(self.passages), lengths.mean()
        self._postings = {}
        for word, entries in postings.items():
            if len(entries) > n // 5:
                continue
            numbers = np.array([e[0] for e in entries])
            counts = np.array([e[1] for e in entries], dtype=np.float64)
            idf = np.log(1 + (n - len(entries) + 0.5) / (len(entries) + 0.5))
            weight = idf * counts * 1.9 / (counts + 0.9 * (0.6 + 0.4 * lengths[numbers] / mean))
            self._postings[word] = (numbers, weight)

    def hardest(self, question: str, answers: tuple[str, ...], limit: int) -> list[tuple[str, str]]:
        """Best-scoring passages that do not contain an answer."""
        scores = np.zeros(len(self.passages))
        for word in set(normalize(question).split()):
            if word in self._postings:
                numbers, weight = self._postings[word]
                scores[numbers] += weight
        found = []
        for number in np.argsort(-scores, kind="stable")[: 4 * limit + 20]:
            title, text = self.passages[number]
            if not contains_answer(f"{title} {text}", answers):
                found.append((title, text))
            if len(found) == limit:
                break
        return found
