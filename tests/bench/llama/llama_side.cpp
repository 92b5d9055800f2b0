// SPDX-License-Identifier: Apache-2.0
// llama.cpp's side of tests/bench/against_llama.sh: the same tasks as our_side.cpp through its C
// interface. Prints "task milliseconds" lines. Built by the script, never by the project.
#include <fcntl.h>
#include <llama.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

namespace {

constexpr int kNewTokens = 40;
constexpr int kDecoded = 16;

/// CLOCK=cpu: the processor time of the process. With one thread that is the time of a machine with
/// nothing else to do.
double now() {
  static const bool by_processor = std::getenv("CLOCK") != nullptr;
  timespec time{};
  clock_gettime(by_processor ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

double milliseconds(const std::function<void()>& work) {
  const double begin = now();
  work();
  return now() - begin;
}

void check(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "llama.cpp: %s failed\n", what);
  std::exit(1);
}

class Side {
 public:
  Side(const char* path, int n_threads, bool flash_attention, int n_context) {
    llama_model_params model_params = llama_model_default_params();
    model_params.n_gpu_layers = 0;
    model_ = llama_model_load_from_file(path, model_params);
    check(model_ != nullptr, "loading the model");
    llama_context_params params = llama_context_default_params();
    params.n_ctx = static_cast<std::uint32_t>(n_context);
    params.n_batch = 512;
    params.n_ubatch = 512;
    params.n_threads = params.n_threads_batch = n_threads;
    params.flash_attn_type =
        flash_attention ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    context_ = llama_init_from_model(model_, params);
    check(context_ != nullptr, "making a context");
  }

  int n_vocab() const { return llama_vocab_n_tokens(llama_model_get_vocab(model_)); }

  void clear() { llama_memory_clear(llama_get_memory(context_), true); }
  void truncate(int n) { llama_memory_seq_rm(llama_get_memory(context_), 0, n, -1); }

  /// Ids that both sides use; meaning does not matter for time.
  std::vector<llama_token> tokens(int n) const {
    std::vector<llama_token> ids(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) ids[static_cast<std::size_t>(i)] = (i * 7919 + 13) % 30000 + 100;
    return ids;
  }

  void read(std::vector<llama_token> ids) {
    for (std::size_t from = 0; from < ids.size(); from += 512) {
      const auto n = static_cast<std::int32_t>(std::min<std::size_t>(512, ids.size() - from));
      check(llama_decode(context_, llama_batch_get_one(ids.data() + from, n)) == 0, "decoding");
    }
  }

  double prefill(int n) {
    clear();
    return milliseconds([&] { read(tokens(n)); });
  }

  /// Per token, behind `depth` tokens that are there already.
  double decode(int depth) {
    truncate(depth);
    return milliseconds([&] {
             for (int i = 0; i < kDecoded; ++i) read({100 + i});
           }) /
           kDecoded;
  }

  void save(const char* path, int depth) {
    truncate(depth);
    const auto ids = tokens(depth);
    check(llama_state_seq_save_file(context_, path, 0, ids.data(), ids.size()) > 0, "saving");
  }

  /// A saved prefix back into memory, and the new tokens behind it.
  double reuse(const char* path) {
    clear();
    return milliseconds([&] {
      std::vector<llama_token> ids(1 << 17);
      std::size_t n = 0;
      check(llama_state_seq_load_file(context_, path, 0, ids.data(), ids.size(), &n) > 0,
            "restoring");
      read(tokens(kNewTokens));
    });
  }

  /// A saved state out of the page cache.
  static void drop_pages(const char* path) {
    const int file = open(path, O_RDONLY);
    check(file >= 0 && fsync(file) == 0 && posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0,
          "dropping the page cache");
    close(file);
  }

  /// Logits of every position of windows of 512 ids.
  void write_logits(const char* ids_path, const char* out_path) {
    std::ifstream file(ids_path, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
    std::vector<llama_token> ids(bytes.size() / sizeof(llama_token));
    std::memcpy(ids.data(), bytes.data(), ids.size() * sizeof(llama_token));
    std::ofstream out(out_path, std::ios::binary);
    for (std::size_t from = 0; from + 512 <= ids.size(); from += 512) {
      clear();
      llama_batch batch = llama_batch_init(512, 0, 1);
      for (int i = 0; i < 512; ++i) {
        batch.token[i] = ids[from + static_cast<std::size_t>(i)];
        batch.pos[i] = i;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = 1;
      }
      batch.n_tokens = 512;
      check(llama_decode(context_, batch) == 0, "decoding");
      for (int i = 0; i < 512; ++i) {
        out.write(reinterpret_cast<const char*>(llama_get_logits_ith(context_, i)),
                  static_cast<std::streamsize>(sizeof(float)) * n_vocab());
      }
      llama_batch_free(batch);
    }
  }

  ~Side() {
    llama_free(context_);
    llama_model_free(model_);
  }

 private:
  llama_model* model_ = nullptr;
  llama_context* context_ = nullptr;
};

/// Megabytes resident at most.
double peak_megabytes() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

int quantize(const char* from, const char* to, const std::string& type) {
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = type == "q4_0"   ? LLAMA_FTYPE_MOSTLY_Q4_0
                 : type == "q4_1" ? LLAMA_FTYPE_MOSTLY_Q4_1
                                  : LLAMA_FTYPE_MOSTLY_Q8_0;
  params.allow_requantize = true;
  params.pure = true;
  return llama_model_quantize(from, to, &params) == 0 ? 0 : 1;
}

}  // namespace

/// llama_side MODEL THREADS on|off TASK..., llama_side quantize FROM TO TYPE, or
/// llama_side logits MODEL THREADS IDS OUT. Tasks: prefill N; decode N and save N FILE, which
/// follow a prefill of N; reuse N FILE and cold N FILE, which put a saved state back; memory N.
/// CONTEXT: tokens it has room for.
int main(int argc, char** argv) {
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.at(0) == "quantize") {
    return quantize(args.at(1).c_str(), args.at(2).c_str(), args.at(3));
  }
  if (args.at(0) == "logits") {
    Side(args.at(1).c_str(), std::stoi(args.at(2)), false, 512)
        .write_logits(args.at(3).c_str(), args.at(4).c_str());
    return 0;
  }
  const char* context = std::getenv("CONTEXT");
  Side side(args[0].c_str(), std::stoi(args.at(1)), args.at(2) == "on",
            context == nullptr ? 8192 : std::atoi(context));
  for (std::size_t i = 3; i < args.size();) {
    const std::string task = args[i++];
    const int n = std::stoi(args.at(i++));
    if (task == "save") {
      side.save(args.at(i++).c_str(), n);
      continue;
    }
    if (task == "cold") Side::drop_pages(args.at(i).c_str());
    const double time = task == "prefill"  ? side.prefill(n)
                        : task == "decode" ? side.decode(n)
                        : task == "memory" ? peak_megabytes()
                                           : side.reuse(args.at(i++).c_str());
    std::printf("%s %d %.3f\n", task.c_str(), n, time);
    std::fflush(stdout);
  }
  return 0;
}
