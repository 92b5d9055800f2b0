// SPDX-License-Identifier: Apache-2.0
#include "app/extract/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

namespace kvlink::extract {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "kvlink-extract needs the audit constant of this processor"
#endif

// Under AddressSanitizer the address space is full of shadow memory.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

/// Needed by reading, computing, allocating and ending.
constexpr int kAllowed[] = {__NR_read,
                            __NR_pread64,
                            __NR_lseek,
                            __NR_write,
                            __NR_close,
                            __NR_fstat,
                            __NR_brk,
                            __NR_munmap,
                            __NR_mremap,
                            __NR_madvise,
                            __NR_futex,
                            __NR_exit,
                            __NR_exit_group,
                            __NR_rt_sigreturn,
                            __NR_rt_sigprocmask,
                            __NR_rt_sigaction,
                            __NR_clock_gettime,
                            __NR_gettimeofday,
                            __NR_getrandom,
                            __NR_sched_yield,
                            __NR_getpid,
                            __NR_gettid,
                            __NR_tgkill,
                            __NR_sched_getaffinity,
                            __NR_restart_syscall};

/// Asked for by libraries that look around: they are told no, and go on.
constexpr int kRefused[] = {
    __NR_openat, __NR_newfstatat, __NR_statx,   __NR_faccessat,  __NR_readlinkat, __NR_getcwd,
    __NR_ioctl,  __NR_fcntl,      __NR_uname,   __NR_getdents64, __NR_sysinfo,    __NR_prlimit64,
    __NR_rseq,   __NR_getuid,     __NR_geteuid, __NR_getgid,     __NR_getegid,
#if defined(__x86_64__)
    __NR_open,   __NR_stat,       __NR_lstat,   __NR_access,     __NR_readlink,
#endif
};

constexpr auto kSystemCall = static_cast<std::uint32_t>(offsetof(struct seccomp_data, nr));
constexpr auto kArch = static_cast<std::uint32_t>(offsetof(struct seccomp_data, arch));
/// Low half of an argument; both supported processors are little-endian.
constexpr std::uint32_t argument(int index) {
  return static_cast<std::uint32_t>(offsetof(struct seccomp_data, args)) +
         8 * static_cast<std::uint32_t>(index);
}

class Filter {
 public:
  void load(std::uint32_t offset) { add(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)); }
  void answer(std::uint32_t action) { add(BPF_STMT(BPF_RET | BPF_K, action)); }
  void answer_if(int call, std::uint32_t action) {
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1));
    answer(action);
  }
  void kill_unless(std::uint32_t value) {
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0));
    answer(SECCOMP_RET_KILL_PROCESS);
  }
  /// Memory that is never executable.
  void allow_without_exec(int call) {
    add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 4));
    load(argument(2));
    add(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1));
    answer(SECCOMP_RET_KILL_PROCESS);
    answer(SECCOMP_RET_ALLOW);
  }
  sock_fprog program() { return {static_cast<unsigned short>(code_.size()), code_.data()}; }

 private:
  void add(sock_filter statement) { code_.push_back(statement); }
  std::vector<sock_filter> code_;
};

void limit(__rlimit_resource resource, std::int64_t value) {
  const rlimit both{static_cast<rlim_t>(value), static_cast<rlim_t>(value)};
  setrlimit(resource, &both);
}

/// The kernel sends SIGXCPU at the soft limit, which says why; SIGKILL at the hard one.
void limit_processor_time(std::int64_t seconds) {
  const rlimit both{static_cast<rlim_t>(seconds), static_cast<rlim_t>(seconds + 1)};
  setrlimit(RLIMIT_CPU, &both);
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__)
/// A crash stays the signal that the parent reports; the search for leaks wants a thread and ptrace,
/// which the sandbox refuses.
extern "C" const char* __asan_default_options() {
  return "handle_segv=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0:handle_sigbus=0:"
         "detect_leaks=0";
}
#endif

void limit_resources(const SandboxLimits& limits) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  syscall(__NR_close_range, 4U, ~0U, 0U);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_NPROC, 0);
  limit(RLIMIT_NOFILE, 4);
  limit_processor_time(limits.cpu_seconds);
  setpriority(PRIO_PROCESS, 0, limits.niceness);
  if (!kSanitized) limit(RLIMIT_AS, limits.memory_bytes);
}

bool filter_system_calls() {
  Filter filter;
  filter.load(kArch);
  filter.kill_unless(kArchitecture);  // another one's numbers would mean other calls
  filter.load(kSystemCall);
  for (const int call : kAllowed) filter.answer_if(call, SECCOMP_RET_ALLOW);
  // AddressSanitizer asks for it whenever an exception is thrown.
  if (kSanitized) filter.answer_if(__NR_sigaltstack, SECCOMP_RET_ALLOW);
  for (const int call : kRefused) filter.answer_if(call, SECCOMP_RET_ERRNO | EACCES);
  filter.allow_without_exec(__NR_mmap);
  filter.load(kSystemCall);
  filter.allow_without_exec(__NR_mprotect);
  filter.answer(SECCOMP_RET_KILL_PROCESS);
  const sock_fprog program = filter.program();
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace kvlink::extract
