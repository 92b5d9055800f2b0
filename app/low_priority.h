// SPDX-License-Identifier: Apache-2.0
// Work in the background of questions, on threads of its own.
#pragma once

namespace kvlink::app {

/// The calling thread gets the processor after others (nice 10), and so do the threads and programs
/// that it starts. Cannot be undone.
void lower_own_priority();

}  // namespace kvlink::app
