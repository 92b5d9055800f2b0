// SPDX-License-Identifier: Apache-2.0
// What a process that reads a stranger's bytes gives up before it reads the first one.
#pragma once

#include <cstdint>

namespace kvlink::extract {

struct SandboxLimits {
  std::int64_t memory_bytes = 0;  ///< address space
  std::int64_t cpu_seconds = 0;   ///< then SIGXCPU
};

/// For the rest of this process's life: no file can be opened, no socket or process made, no
/// program run, nothing written but to open descriptors; memory and processor time are limited; no
/// core dump, no tracing by others; it dies with its parent. Descriptors above 3 are closed.
/// Returns whether the kernel took the filter of system calls; without it the limits still hold.
bool enter_sandbox(const SandboxLimits& limits);

}  // namespace kvlink::extract
