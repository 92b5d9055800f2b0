// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/dropped.h"

#include <QCoreApplication>
#include <QMimeData>
#include <QUrl>
#include <algorithm>

#include "app/desk/library_messages.h"

namespace kvlink::ui {
namespace {

struct DropWords {
  Q_DECLARE_TR_FUNCTIONS(DropWords)
};

}  // namespace

Dropped dropped_from(const QMimeData& data) {
  Dropped dropped;
  for (const auto& url : data.urls()) {
    if (url.isLocalFile()) {
      dropped.paths.push_back(url.toLocalFile());
    } else {
      ++dropped.n_foreign;
    }
  }
  if (dropped.paths.empty() && dropped.n_foreign == 0 && data.hasText()) {
    dropped.text = data.text();
  }
  return dropped;
}

bool looks_like_model(const QString& path) {
  return path.endsWith(QLatin1String(".gguf"), Qt::CaseInsensitive) ||
         path.endsWith(QLatin1String(".safetensors"), Qt::CaseInsensitive);
}

QString drop_words(const Dropped& dropped) {
  if (dropped.paths.empty()) {
    return dropped.text.isEmpty() ? DropWords::tr("Only files of this computer can be added")
                                  : DropWords::tr("Add this text");
  }
  if (std::all_of(dropped.paths.begin(), dropped.paths.end(), looks_like_model)) {
    return dropped.paths.size() == 1 ? DropWords::tr("Use this model")
                                     : DropWords::tr("Look at these models");
  }
  const auto n = static_cast<int>(dropped.paths.size());
  const auto n_unsupported =
      static_cast<int>(std::count_if(dropped.paths.begin(), dropped.paths.end(),
                                     [](const QString& p) { return !desk::is_supported_name(p); }));
  const QString words = DropWords::tr("Add %n item(s)", nullptr, n);
  return n_unsupported == 0 ? words
                            : words + DropWords::tr(" (%n unsupported)", nullptr, n_unsupported);
}

}  // namespace kvlink::ui
