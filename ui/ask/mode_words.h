// SPDX-License-Identifier: Apache-2.0
// What each way of bringing passages to the model is called, in one plain sentence each.
#pragma once

#include <QString>
#include <array>

#include "app/settings.h"

namespace kvlink::ui {

enum class Adapter : std::uint8_t { kNone, kTrained };

/// In the order of the picker.
inline constexpr std::array kModes = {inference::LinkMode::kLink, inference::LinkMode::kReposition,
                                      inference::LinkMode::kRecompute, inference::LinkMode::kFull,
                                      inference::LinkMode::kConcat};

QString mode_title(inference::LinkMode mode);
QString mode_sentence(inference::LinkMode mode);
/// What a user must know about the quality of answers; "" where there is nothing to warn of.
QString mode_warning(inference::LinkMode mode, Adapter adapter);

}  // namespace kvlink::ui
