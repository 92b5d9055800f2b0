// SPDX-License-Identifier: Apache-2.0
#include "retrieval/extract/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "kernels/base/result.h"

namespace kvlink::retrieval {
namespace {

constexpr std::size_t kReadBytes = 1 << 16;

[[noreturn]] void fail_io(const char* what) {
  fail(ErrorCode::kIo, std::string("Cannot start the document reader: ") + what + ": " +
                           std::strerror(errno) + ".");
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_io("write");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

/// A file in memory that nobody can change any more: the child reads exactly what was hashed.
Descriptor sealed_copy(std::string_view bytes) {
  Descriptor fd(::memfd_create("document", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (fd.get() < 0) fail_io("memfd_create");
  write_all(fd.get(), bytes);
  ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) fail_io("lseek");
  return fd;
}

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail_io("pipe");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

/// Above the numbers 0–3 that the child gets, so that one dup2 does not close another's source.
Descriptor moved_up(Descriptor fd) {
  if (fd.get() > 3) return fd;
  Descriptor high(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 16));
  if (high.get() < 0) fail_io("fcntl");
  return high;
}

class FileActions {
 public:
  FileActions(int document, int output, int request) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, document, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, 1);
    posix_spawn_file_actions_addopen(&actions_, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, request, 3);
    posix_spawn_file_actions_addclosefrom_np(&actions_, 4);
  }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

/// No signal is blocked or ignored in the child, whatever this thread does.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

}  // namespace

void Descriptor::reset(int value) {
  if (value_ >= 0) ::close(value_);
  value_ = value;
}

ChildProcess::ChildProcess(const std::filesystem::path& program,
                           const std::vector<std::string>& arguments, std::string_view document,
                           std::string_view request) {
  const Descriptor copy = moved_up(sealed_copy(document));
  // The request is small and in a file of its own: no pipe to fill while the child may be gone.
  const Descriptor asked = moved_up(sealed_copy(request));
  Pipe pipe = make_pipe();
  const Descriptor child_end = moved_up(std::move(pipe.write_end));
  const FileActions actions(copy.get(), child_end.get(), asked.get());
  const SpawnAttributes attributes;
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  char* environment[] = {nullptr};
  const int error = ::posix_spawn(&pid_, program.c_str(), actions.get(), attributes.get(),
                                  argv.data(), environment);
  if (error != 0) {
    pid_ = -1;
    fail(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
         "Cannot start the document reader " + program.string() + ": " + std::strerror(error) +
             ". Install or build KVLink again.");
  }
  output_ = std::move(pipe.read_end);
}

ChildProcess::~ChildProcess() {
  if (pid_ < 0) return;
  kill();
  wait();
}

ChildProcess::Wait ChildProcess::wait_for_output(int milliseconds, std::string& out) {
  pollfd waited{output_.get(), POLLIN, 0};
  if (::poll(&waited, 1, milliseconds) <= 0) return Wait::kNothing;
  const auto old = out.size();
  out.resize(old + kReadBytes);
  const ssize_t n = ::read(output_.get(), out.data() + old, kReadBytes);
  out.resize(old + static_cast<std::size_t>(n > 0 ? n : 0));
  if (n < 0 && errno == EINTR) return Wait::kNothing;
  return n > 0 ? Wait::kBytes : Wait::kClosed;
}

bool ChildProcess::wait_for_end(int milliseconds) {
  // Without one (a kernel before 5.3) poll passes the descriptor over and sleeps.
  const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  pollfd waited{process.get(), POLLIN, 0};
  ::poll(&waited, 1, milliseconds);
  siginfo_t end{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         end.si_pid == pid_;
}

void ChildProcess::kill() { ::kill(pid_, SIGKILL); }

ChildEnd ChildProcess::wait() {
  int status = 0;
  rusage use{};
  while (::wait4(pid_, &status, 0, &use) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  ChildEnd end;
  end.exited = WIFEXITED(status);
  end.status = end.exited ? WEXITSTATUS(status) : WTERMSIG(status);
  end.processor_seconds = seconds(use.ru_utime) + seconds(use.ru_stime);
  end.peak_bytes = std::int64_t{use.ru_maxrss} * 1024;
  return end;
}

}  // namespace kvlink::retrieval
