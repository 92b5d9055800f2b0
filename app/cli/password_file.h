// SPDX-License-Identifier: Apache-2.0
// Passwords from files and pipes, so that none stands on a command line for others to see.
#pragma once

#include <stop_token>
#include <string>

namespace kvlink::app {

/// The first line of a file, or of whatever else can be read under that name: a pipe, as a shell's
/// <(…), a terminal. Waits until the line is there. Throws kInvalidInput when it is empty or longer
/// than 4,096 bytes, kCancelled, kNotFound, kIo.
std::string password_in(const std::string& file, const std::stop_token& stop);

}  // namespace kvlink::app
