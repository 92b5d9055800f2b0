// SPDX-License-Identifier: Apache-2.0
// Our side of tests/bench/embedder_against.py. Embeds the lines of a file whenever a line comes in
// and prints what that took in seconds (CLOCK=cpu: of processor time). With "vectors" it prints the
// vectors instead. Usage: kvlink_embedder_side FOLDER THREADS TEXTS
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "inference/embedder.h"

namespace {

double now() {
  static const bool by_processor = std::getenv("CLOCK") != nullptr;
  timespec time{};
  clock_gettime(by_processor ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace kvlink;
  if (argc != 4) {
    std::fprintf(stderr, "usage: kvlink_embedder_side FOLDER THREADS TEXTS\n");
    return 2;
  }
  const auto embedder = value_or_throw(inference::Embedder::load(argv[1]));
  kernels::CpuBackend backend({.n_threads = std::atoi(argv[2])});
  std::vector<std::string> texts;
  std::ifstream file(argv[3]);
  for (std::string line; std::getline(file, line);) texts.push_back(line);
  for (std::string asked; std::getline(std::cin, asked);) {
    const double begin = now();
    const auto vectors = value_or_throw(embedder->embed(backend, texts));
    const double took = now() - begin;
    if (asked == "vectors") {
      for (const float v : vectors) std::printf("%.7g ", static_cast<double>(v));
    } else {
      std::printf("%.6f", took);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  return 0;
}
