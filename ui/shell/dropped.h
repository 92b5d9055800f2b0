// SPDX-License-Identifier: Apache-2.0
// What a drop or the clipboard holds, without looking at the disk.
#pragma once

#include <QString>
#include <vector>

class QMimeData;

namespace kvlink::ui {

struct Dropped {
  std::vector<QString> paths;  ///< of local files and folders
  QString text;                ///< when there are no paths
  int n_foreign = 0;           ///< URLs that are not local: nothing is ever fetched

  bool is_empty() const { return paths.empty() && text.isEmpty(); }
};

Dropped dropped_from(const QMimeData& data);

/// "Add 14 files (3 unsupported)", by the names alone.
QString drop_words(const Dropped& dropped);

/// Whether the path names a model file rather than a document.
bool looks_like_model(const QString& path);

}  // namespace kvlink::ui
