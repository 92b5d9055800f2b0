// SPDX-License-Identifier: Apache-2.0
#include "app/cli/interrupt.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include "app/cli/exit_code.h"
#include "kernels/base/result.h"

namespace kvlink::app {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

/// Where a handler, which knows nothing else, may write.
std::atomic<int> signal_counter = -1;

void count_signal(int) {
  const int error = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(signal_counter, &one, sizeof(one));
  errno = error;
}

sigset_t watched_signals() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int signal : kSignals) sigaddset(&watched, signal);
  return watched;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t watched = watched_signals();
  // No thread that is made from here on is interrupted, but for the one that waits.
  pthread_sigmask(SIG_BLOCK, &watched, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  signals_ = ::eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
  event_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  closing_ = ::eventfd(0, EFD_CLOEXEC);
  if (signals_ < 0 || event_ < 0 || closing_ < 0) {
    fail(ErrorCode::kIo, "The system gives out no more file descriptors.");
  }
  signal_counter = signals_;
  struct sigaction action {};
  action.sa_handler = count_signal;
  action.sa_flags = SA_RESTART;
  for (const int signal : kSignals) ::sigaction(signal, &action, nullptr);
  thread_ = std::thread([this] { watch(); });
}

Interrupt::~Interrupt() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(closing_, &one, sizeof(one));
  thread_.join();
  signal_counter = -1;
  for (const int descriptor : {signals_, event_, closing_}) ::close(descriptor);
}

std::stop_token Interrupt::token() const {
  const std::lock_guard lock(mutex_);
  return source_.get_token();
}

void Interrupt::stop() {
  std::stop_source source;
  {
    const std::lock_guard lock(mutex_);
    source = source_;
  }
  source.request_stop();
}

void Interrupt::rearm() {
  const std::lock_guard lock(mutex_);
  if (!source_.stop_requested()) return;
  source_ = std::stop_source();
  std::uint64_t count = 0;
  [[maybe_unused]] const auto drained = ::read(event_, &count, sizeof(count));
}

void Interrupt::watch() {
  const sigset_t watched = watched_signals();
  pthread_sigmask(SIG_UNBLOCK, &watched, nullptr);
  while (true) {
    pollfd wait[2] = {{signals_, POLLIN, 0}, {closing_, POLLIN, 0}};
    if (::poll(wait, 2, -1) < 0) continue;
    if (wait[1].revents != 0) return;
    std::uint64_t count = 0;
    if (::read(signals_, &count, sizeof(count)) != sizeof(count)) continue;
    if (requested()) ::_exit(static_cast<int>(ExitCode::kCancelled));
    stop();
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event_, &one, sizeof(one));
  }
}

}  // namespace kvlink::app
