// SPDX-License-Identifier: Apache-2.0
// What every message between the window and the workers is made of.
#pragma once

#include <QString>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/result.h"
#include "retrieval/library.h"

namespace kvlink::desk {

using retrieval::ChunkId;
using retrieval::ConversationId;
using retrieval::DocumentId;

/// Tells the answers to several requests apart. Whoever asks chooses it; see next_request_id.
using RequestId = std::int64_t;

/// Unique in this process; any thread.
RequestId next_request_id();

/// What went wrong, for the user: what failed, on what, and what to do.
struct Problem {
  ErrorCode code = ErrorCode::kInvalidInput;
  QString message;
};

inline QString text_of(std::string_view utf8) {
  return QString::fromUtf8(utf8.data(), static_cast<qsizetype>(utf8.size()));
}
inline std::string utf8_of(const QString& text) { return text.toStdString(); }
inline Problem problem_of(const Error& error) { return {error.code, text_of(error.message)}; }

}  // namespace kvlink::desk
