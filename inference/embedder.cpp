// SPDX-License-Identifier: Apache-2.0
#include "inference/embedder.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "inference/device/device_embedder.h"
#include "inference/embedder_pass.h"
#include "inference/embedder_weights.h"
#include "inference/embedding_recipe.h"
#include "inference/model/limits.h"
#include "inference/model/mapped_file.h"
#include "inference/tokenizer/wordpiece.h"

namespace kvlink::inference {
namespace {

/// Texts are computed together up to this many tokens: enough rows to read the weights rarely, few
/// enough for the activations to stay in the cache.
constexpr std::size_t kBatchTokens = 512;
/// Of the states of a text on a device and on the CPU; 16-bit products stay above 0.999.
constexpr double kLeastCosine = 0.99;

/// Mean of the rows [begin, end), scaled to length 1.
void pool(View<const float> states, std::int64_t begin, std::int64_t end, float* y) {
  std::vector<double> sums(static_cast<std::size_t>(states.cols), 0.0);
  for (std::int64_t r = begin; r < end; ++r) {
    const float* row = states.row(r);
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += row[i];
  }
  double squares = 0;
  for (const double s : sums) squares += s * s;
  const double length = std::sqrt(squares);
  if (!(length > 0 && std::isfinite(length))) {
    fail(ErrorCode::kCorrupt, "the embedder's weights give no usable vector; fetch it again");
  }
  for (std::size_t i = 0; i < sums.size(); ++i) y[i] = static_cast<float>(sums[i] / length);
}

WordPiece load_vocabulary(const std::filesystem::path& folder) {
  const auto json = folder / "tokenizer.json";
  if (std::filesystem::exists(json)) {
    return value_or_throw(WordPiece::from_json(read_small_file(json, limits::kMaxTokenizerBytes)));
  }
  return value_or_throw(WordPiece::from_vocab_text(
      read_small_file(folder / "vocab.txt", limits::kMaxTokenizerBytes)));
}

class BertEmbedder final : public Embedder {
 public:
  BertEmbedder(EmbedderWeights weights, WordPiece vocabulary, EmbeddingRecipe recipe)
      : weights_(std::move(weights)),
        vocabulary_(std::move(vocabulary)),
        recipe_(std::move(recipe)) {
    // An id beyond the table must never reach the kernels.
    if (vocabulary_.vocab_size() > weights_.words.rows || vocabulary_.cls_id() < 0 ||
        vocabulary_.sep_id() < 0 || max_tokens() < 3) {
      fail(ErrorCode::kCorrupt,
           "the embedder's vocabulary of " + std::to_string(vocabulary_.vocab_size()) +
               " tokens does not fit its " + std::to_string(weights_.words.rows) + " embeddings");
    }
  }

  std::int32_t dim() const override { return weights_.dim; }
  std::int32_t max_tokens() const override {
    return std::min(recipe_.max_tokens, weights_.max_positions);
  }

  std::vector<std::int32_t> tokenize(std::string_view text) const override {
    std::vector<std::int32_t> ids = vocabulary_.encode(text);
    ids.resize(std::min(ids.size(), static_cast<std::size_t>(max_tokens() - 2)));
    ids.insert(ids.begin(), vocabulary_.cls_id());
    ids.push_back(vocabulary_.sep_id());
    return ids;
  }

  void use_gpu(const GpuOptions& options) override {
    if (options.plugin == nullptr) return;
    const auto made =
        returning([&] { device_ = std::make_unique<DeviceEmbedder>(weights_, options); });
    if (!made) note("The GPU does not read passages; the CPU does: " + made.error().message + ".");
  }

  std::vector<std::string> take_device_notices() const override {
    const std::lock_guard lock(notices_mutex_);
    return std::exchange(notices_, {});
  }

  Result<std::vector<float>> embed(kernels::CpuBackend& backend, std::span<const std::string> texts,
                                   TextRole role,
                                   const std::function<void()>& between_layers) const override {
    return returning([&] {
      const std::string& prefix =
          role == TextRole::kQuery ? recipe_.query_prefix : recipe_.passage_prefix;
      std::vector<float> vectors(texts.size() * static_cast<std::size_t>(weights_.dim));
      float* next = vectors.data();
      TokenBatch batch;
      for (const std::string& text : texts) {
        const auto ids = tokenize(prefix + text);
        const std::size_t most =
            device_ != nullptr ? std::size_t{DeviceEmbedder::kMostTokens} : kBatchTokens;
        if (batch.ids.size() + ids.size() > most) {
          next = finish(backend, batch, next, between_layers);
        }
        batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
        batch.begins.push_back(static_cast<std::int64_t>(batch.ids.size()));
      }
      finish(backend, batch, next, between_layers);
      return vectors;
    });
  }

  Digest fingerprint() const override {
    std::call_once(fingerprint_once_, [this] { fingerprint_ = compute_fingerprint(); });
    return fingerprint_;
  }

  std::string describe() const override {
    return "BERT encoder, " + std::to_string(weights_.layers.size()) + " layers, " +
           std::to_string(weights_.dim) + " dimensions, " + std::to_string(weights_.n_heads) +
           " heads (" + weights_.weight_types + ")";
  }

 private:
  /// Computes the batch, writes its vectors to `out`, empties it; returns where the next go.
  float* finish(kernels::CpuBackend& backend, TokenBatch& batch, float* out,
                const std::function<void()>& between_layers) const {
    if (batch.ids.empty()) return out;
    const std::vector<float> values = encode(backend, batch, between_layers);
    const View<const float> states(values.data(), static_cast<std::int64_t>(batch.ids.size()),
                                   weights_.dim);
    for (std::size_t t = 0; t + 1 < batch.begins.size(); ++t, out += weights_.dim) {
      const bool is_mean = recipe_.pooling == EmbeddingRecipe::Pooling::kMean;
      const std::int64_t begin = batch.begins[t];
      pool(states, begin, is_mean ? batch.begins[t + 1] : begin + 1, out);
    }
    batch = {};
    return out;
  }

  /// Where it can be done; a device works on a batch in one go.
  std::vector<float> encode(kernels::CpuBackend& backend, const TokenBatch& batch,
                            const std::function<void()>& between_layers) const {
    if (device_ != nullptr) {
      if (between_layers) between_layers();
      try {
        if (!is_checked_) check_device(backend, batch, between_layers);
        // Whoever had its turn meanwhile may have lost the device.
        if (device_ != nullptr) return device_->encode(batch);
      } catch (const Exception& failure) {
        if (failure.error().code == ErrorCode::kCancelled) throw;
        if (device_ == nullptr) throw;
        device_.reset();
        note("The GPU does not read passages any more; the CPU does: " + failure.error().message +
             ".");
      }
    }
    return encode_batch(backend, weights_, batch, between_layers);
  }

  /// The first text on both: a device is not trusted unseen.
  void check_device(kernels::CpuBackend& backend, const TokenBatch& batch,
                    const std::function<void()>& between_layers) const {
    const std::int64_t n = batch.begins[1];
    const TokenBatch first{{batch.ids.begin(), batch.ids.begin() + n}, {0, n}};
    const auto expected = encode_batch(backend, weights_, first, between_layers);
    if (device_ == nullptr) return;
    const auto found = device_->encode(first);
    double product = 0.0;
    double squares[2] = {};
    for (std::size_t i = 0; i < expected.size(); ++i) {
      product += double{expected[i]} * double{found[i]};
      squares[0] += double{expected[i]} * double{expected[i]};
      squares[1] += double{found[i]} * double{found[i]};
    }
    const double cosine = product / std::sqrt(squares[0] * squares[1]);
    is_checked_ = cosine >= kLeastCosine;
    if (is_checked_) return;
    fail(ErrorCode::kDevice, "it does not compute what the processor does (cosine " +
                                 std::to_string(cosine) + "); please report it");
  }

  void note(std::string notice) const {
    const std::lock_guard lock(notices_mutex_);
    notices_.push_back(std::move(notice));
  }

  Digest compute_fingerprint() const {
    Sha256 hash;
    hash.field("kvlink embedder 1").field(std::to_string(weights_.n_heads));
    for (const TensorEntry& tensor : weights_.storage.tensors) {
      hash.field(tensor.name).field(dtype_name(tensor.dtype)).field(shape_text(tensor.shape));
      hash.update(tensor.bytes);
    }
    const WordPieceOptions& options = vocabulary_.options();
    for (const bool flag : {options.lower_case, options.strip_accents, options.split_cjk}) {
      hash.field(flag ? "1" : "0");
    }
    for (std::int32_t id = 0; id < vocabulary_.vocab_size(); ++id) {
      hash.field(vocabulary_.token(id));
    }
    // What changes the vectors of passages; a folder without a recipe keeps its fingerprint.
    EmbeddingRecipe of_passages = recipe_;
    of_passages.query_prefix.clear();
    if (!(of_passages == EmbeddingRecipe())) {
      hash.field(recipe_.pooling == EmbeddingRecipe::Pooling::kMean ? "mean" : "first")
          .field(std::to_string(recipe_.max_tokens))
          .field(recipe_.passage_prefix);
    }
    return hash.finish();
  }

  EmbedderWeights weights_;
  WordPiece vocabulary_;
  EmbeddingRecipe recipe_;
  mutable std::once_flag fingerprint_once_;  // guards fingerprint_
  mutable Digest fingerprint_;
  mutable std::unique_ptr<DeviceEmbedder> device_;  // null: the CPU does it; used in turns
  mutable bool is_checked_ = false;
  mutable std::mutex notices_mutex_;
  mutable std::vector<std::string> notices_;  // guarded by notices_mutex_
};

}  // namespace

Result<std::unique_ptr<Embedder>> Embedder::load(const std::filesystem::path& folder) {
  return returning([&]() -> std::unique_ptr<Embedder> {
    EmbedderWeights weights = load_embedder_weights(folder);
    return std::make_unique<BertEmbedder>(std::move(weights), load_vocabulary(folder),
                                          read_embedding_recipe(folder));
  });
}

}  // namespace kvlink::inference
