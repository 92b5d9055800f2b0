// SPDX-License-Identifier: Apache-2.0
// How long a model takes until its first product could begin, and what it then holds:
//
//   kvlink_load_bench MODEL [ROUNDS]
//
// Cold: the model's files are dropped from the page cache first (what the system keeps of them in
// other places, such as a host's memory, is not). Warm: they are there. Medians of ROUNDS (5).
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "inference/engine.h"
#include "inference/model/model_parts.h"

namespace {

using namespace kvlink;
namespace fs = std::filesystem;

double milliseconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::vector<fs::path> files_of(const fs::path& model) {
  if (!fs::is_directory(model)) return inference::gguf_parts(model);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(model)) files.push_back(entry.path());
  return files;
}

/// Nothing of the files may be mapped. False where the system says no.
bool drop_from_page_cache(const std::vector<fs::path>& files) {
  bool dropped = true;
  for (const fs::path& file : files) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    dropped = descriptor >= 0 && ::fsync(descriptor) == 0 &&
              ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0 && dropped;
    if (descriptor >= 0) ::close(descriptor);
  }
  return dropped;
}

/// "VmRSS:" or "VmHWM:" of this process, in megabytes.
double megabytes(const char* name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return std::stod(line.substr(line.find(':') + 1)) * 1.024e-3;
  }
  return 0;
}

struct Round {
  double outline_ms;  ///< settings and tensor list: what a list of models reads
  double load_ms;     ///< until the engine could compute: checked, packed, tokenizer built
  double first_ms;    ///< from there to the logits of a first token
};

Round run_once(const fs::path& path) {
  const auto begin = std::chrono::steady_clock::now();
  value_or_throw(inference::read_model_outline(path));
  Round round{.outline_ms = milliseconds_since(begin), .load_ms = 0, .first_ms = 0};
  const auto load = std::chrono::steady_clock::now();
  const auto engine = value_or_throw(inference::Engine::load(path, {.max_context = 1024}));
  round.load_ms = milliseconds_since(load);
  const auto first = std::chrono::steady_clock::now();
  const auto context = value_or_throw(engine->new_context());
  value_or_throw(engine->decode(*context, 0, inference::Priority::kQuestion));
  round.first_ms = milliseconds_since(first);
  return round;
}

void measure(const fs::path& path, bool cold, int n_rounds) {
  const auto files = files_of(path);
  std::vector<double> outlines, loads, firsts;
  for (int i = 0; i < n_rounds; ++i) {
    if (cold && !drop_from_page_cache(files)) {
      std::printf("cold: the page cache cannot be dropped here\n");
      return;
    }
    const Round round = run_once(path);
    outlines.push_back(round.outline_ms);
    loads.push_back(round.load_ms);
    firsts.push_back(round.first_ms);
  }
  std::printf("%s: outline %.1f ms, load %.0f ms, first token %.0f ms (medians of %d)\n",
              cold ? "cold" : "warm", median(outlines), median(loads), median(firsts), n_rounds);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "kvlink_load_bench MODEL [ROUNDS]\n");
    return 2;
  }
  const auto done = kvlink::returning([&] {
    const int n_rounds = argc == 3 ? std::max(1, std::atoi(argv[2])) : 5;
    measure(argv[1], true, n_rounds);
    measure(argv[1], false, n_rounds);
    const auto engine = value_or_throw(inference::Engine::load(argv[1], {.max_context = 1024}));
    std::printf("loaded %.0f MB resident, at most %.0f MB since the start\n", megabytes("VmRSS:"),
                megabytes("VmHWM:"));
  });
  if (done) return 0;
  std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return 1;
}
