// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/last_answer.h"

#include <QCoreApplication>

namespace kvlink::ui {
namespace {

struct LastUse {
  Q_DECLARE_TR_FUNCTIONS(LastUse)
};

BlockUse use_of(desk::BlockEvent::Outcome outcome) {
  switch (outcome) {
    case desk::BlockEvent::Outcome::kFromMemory:
      return BlockUse::kFromMemory;
    case desk::BlockEvent::Outcome::kFromDisk:
      return BlockUse::kFromDisk;
    case desk::BlockEvent::Outcome::kMissed:
      return BlockUse::kMissed;
    case desk::BlockEvent::Outcome::kEncoded:
      return BlockUse::kRecomputed;
  }
  return BlockUse::kNotUsed;
}

}  // namespace

QString use_text(BlockUse use) {
  switch (use) {
    case BlockUse::kNotUsed:
      return {};
    case BlockUse::kFromMemory:
      return LastUse::tr("used, from memory");
    case BlockUse::kFromDisk:
      return LastUse::tr("used, from disk");
    case BlockUse::kMissed:
      return LastUse::tr("missed");
    case BlockUse::kRecomputed:
      return LastUse::tr("computed again");
  }
  return {};
}

void LastAnswer::add(const std::vector<desk::BlockEvent>& events) {
  for (const auto& event : events) {
    if (event.document != 0) passages_[{event.document, event.ordinal}] = event.content;
    auto& entry = entries_[event.content];
    entry.use = use_of(event.outcome);
    if (!event.reason.isEmpty()) entry.reason = event.reason;
  }
}

const LastAnswer::Entry& LastAnswer::of(const Digest& content) const {
  static const Entry kNone;
  const auto found = entries_.find(content);
  return found == entries_.end() ? kNone : found->second;
}

const LastAnswer::Entry& LastAnswer::of_passage(desk::DocumentId document,
                                                std::int64_t ordinal) const {
  const auto found = passages_.find({document, ordinal});
  return of(found == passages_.end() ? Digest() : found->second);
}

}  // namespace kvlink::ui
