// SPDX-License-Identifier: Apache-2.0
// Runs of the ingestion that were begun and not ended: the next start goes on with them.
#pragma once

#include <QByteArray>
#include <map>
#include <variant>
#include <vector>

#include "app/desk/library_messages.h"

namespace kvlink::ui {

/// Plain value, kept as JSON in the window's own file.
class UnfinishedRuns {
 public:
  /// Documents whose blocks are computed; empty: of all.
  using Encoding = std::vector<desk::DocumentId>;
  using Run = std::variant<desk::AddRequest, Encoding>;

  void begin(desk::RequestId id, const Run& run) { runs_[id] = run; }
  void end(desk::RequestId id) { runs_.erase(id); }

  QByteArray to_json() const;
  /// What to_json() of another process wrote; anything else gives nothing.
  static std::vector<Run> from_json(const QByteArray& json);

 private:
  std::map<desk::RequestId, Run> runs_;
};

}  // namespace kvlink::ui
