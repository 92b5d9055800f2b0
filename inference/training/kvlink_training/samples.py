# SPDX-License-Identifier: Apache-2.0
"""Draws training samples: one to ten passages with hard distractors, the gold one at every place,
some without an answer, several questions about one context, plain text and questions without passages."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field

from .packing import Sample
from .prompt import NOT_FOUND
from .sources import Passage, PassageIndex, Question, contains_answer

WINDOW_WORDS = 120
OVERLAP_WORDS = 25


def windows(text: str) -> list[str]:
    """A long text in pieces of at most WINDOW_WORDS words that overlap; a short one as it is."""
    words = text.split()
    if len(words) <= WINDOW_WORDS + OVERLAP_WORDS:
        return [text]
    step = WINDOW_WORDS - OVERLAP_WORDS
    return [" ".join(words[i : i + WINDOW_WORDS]) for i in range(0, len(words) - OVERLAP_WORDS, step)]


def cut_long_passages(question: Question) -> Question | None:
    """Gold passages cut to the piece that holds an answer; the other pieces become distractors of
    the same document. None when no piece holds one: reading could not have found it."""
    gold: list[Passage] = []
    rest: list[Passage] = []
    for passage in question.passages:
        pieces = windows(passage.text)
        holds = [p for p in pieces if passage.gold and contains_answer(f"{passage.title} {p}", question.answers)]
        gold += [Passage(passage.title, p, True) for p in holds[:1]]
        others = [p for p in pieces if not contains_answer(f"{passage.title} {p}", question.answers)]
        rest += [Passage(passage.title, p, False) for p in others]
    if not gold:
        return None
    return Question(question.source, question.question, question.answers, (*gold[:1], *rest))


@dataclass(frozen=True)
class Mix:
    """Weights of tasks and sources; shares are probabilities."""

    tasks: dict[str, float] = field(default_factory=lambda: {"qa": 0.86, "turns": 0.06, "plain": 0.08})
    sources: dict[str, float] = field(default_factory=dict)  # source name → weight; default: equal per source
    max_passages: int = 10
    unanswerable: float = 0.1
    questions_per_context: int = 4


class SampleStream:
    """Endless and reproducible: the state is a random generator, so a resumed run goes on alike."""

    def __init__(self, questions: list[Question], mix: Mix, seed: int) -> None:
        self.mix, self.random = mix, random.Random(seed)
        questions = [cut for q in questions if (cut := cut_long_passages(q)) is not None]
        self.index = PassageIndex(questions)
        self.by_source: dict[str, list[Question]] = defaultdict(list)
        self.by_gold: dict[tuple, list[Question]] = defaultdict(list)
        for q in questions:
            self.by_source[q.source].append(q)
            self.by_gold[self._context(q)].append(q)
        self._hard: dict[tuple[str, str], list[tuple[str, str]]] = {}

    @staticmethod
    def _context(q: Question) -> tuple:
        return tuple((p.title, p.text) for p in q.gold)

    def state(self) -> object:
        return self.random.getstate()

    def restore(self, state: object) -> None:
        self.random.setstate(state)  # type: ignore[arg-type]

    def __iter__(self) -> "SampleStream":
        return self

    def __next__(self) -> Sample:
        return self.draw(None)

    def draw(self, n_passages: int | None) -> Sample:
        """A sample; of so many passages (fewer where the index has no more), or of any number."""
        task = self._weighted(self.mix.tasks)
        question = self._question()
        if task == "plain":
            return Sample("plain", [], [[(question.question, question.target)]])
        return self._about_passages(task, question, n_passages or self.random.randint(1, self.mix.max_passages))

    def _weighted(self, weights: dict[str, float]) -> str:
        return self.random.choices(list(weights), list(weights.values()))[0]

    def _question(self) -> Question:
        weights = {s: self.mix.sources.get(s, 1.0) for s in self.by_source}
        return self.random.choice(self.by_source[self._weighted(weights)])

    def _about_passages(self, task: str, question: Question, n_passages: int) -> Sample:
        distractors = self._distractors(question, n_passages - 1)
        if self.random.random() < self.mix.unanswerable and distractors:
            return Sample("unanswerable", distractors, [[(question.question, NOT_FOUND)]])
        gold = list(self._context(question))
        place = self.random.randint(0, len(distractors))
        passages = distractors[:place] + gold + distractors[place:]
        related = self._related(question, passages)
        turns = [(q.question, q.reply) for q in related]
        branches = [turns] if task == "turns" else [[turn] for turn in turns]
        return Sample(task, passages, branches)

    def _related(self, question: Question, passages: list[tuple[str, str]]) -> list[Question]:
        """The question and others whose gold passage is among the passages: those of its own first."""
        own, others = [], []
        for passage in passages:
            for q in self.by_gold[(passage,)] if (passage,) in self.by_gold else []:
                if q is not question:
                    (own if self._context(q) == self._context(question) else others).append(q)
        self.random.shuffle(own)
        self.random.shuffle(others)
        half = (self.mix.questions_per_context - 1) // 2
        chosen = own[: max(half, self.mix.questions_per_context - 1 - len(others))]
        return [question, *chosen, *others][: self.mix.questions_per_context]

    def _distractors(self, question: Question, n: int) -> list[tuple[str, str]]:
        """Passages of the same document first, then the hardest of the index; a random part of somewhat
        more than are needed, so that a question met again has other company."""
        if n == 0:
            return []
        key = (question.source, question.question)
        if key not in self._hard:
            gold = self._context(question)
            same = [p for title, _ in gold for p in self.index.by_title[title]
                    if not contains_answer(f"{p[0]} {p[1]}", question.answers)]
            random.Random(question.question).shuffle(same)
            found = self.index.hardest(question.question, question.answers, 2 * self.mix.max_passages)
            self._hard[key] = [p for p in dict.fromkeys(same[: self.mix.max_passages] + found) if p not in gold]
        pool = self._hard[key][: n + 4]
        return self.random.sample(pool, min(n, len(pool)))
