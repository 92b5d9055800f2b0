// SPDX-License-Identifier: Apache-2.0
// A system on which no file can be written, SQLite's included.
#pragma once

#include <signal.h>
#include <sys/resource.h>

namespace kvlink::tests {

/// While it lives, every write to a file of this process fails beyond the file's first byte.
class UnwritableFiles {
 public:
  UnwritableFiles() {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    on_excess_ = ::signal(SIGXFSZ, SIG_IGN);
    const rlimit none{1, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  ~UnwritableFiles() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, on_excess_);
  }
  UnwritableFiles(const UnwritableFiles&) = delete;
  UnwritableFiles& operator=(const UnwritableFiles&) = delete;

 private:
  rlimit before_{};
  void (*on_excess_)(int) = SIG_DFL;
};

}  // namespace kvlink::tests
