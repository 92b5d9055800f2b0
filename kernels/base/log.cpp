// SPDX-License-Identifier: Apache-2.0
#include "kernels/base/log.h"

#include <atomic>
#include <cstdio>

namespace kvlink {

namespace {

void log_to_stderr(LogLevel level, std::string_view category, std::string_view message) {
  if (level < LogLevel::kWarning) return;
  std::fprintf(stderr, "kvlink %.*s: %.*s\n", static_cast<int>(category.size()), category.data(),
               static_cast<int>(message.size()), message.data());
}

std::atomic<LogSink> current_sink{&log_to_stderr};

}  // namespace

void set_log_sink(LogSink sink) { current_sink.store(sink); }

void log(LogLevel level, std::string_view category, std::string_view message) {
  current_sink.load()(level, category, message);
}

}  // namespace kvlink
