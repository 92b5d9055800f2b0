// SPDX-License-Identifier: Apache-2.0
// A reader of documents that has been taken over: it tries what its document names, behind the same
// sandbox as kvlink-extract, and says what came of it.
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "app/extract/serve.h"

namespace {

using kvlink::retrieval::ReadReport;
using kvlink::retrieval::ReadRequest;

std::string outcome(long result) {
  return result >= 0 ? "allowed" : std::string("refused: ") + std::strerror(errno);
}

std::string take_memory() {
  std::vector<std::string> taken;
  for (int i = 0; i < 4096; ++i) taken.emplace_back(std::size_t{16} << 20, 'x');
  return "allowed";
}

std::string compute_for_ever() {
  volatile unsigned long n = 0;
  for (;;) n = n + 1;
}

std::string wait_for_ever() {
  int word = 0;
  for (;;) syscall(SYS_futex, &word, FUTEX_WAIT, 0, nullptr, nullptr, 0);
}

/// Nobody can tell any more by reading whether it has ended.
std::string hang_up() {
  close(1);
  return wait_for_ever();
}

std::string flood() {
  const std::string bytes(1 << 20, '\0');
  for (;;) {
    if (write(1, bytes.data(), bytes.size()) < 0) _exit(1);
  }
}

std::string send_frames_without_end() {
  kvlink::retrieval::TextBlock block;
  block.text = std::string(1 << 20, 'x');
  for (;;) {
    block.byte_end = block.byte_begin + (1 << 20);
    const std::string frame = kvlink::retrieval::block_frame(block);
    if (write(1, frame.data(), frame.size()) < 0) _exit(1);
    block.byte_begin = block.byte_end;
  }
}

std::string send(const std::string& bytes) {
  if (write(1, bytes.data(), bytes.size()) < 0) _exit(1);
  _exit(0);
}

std::string count_descriptors() {
  int n = 0;
  for (int fd = 0; fd < 1024; ++fd) n += lseek(fd, 0, SEEK_CUR) >= 0 || errno == ESPIPE;
  return std::to_string(n);
}

std::string run_program() {
  const char* arguments[] = {"/bin/true", nullptr};
  return outcome(execve("/bin/true", const_cast<char* const*>(arguments), nullptr));
}

std::string act(const std::string& what, const ReadRequest& request) {
  const std::map<std::string, std::function<std::string()>> acts = {
      {"open", [] { return outcome(open("/etc/passwd", O_RDONLY)); }},
      {"create", [] { return outcome(open("/tmp/kvlink_hostile", O_CREAT | O_WRONLY, 0600)); }},
      {"socket", [] { return outcome(socket(AF_INET, SOCK_STREAM, 0)); }},
      {"unix socket", [] { return outcome(socket(AF_UNIX, SOCK_STREAM, 0)); }},
      {"execute", run_program},
      {"fork", [] { return outcome(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }},
      {"trace", [] { return outcome(ptrace(PTRACE_TRACEME, 0, 0, 0)); }},
      {"kill", [] { return outcome(kill(getppid(), SIGTERM)); }},
      {"code",
       [] {
         return outcome(mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                             0) == MAP_FAILED
                            ? -1
                            : 0);
       }},
      {"memory", take_memory},
      {"compute", compute_for_ever},
      {"wait", wait_for_ever},
      {"hang up", hang_up},
      {"flood", flood},
      {"endless", send_frames_without_end},
      {"garbage", [] { return send(std::string(4096, '\x7F')); }},
      {"half",
       [] {
         const std::string frame = kvlink::retrieval::end_frame();
         return send(frame.substr(0, frame.size() - 1));
       }},
      {"descriptors", count_descriptors},
      {"environment", [] { return std::string(environ[0] == nullptr ? "empty" : environ[0]); }},
      {"password", [&] { return request.password; }},
      {"crash",
       []() -> std::string {
         raise(SIGSEGV);
         _exit(1);
       }},
      {"throw", []() -> std::string { throw std::bad_alloc(); }}};
  const auto found = acts.find(what);
  return found == acts.end() ? what : found->second();
}

ReadReport obey(const std::string& bytes, const ReadRequest& request) {
  ReadReport report;
  report.document.title = "hostile";
  report.document.media_type = "text/plain";
  kvlink::retrieval::TextBlock block;
  block.text = act(bytes, request);
  block.byte_end = static_cast<std::int64_t>(block.text.size());
  report.document.blocks.push_back(block);
  return report;
}

}  // namespace

int main(int argc, char** argv) {
  return kvlink::extract::serve(
      argc, argv, [] {}, obey);
}
