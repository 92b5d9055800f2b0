// SPDX-License-Identifier: Apache-2.0
#include "app/instance_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

namespace kvlink::app {
namespace {

std::string read_owner(int descriptor) {
  char text[32] = {};
  const ssize_t n = ::pread(descriptor, text, sizeof(text) - 1, 0);
  std::string pid;
  for (ssize_t i = 0; i < n && text[i] >= '0' && text[i] <= '9'; ++i) pid.push_back(text[i]);
  return pid;
}

constexpr std::size_t kRecordBytes = 16;  // always all of them

/// 0, or the system's number for what went wrong. "": nobody owns it.
int write_owner(int descriptor, std::string owner) {
  owner.resize(kRecordBytes, '\n');
  const ssize_t n = ::pwrite(descriptor, owner.data(), owner.size(), 0);
  if (n < 0) return errno;
  return n == static_cast<ssize_t>(owner.size()) ? 0 : ENOSPC;
}

/// Whether the process of that number is gone; an empty number is nobody's.
bool is_gone(const std::string& owner) {
  if (owner.empty() || owner.size() > 9) return false;
  return ::kill(static_cast<pid_t>(std::stol(owner)), 0) != 0 && errno == ESRCH;
}

// A child that was being started when its parent was killed holds the lock until it has closed what
// it inherited.
constexpr int kPatience = 100;
constexpr std::chrono::milliseconds kPause(10);

}  // namespace

Result<InstanceLock> InstanceLock::acquire(const std::filesystem::path& file) {
  return returning([&]() -> InstanceLock {
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
      fail(ErrorCode::kIo, "Cannot open " + file.string() + ": " + std::strerror(errno) +
                               ". Check that you may write to this folder.");
    }
    InstanceLock lock(fd, false);
    for (int n_waits = 0; ::flock(fd, LOCK_EX | LOCK_NB) != 0;) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) {
        fail(ErrorCode::kIo, "Cannot lock " + file.string() + ": " + std::strerror(errno) + ".");
      }
      const std::string owner = read_owner(fd);
      if (is_gone(owner) && ++n_waits <= kPatience) {
        std::this_thread::sleep_for(kPause);
        continue;
      }
      ::close(std::exchange(lock.descriptor_, -1));  // not ours: must not be emptied
      fail(ErrorCode::kBusy,
           "Another KVLink" + (owner.empty() ? std::string() : " (process " + owner + ")") +
               " uses this folder (" + file.parent_path().string() +
               "). Close it, wait until it has finished, or name another folder with --data-dir.");
    }
    lock.previous_owner_died_ = !read_owner(fd).empty();
    const int error = write_owner(fd, std::to_string(::getpid()));
    if (error != 0 && error != ENOSPC && error != EDQUOT) {
      fail(ErrorCode::kIo, "Cannot write " + file.string() + ": " + std::strerror(error) + ".");
    }
    lock.is_named_ = error == 0;
    return lock;
  });
}

void InstanceLock::name_owner() {
  if (!is_named_) is_named_ = write_owner(descriptor_, std::to_string(::getpid())) == 0;
}

void InstanceLock::unsettle() {
  leaves_work_ = true;
  name_owner();
}

InstanceLock::InstanceLock(InstanceLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      previous_owner_died_(other.previous_owner_died_),
      is_named_(other.is_named_),
      is_settled_(other.is_settled_),
      leaves_work_(other.leaves_work_) {}

InstanceLock& InstanceLock::operator=(InstanceLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(previous_owner_died_, other.previous_owner_died_);
  std::swap(is_named_, other.is_named_);
  std::swap(is_settled_, other.is_settled_);
  std::swap(leaves_work_, other.leaves_work_);
  return *this;
}

InstanceLock::~InstanceLock() {
  if (descriptor_ < 0) return;
  // A failure here only means that the next start checks more than it needs to.
  const bool is_clean = !leaves_work_ && (is_settled_ || !previous_owner_died_);
  if (is_named_ && is_clean) static_cast<void>(write_owner(descriptor_, ""));
  ::close(descriptor_);
}

}  // namespace kvlink::app
