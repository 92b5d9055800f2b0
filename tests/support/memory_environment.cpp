// SPDX-License-Identifier: Apache-2.0
// Linked into a test program, puts its temporary folders into memory where the system has such a
// file system: store tests sync thousands of times, and what they check does not depend on a disk.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

namespace {

class MemoryEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    if (::access("/dev/shm", W_OK | X_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 1);
  }
};

const auto* const kMemoryEnvironment = ::testing::AddGlobalTestEnvironment(new MemoryEnvironment);

}  // namespace
