// SPDX-License-Identifier: Apache-2.0
// Runs a real program and takes what it prints.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace kvlink::app::tests {

struct ProgramResult {
  int exit_code = -1;   ///< 128 + signal when it was killed
  bool killed = false;  ///< by a signal
  std::string out;
  std::string err;
};

/// A child process with its output in files of `scratch`. Killed and awaited by the destructor.
class Program {
 public:
  /// arguments[0] is the program's path; `input` becomes its standard input.
  Program(const std::filesystem::path& scratch, const std::vector<std::string>& arguments,
          const std::string& input = "");
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void send(int signal) const;
  bool running();
  ProgramResult wait();
  pid_t pid() const { return pid_; }
  std::string out_so_far() const;

 private:
  std::filesystem::path scratch_;
  pid_t pid_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

}  // namespace kvlink::app::tests
