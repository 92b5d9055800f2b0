// SPDX-License-Identifier: Apache-2.0
// What a process that reads a stranger's bytes gives up before it reads the first one.
#pragma once

#include <cstdint>

namespace kvlink::extract {

struct SandboxLimits {
  std::int64_t memory_bytes = 0;  ///< address space
  std::int64_t cpu_seconds = 0;   ///< then SIGXCPU
  int niceness = 0;               ///< 0 to 19
};

/// For the rest of this process's life: memory, processor time, files, processes and core dumps are
/// limited, it stands back by `niceness`, no other process may trace it, it dies with its parent,
/// descriptors above 3 are closed.
void limit_resources(const SandboxLimits& limits);

/// From now on any system call but those of reading, computing and ending ends the process; opening
/// and looking at files is refused. Returns whether the kernel took the filter.
bool filter_system_calls();

}  // namespace kvlink::extract
