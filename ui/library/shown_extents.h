// SPDX-License-Identifier: Apache-2.0
// Asks how many pages or lines the documents on screen have.
#pragma once

#include <QObject>
#include <QTimer>

class QTreeView;

namespace kvlink::desk {
class LibraryWorker;
}

namespace kvlink::ui {

class LibraryModel;

/// A library is long and a window is not: only what is seen is asked about, a moment after the list
/// came to rest. A child of the view. GUI thread.
class ShownExtents : public QObject {
  Q_OBJECT

 public:
  ShownExtents(QTreeView& view, LibraryModel& model, desk::LibraryWorker& library);

 private:
  void look_soon();
  void look();

  QTreeView& view_;
  LibraryModel& model_;
  desk::LibraryWorker& library_;
  QTimer rest_;
};

}  // namespace kvlink::ui
