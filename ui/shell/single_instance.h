// SPDX-License-Identifier: Apache-2.0
// One window per data folder: a second start hands its files to the first and ends.
#pragma once

#include <QObject>
#include <QString>
#include <memory>
#include <vector>

class QSocketNotifier;

namespace kvlink::ui {

/// A local (AF_UNIX) stream socket in the user's runtime folder, named after the data folder. The
/// lock in the data folder stays the judge of who may open it; this is a courtesy. GUI thread.
class SingleInstance : public QObject {
  Q_OBJECT

 public:
  /// `runtime_folder`: private to the user; "" (none) makes every start the first.
  SingleInstance(const QString& runtime_folder, const QString& data_folder,
                 QObject* parent = nullptr);
  ~SingleInstance() override;

  /// Hands paths to the window that has this data folder, and waits until it has them. False:
  /// there is none, or it is just being closed.
  bool hand_over(const std::vector<QString>& paths) const;
  /// Listens from now on. False, with nothing changed, when that cannot be done.
  bool listen();
  /// Nothing is taken from now on: whoever calls opens the folder itself.
  void close();
  const QString& socket_path() const { return path_; }

 signals:
  /// Another start: raise the window. Absolute paths; may be empty.
  void handed_over(const std::vector<QString>& paths);

 private:
  class Caller;

  void accept_one();

  QString path_;
  int listener_ = -1;
  std::unique_ptr<QSocketNotifier> notifier_;
};

}  // namespace kvlink::ui
