// SPDX-License-Identifier: Apache-2.0
// How far the next token's distributions are from those of the same weights in f32: ours and, from
// files of logits, other engines' (accuracy_against_llama.sh).
//
//   kvlink_accuracy ids MODEL TEXT OUT              ids of the first 2,048 tokens of a text
//   kvlink_accuracy compare MODEL IDS [LOGITS …]    one line for us in each type of KV, and for
//   each
//                                                   file
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include "inference/decoder.h"
#include "inference/tokenizer/tokenizer.h"
#include "kernels/logits.h"

namespace {

using namespace kvlink;
using inference::Decoder;

constexpr std::size_t kTokens = 2048;
constexpr std::size_t kWindow = 512;  // as in llama/llama_side.cpp

std::vector<char> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(ErrorCode::kIo, path + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_ids(const std::string& model_path, const std::string& text_path,
               const std::string& out_path) {
  const auto model = value_or_throw(inference::load_model(model_path));
  const auto tokenizer = value_or_throw(inference::make_tokenizer(model.tokenizer));
  const std::vector<char> text = read_file(text_path);
  std::vector<std::int32_t> ids = tokenizer->encode({text.data(), text.size()});
  if (ids.size() < kTokens) fail(ErrorCode::kInvalidInput, "the text is too short");
  ids.resize(kTokens);
  std::ofstream(out_path, std::ios::binary)
      .write(reinterpret_cast<const char*>(ids.data()),
             static_cast<std::streamsize>(ids.size() * sizeof(std::int32_t)));
}

/// Logits [window, vocabulary] of a decoder that reads a window at a time.
class OwnLogits {
 public:
  OwnLogits(const inference::Model& model, kernels::Arithmetic arithmetic, DType arena)
      : backend_({.arithmetic = arithmetic}), decoder_(model, backend_), arena_(arena) {}

  std::vector<float> of(std::span<const std::int32_t> ids) const {
    inference::KvCache cache(decoder_.model().config, std::ssize(ids), arena_);
    std::vector<std::int32_t> rows(ids.size());
    std::iota(rows.begin(), rows.end(), 0);
    cache.append_rows(rows);
    inference::ForwardBatch batch;
    batch.token_ids = ids;
    batch.rows = rows;
    batch.logit_rows = rows;
    return decoder_.forward(batch, cache);
  }

 private:
  mutable kernels::CpuBackend backend_;
  Decoder decoder_;
  DType arena_;
};

/// What is kept of one engine: the divergence at every token, and how likely the next one was.
struct Figures {
  std::string name;
  std::ifstream logits = {};       // not open: our own
  const OwnLogits* own = nullptr;  // null where logits is open, and for the reference
  std::vector<double> divergences = {};
  double log_likelihood = 0;
  std::size_t n_same = 0;
  std::size_t n_predicted = 0;

  void add(std::span<const float> reference, std::span<const float> theirs, std::int32_t next) {
    std::vector<float> p(reference.size());
    std::vector<float> q(theirs.size());
    kernels::log_softmax(reference, p);
    kernels::log_softmax(theirs, q);
    double divergence = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      divergence += std::exp(double{p[i]}) * (double{p[i]} - double{q[i]});
    }
    divergences.push_back(divergence);
    if (kernels::argmax(reference) == kernels::argmax(theirs)) ++n_same;
    if (next < 0) return;
    log_likelihood += q[static_cast<std::size_t>(next)];
    ++n_predicted;
  }

  void print(const Figures& ours) const {
    const auto n = static_cast<double>(divergences.size());
    double mean = 0;
    double difference = 0;
    double squares = 0;
    for (std::size_t i = 0; i < divergences.size(); ++i) {
      const double d = divergences[i] - ours.divergences[i];
      mean += divergences[i] / n;
      difference += d / n;
      squares += d * d / n;
    }
    const double error = std::sqrt((squares - difference * difference) / n);
    std::printf("%-40s KL %.5f, same best token %.4f, NLL %.5f", name.c_str(), mean,
                static_cast<double>(n_same) / n,
                -log_likelihood / static_cast<double>(n_predicted));
    if (this != &ours) std::printf(", KL - ours %+.5f (standard error %.5f)", difference, error);
    std::printf("\n");
  }
};

void compare(const std::string& model_path, const std::string& ids_path,
             std::span<const std::string> others) {
  const auto model = value_or_throw(inference::load_model(model_path));
  const std::vector<char> bytes = read_file(ids_path);
  std::vector<std::int32_t> ids(bytes.size() / sizeof(std::int32_t));
  std::memcpy(ids.data(), bytes.data(), ids.size() * sizeof(std::int32_t));
  const OwnLogits exact(model, kernels::Arithmetic::kFloat, DType::kF32);
  const OwnLogits usual(model, kernels::Arithmetic::kInt8, DType::kF16);
  const OwnLogits bf16(model, kernels::Arithmetic::kInt8, DType::kBF16);
  const OwnLogits q8(model, kernels::Arithmetic::kInt8, DType::kQ8Kv);
  std::vector<Figures> all;
  all.push_back({.name = "f32"});
  all.push_back({.name = "ours", .own = &usual});
  all.push_back({.name = "ours, KV as bf16", .own = &bf16});
  all.push_back({.name = "ours, KV as q8", .own = &q8});
  for (const std::string& path : others) {
    all.emplace_back().name = path;
    all.back().logits.open(path, std::ios::binary);
  }
  const auto width = static_cast<std::size_t>(model.config.vocab_size);
  for (std::size_t from = 0; from + kWindow <= ids.size(); from += kWindow) {
    const auto window = std::span<const std::int32_t>(ids).subspan(from, kWindow);
    const std::vector<float> reference = exact.of(window);
    for (Figures& figures : all) {
      std::vector<float> logits = reference;
      if (figures.logits.is_open()) {
        figures.logits.read(reinterpret_cast<char*>(logits.data()),
                            static_cast<std::streamsize>(logits.size() * sizeof(float)));
        if (!figures.logits) fail(ErrorCode::kCorrupt, figures.name + " is too short");
      } else if (figures.own != nullptr) {
        logits = figures.own->of(window);
      }
      for (std::size_t i = 0; i < kWindow; ++i) {
        figures.add(std::span<const float>(reference).subspan(i * width, width),
                    std::span<const float>(logits).subspan(i * width, width),
                    i + 1 < kWindow ? window[i + 1] : -1);
      }
    }
  }
  for (const Figures& figures : all) figures.print(all[1]);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  try {
    if (args.size() == 4 && args[0] == "ids") {
      write_ids(args[1], args[2], args[3]);
      return 0;
    }
    if (args.size() >= 3 && args[0] == "compare") {
      compare(args[1], args[2], std::span(args).subspan(3));
      return 0;
    }
    std::fprintf(stderr, "ids MODEL TEXT OUT, or compare MODEL IDS [LOGITS …]\n");
  } catch (const Exception& failure) {
    std::fprintf(stderr, "%s\n", failure.error().message.c_str());
  }
  return 1;
}
