// SPDX-License-Identifier: Apache-2.0
#include "tests/app/program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "tests/app/tiny_library.h"

namespace kvlink::app::tests {

Program::Program(const std::filesystem::path& scratch, const std::vector<std::string>& arguments,
                 const std::string& input)
    : scratch_(scratch) {
  write_file(scratch_ / "in", input);
  const std::string in = (scratch_ / "in").string();
  const std::string out = (scratch_ / "out").string();
  const std::string err = (scratch_ / "err").string();
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ > 0) return;
  const int files[3] = {::open(in.c_str(), O_RDONLY),
                        ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600),
                        ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600)};
  for (int i = 0; i < 3; ++i) {
    if (files[i] < 0 || ::dup2(files[i], i) < 0) ::_exit(126);
  }
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

Program::~Program() {
  if (ended_) return;
  send(SIGKILL);
  wait();
}

void Program::send(int signal) const { ::kill(pid_, signal); }

bool Program::running() {
  if (!ended_ && ::waitpid(pid_, &status_, WNOHANG) == pid_) ended_ = true;
  return !ended_;
}

ProgramResult Program::wait() {
  if (!ended_) ::waitpid(pid_, &status_, 0);
  ended_ = true;
  const int code = WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  return {code, WIFSIGNALED(status_), out_so_far(), read_text(scratch_ / "err")};
}

std::string Program::out_so_far() const { return read_text(scratch_ / "out"); }

}  // namespace kvlink::app::tests
