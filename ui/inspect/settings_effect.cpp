// SPDX-License-Identifier: Apache-2.0
#include "ui/inspect/settings_effect.h"

#include <QCoreApplication>
#include <QStringList>

#include "ui/inspect/quantities.h"

namespace kvlink::ui {
namespace {

struct Effect {
  Q_DECLARE_TR_FUNCTIONS(Effect)
};

}  // namespace

QString effect_sentence(const desk::SettingsEffect& effect) {
  if (!effect.problem.isEmpty()) return effect.problem;
  QStringList parts;
  if (effect.n_stale_blocks > 0) {
    const int n = static_cast<int>(effect.n_stale_blocks);
    const auto tokens = count_text(effect.n_tokens);
    if (effect.seconds > 0 && effect.measured) {
      parts << Effect::tr(
                   "%n block(s), %1 tokens, must be computed again: about %2 at the "
                   "rate measured here.",
                   nullptr, n)
                   .arg(tokens, seconds_text(effect.seconds));
    } else if (effect.seconds > 0) {
      parts << Effect::tr("%n block(s), %1 tokens, must be computed again: estimated %2.", nullptr,
                          n)
                   .arg(tokens, seconds_text(effect.seconds));
    } else {
      parts << Effect::tr(
                   "%n block(s), %1 tokens, must be computed again; how long that "
                   "takes was not measured yet.",
                   nullptr, n)
                   .arg(tokens);
    }
    parts << Effect::tr(
        "The old blocks stay until room is needed, and serve again when you "
        "change back.");
  }
  if (effect.n_passages_to_embed > 0) {
    parts << Effect::tr(
        "%n passage(s) are read by the other embedder in the background; until it has read "
        "all, the one before finds them.",
        nullptr, static_cast<int>(effect.n_passages_to_embed));
  }
  if (effect.needs_reopen) {
    parts << Effect::tr("The model is loaded again; what runs is stopped first.");
  }
  return parts.isEmpty() ? Effect::tr("In force at once; nothing is loaded or computed again.")
                         : parts.join(QLatin1Char(' '));
}

}  // namespace kvlink::ui
