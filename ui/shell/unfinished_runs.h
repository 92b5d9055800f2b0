// SPDX-License-Identifier: Apache-2.0
// Runs of the ingestion that were begun and not ended: the next start goes on with them.
#pragma once

#include <QByteArray>
#include <map>
#include <vector>

#include "app/desk/library_messages.h"

namespace kvlink::ui {

/// Plain value, kept as JSON in the window's own file.
class UnfinishedRuns {
 public:
  void begin(desk::RequestId id, const desk::AddRequest& request) { runs_[id] = request; }
  void end(desk::RequestId id) { runs_.erase(id); }

  QByteArray to_json() const;
  /// What to_json() of another process wrote; anything else gives nothing.
  static std::vector<desk::AddRequest> from_json(const QByteArray& json);

 private:
  std::map<desk::RequestId, desk::AddRequest> runs_;
};

}  // namespace kvlink::ui
