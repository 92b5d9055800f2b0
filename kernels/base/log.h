// SPDX-License-Identifier: Apache-2.0
// One logging sink, set once by main. No document text, nothing per token, nothing in kernels.
#pragma once

#include <string_view>

namespace kvlink {

enum class LogLevel { kDebug, kNotice, kWarning, kError };

using LogSink = void (*)(LogLevel level, std::string_view category, std::string_view message);

/// Default sink: warnings and errors to stderr. Set before threads start.
void set_log_sink(LogSink sink);
void log(LogLevel level, std::string_view category, std::string_view message);

}  // namespace kvlink
