// SPDX-License-Identifier: Apache-2.0
// One child with a document on its standard input. Internal to retrieval/extract.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvlink::retrieval {

/// Closes what it holds.
class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : value_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }
  void reset(int value = -1);

 private:
  int value_;
};

struct ChildEnd {
  bool exited = false;  ///< by itself, with `status`; else by signal `status`
  int status = 0;
  double processor_seconds = 0;
  std::int64_t peak_bytes = 0;
};

/// A running child: descriptor 0 is a sealed copy of the document, 1 the pipe of frames, 2 goes
/// nowhere, 3 the pipe of the request; no other is open in it and its environment is empty. Killed
/// and waited for when destroyed. One thread.
class ChildProcess {
 public:
  /// Throws kNotFound, kIo.
  ChildProcess(const std::filesystem::path& program, const std::vector<std::string>& arguments,
               std::string_view document, std::string_view request);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  enum class Wait : std::uint8_t { kBytes, kClosed, kNothing };
  /// Waits at most `milliseconds` and appends what came to `out`.
  Wait wait_for_output(int milliseconds, std::string& out);
  /// Waits at most `milliseconds` until it ends; whether it has.
  bool wait_for_end(int milliseconds);
  void kill();
  /// Waits until it has ended.
  ChildEnd wait();

 private:
  pid_t pid_ = -1;
  Descriptor output_;
};

}  // namespace kvlink::retrieval
