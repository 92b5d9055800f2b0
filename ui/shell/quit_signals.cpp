// SPDX-License-Identifier: Apache-2.0
#include "ui/shell/quit_signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <QSocketNotifier>
#include <array>
#include <atomic>

namespace kvlink::ui {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

// A signal handler reaches nothing else.
std::atomic<int> write_end = -1;

void on_signal(int number) {
  const char byte = 1;
  if (::write(write_end, &byte, 1) != 1) ::_exit(128 + number);
  ::signal(number, SIG_DFL);
}

}  // namespace

QuitSignals::QuitSignals(QObject* parent) : QObject(parent) {
  if (::pipe2(pipe_, O_CLOEXEC | O_NONBLOCK) != 0) return;
  write_end = pipe_[1];
  notifier_ = std::make_unique<QSocketNotifier>(pipe_[0], QSocketNotifier::Read);
  connect(notifier_.get(), &QSocketNotifier::activated, this, [this] {
    char bytes[16];
    static_cast<void>(::read(pipe_[0], bytes, sizeof(bytes)) > 0);
    emit quit_requested();
  });
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int number : kSignals) ::sigaction(number, &action, nullptr);
}

QuitSignals::~QuitSignals() {
  if (pipe_[0] < 0) return;
  for (const int number : kSignals) ::signal(number, SIG_DFL);
  write_end = -1;
  notifier_.reset();
  ::close(pipe_[0]);
  ::close(pipe_[1]);
}

}  // namespace kvlink::ui
