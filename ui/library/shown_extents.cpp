// SPDX-License-Identifier: Apache-2.0
#include "ui/library/shown_extents.h"

#include <QScrollBar>
#include <QTreeView>
#include <vector>

#include "app/desk/library_worker.h"
#include "ui/library/library_model.h"

namespace kvlink::ui {
namespace {

constexpr int kRestMs = 200;

}  // namespace

ShownExtents::ShownExtents(QTreeView& view, LibraryModel& model, desk::LibraryWorker& library)
    : QObject(&view), view_(view), model_(model), library_(library) {
  rest_.setSingleShot(true);
  rest_.setInterval(kRestMs);
  connect(&rest_, &QTimer::timeout, this, &ShownExtents::look);
  connect(view.verticalScrollBar(), &QScrollBar::valueChanged, this, &ShownExtents::look_soon);
  connect(view.verticalScrollBar(), &QScrollBar::rangeChanged, this, &ShownExtents::look_soon);
  connect(&model, &QAbstractItemModel::modelReset, this, &ShownExtents::look_soon);
  connect(&model, &QAbstractItemModel::dataChanged, this, &ShownExtents::look_soon);
  connect(&library, &desk::LibraryWorker::extents_known, &model, &LibraryModel::set_extents);
}

void ShownExtents::look_soon() {
  if (!rest_.isActive()) rest_.start();
}

void ShownExtents::look() {
  std::vector<desk::DocumentId> unknown;
  const QRect shown = view_.viewport()->rect();
  for (QModelIndex index = view_.indexAt(shown.topLeft());
       index.isValid() && view_.visualRect(index).top() <= shown.bottom();
       index = view_.indexBelow(index)) {
    const auto* row = model_.row_of(index);
    if (row == nullptr || row->id == 0 || row->n_chunks == 0) continue;
    if (model_.extent_of(row->id) == nullptr) unknown.push_back(row->id);
  }
  if (!unknown.empty()) library_.measure_documents(unknown);
}

}  // namespace kvlink::ui
