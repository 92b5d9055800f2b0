// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace kvlink::tests {

/// Whether AddressSanitizer is in this build: its shadow memory counts as memory of the process.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

}  // namespace kvlink::tests
