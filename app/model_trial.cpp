// SPDX-License-Identifier: Apache-2.0
#include "app/model_trial.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/base/result.h"

namespace kvlink::app {
namespace {

using Ids = std::vector<std::int32_t>;
using Clock = std::chrono::steady_clock;

constexpr const char* kText =
    "A lighthouse is a tower with a bright lamp at the top. It stands on the coast, where rocks or "
    "shallow water would be dangerous for ships. In the past a keeper lived in the tower, lit the "
    "lamp every evening and watched it through the night. Today most lamps are electric and turn "
    "themselves on when it gets dark. Sailors can tell lighthouses apart, because each of them "
    "flashes in its own rhythm: one may shine for two seconds and stay dark for eight, another may "
    "give three short flashes and then rest. A list of these rhythms is printed on every sea "
    "chart. "
    "With satellites to guide them, ships need the old towers less than they did, but many people "
    "visit them for the view.";
constexpr std::size_t kMostTokens = 256;
/// Rows whose logits are held at once: a large vocabulary has over 100,000 of them each.
constexpr std::size_t kPart = 32;
constexpr std::int64_t kWritten = 8;

double seconds_since(Clock::time_point start) {
  return std::max(std::chrono::duration<double>(Clock::now() - start).count(), 1e-9);
}

void expect_not_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) fail(ErrorCode::kCancelled, "the check was stopped");
}

/// Reading through a decoder at positions equal to rows, every logit checked.
class Reader {
 public:
  Reader(const inference::Model& model, kernels::CpuBackend& backend, std::int64_t capacity,
         const std::stop_token& stop)
      : decoder_(model, backend, nullptr, [&stop] { expect_not_stopped(stop); }),
        cache_(model.config, capacity, DType::kF16) {}

  /// Logits of every id, or of the last one only.
  std::vector<float> read(std::span<const std::int32_t> ids, bool all) {
    Ids rows(ids.size());
    std::iota(rows.begin(), rows.end(), static_cast<std::int32_t>(cache_.n_rows()));
    cache_.append_rows(rows);
    Ids wanted{static_cast<std::int32_t>(ids.size()) - 1};
    if (all) {
      wanted.resize(ids.size());
      std::iota(wanted.begin(), wanted.end(), 0);
    }
    inference::ForwardBatch batch;
    batch.token_ids = ids;
    batch.rows = rows;
    batch.logit_rows = wanted;
    auto logits = decoder_.forward(batch, cache_);
    if (!std::all_of(logits.begin(), logits.end(), [](float v) { return std::isfinite(v); })) {
      fail(ErrorCode::kCorrupt,
           "the model computes numbers that are not finite: its weights are damaged. Get the file "
           "again.");
    }
    return logits;
  }

 private:
  inference::Decoder decoder_;
  inference::KvCache cache_;
};

Ids ids_of_text(const inference::Model& model, const inference::Tokenizer* tokenizer) {
  const auto most = std::min<std::int64_t>(kMostTokens, model.config.context_length - kWritten);
  Ids ids;
  if (tokenizer != nullptr) {
    if (tokenizer->add_bos() && tokenizer->bos_id() >= 0) ids.push_back(tokenizer->bos_id());
    const Ids text = tokenizer->encode(kText);
    ids.insert(ids.end(), text.begin(), text.end());
  } else {
    ids.resize(kMostTokens);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      ids[i] = static_cast<std::int32_t>(i) % model.config.vocab_size;
    }
  }
  if (static_cast<std::int64_t>(ids.size()) > most) {
    ids.resize(static_cast<std::size_t>(std::max<std::int64_t>(most, 1)));
  }
  return ids;
}

std::int32_t most_likely(std::span<const float> logits) {
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// -log p(id) under one row of logits.
double surprise_at(std::span<const float> logits, std::int32_t id) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return std::log(sum) + largest - logits[static_cast<std::size_t>(id)];
}

/// Sum of -log p(ids[i + 1]) over the rows of `logits`, which follow ids[first].
double surprise(std::span<const float> logits, const Ids& ids, std::size_t first,
                std::size_t n_vocab) {
  double sum = 0;
  for (std::size_t row = 0; (row + 1) * n_vocab <= logits.size(); ++row) {
    const std::size_t next = first + row + 1;
    if (next < ids.size()) sum += surprise_at(logits.subspan(row * n_vocab, n_vocab), ids[next]);
  }
  return sum;
}

}  // namespace

ModelTrial try_generator(const inference::Model& model, const inference::Tokenizer* tokenizer,
                         kernels::CpuBackend& backend, std::stop_token stop) {
  const Ids ids = ids_of_text(model, tokenizer);
  const auto n_vocab = static_cast<std::size_t>(model.config.vocab_size);
  Reader reader(model, backend, static_cast<std::int64_t>(ids.size()) + kWritten, stop);
  ModelTrial trial;
  trial.n_tokens = static_cast<std::int64_t>(ids.size());
  double sum = 0;
  double seconds = 0;
  std::int32_t next = 0;
  for (std::size_t at = 0; at < ids.size(); at += kPart) {
    expect_not_stopped(stop);
    const auto part = std::span(ids).subspan(at, std::min(kPart, ids.size() - at));
    const auto start = Clock::now();
    const auto logits = reader.read(part, true);
    seconds += seconds_since(start);
    next = most_likely(std::span(logits).last(n_vocab));
    sum += surprise(logits, ids, at, n_vocab);
  }
  trial.read_per_second = static_cast<double>(ids.size()) / seconds;
  trial.perplexity = ids.size() < 2 ? 0 : std::exp(sum / static_cast<double>(ids.size() - 1));
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < kWritten; ++i) {
    next = most_likely(reader.read(std::span(&next, 1), false));
  }
  trial.write_per_second = static_cast<double>(kWritten) / seconds_since(start);
  if (tokenizer != nullptr) {
    const std::string back = tokenizer->decode(tokenizer->encode(kText));
    // Sentencepiece puts a space in front.
    trial.text_comes_back = back == kText || back == std::string(" ") + kText;
  }
  return trial;
}

}  // namespace kvlink::app
