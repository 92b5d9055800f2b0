// SPDX-License-Identifier: Apache-2.0
// A whole list of documents on its way into the model, a slice at a time.
#pragma once

#include <QHash>
#include <QString>
#include <memory>
#include <vector>

#include "app/desk/library_messages.h"

namespace kvlink::ui {

/// Copies and indexes a shared list without keeping the window waiting: each step is short, however
/// long the list.
class LibraryIntake {
 public:
  explicit LibraryIntake(std::shared_ptr<const std::vector<desk::DocumentRow>> given);

  /// Takes the next slice. True: nothing is left, and the parts below may be moved from.
  bool step();

  std::vector<desk::DocumentRow> rows;  ///< in the order of desk::comes_before
  QHash<QString, int> by_path;

 private:
  std::shared_ptr<const std::vector<desk::DocumentRow>> given_;
};

}  // namespace kvlink::ui
