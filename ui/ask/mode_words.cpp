// SPDX-License-Identifier: Apache-2.0
#include "ui/ask/mode_words.h"

#include <QCoreApplication>

namespace kvlink::ui {
namespace {

using inference::LinkMode;

class ModeWords {
  Q_DECLARE_TR_FUNCTIONS(kvlink::ui::ModeWords)
};

}  // namespace

QString mode_title(LinkMode mode) {
  switch (mode) {
    case LinkMode::kLink:
      return ModeWords::tr("Link");
    case LinkMode::kReposition:
      return ModeWords::tr("Reposition");
    case LinkMode::kRecompute:
      return ModeWords::tr("Recompute");
    case LinkMode::kFull:
      return ModeWords::tr("Full");
    case LinkMode::kConcat:
      return ModeWords::tr("Concat");
  }
  return {};
}

QString mode_sentence(LinkMode mode) {
  switch (mode) {
    case LinkMode::kLink:
      return ModeWords::tr("Loads the caches of the passages and joins them with trained links.");
    case LinkMode::kReposition:
      return ModeWords::tr("Loads the caches of the passages and moves each to its place.");
    case LinkMode::kRecompute:
      return ModeWords::tr("Loads the caches and reads a part of every passage again.");
    case LinkMode::kFull:
      return ModeWords::tr(
          "Reads every passage anew, without a cache: the slowest, the reference.");
    case LinkMode::kConcat:
      return ModeWords::tr("Loads the caches as they are: shows why places matter.");
  }
  return {};
}

QString mode_warning(LinkMode mode, Adapter adapter) {
  if (mode == LinkMode::kConcat) {
    return ModeWords::tr("For comparison only: answers are often wrong.");
  }
  if (mode == LinkMode::kLink && adapter == Adapter::kNone) {
    return ModeWords::tr("This model has no trained links; choose another mode.");
  }
  if (mode == LinkMode::kReposition && adapter == Adapter::kNone) {
    return ModeWords::tr(
        "Lower quality: this model has no trained links, so answers that need several passages "
        "may be wrong.");
  }
  return {};
}

}  // namespace kvlink::ui
