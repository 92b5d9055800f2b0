// SPDX-License-Identifier: Apache-2.0
// What other settings would cost, in words.
#pragma once

#include <QString>

#include "app/desk/settings_messages.h"

namespace kvlink::ui {

/// What putting settings in force costs, in sentences: blocks, tokens and time, with the word
/// "estimated" where the time is not from a measured rate.
QString effect_sentence(const desk::SettingsEffect& effect);

}  // namespace kvlink::ui
