// SPDX-License-Identifier: Apache-2.0
#include "app/model_check.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>

#include "app/adapter_choice.h"
#include "app/model_memory.h"
#include "inference/embedder.h"
#include "inference/tokenizer/chat_format.h"

namespace kvlink::app {
namespace {

constexpr const char* kSample = "The quick brown fox jumps over the lazy dog.";

void check_finite(std::span<const float> values, const std::filesystem::path& path) {
  if (std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) return;
  fail(ErrorCode::kCorrupt, path.string() +
                                " computes numbers that are not finite: its weights are damaged. "
                                "Get the file again.");
}

/// Nothing, with the reason in `check`, when there is none that is handled.
std::unique_ptr<inference::Tokenizer> find_tokenizer(const inference::Model& model,
                                                     const std::filesystem::path& path,
                                                     ModelCheck& check) {
  auto made = inference::make_tokenizer(model.tokenizer);
  if (!made) {
    const bool only_unknown =
        made.error().code == ErrorCode::kNotFound || made.error().code == ErrorCode::kUnsupported;
    if (!only_unknown) fail(made.error().code, made.error().message);
    check.tokenizer = "none (checked by token ids: " + made.error().message + ")";
    check.chat_format = "none";
    return nullptr;
  }
  auto tokenizer = value_or_throw(std::move(made));
  if (tokenizer->vocab_size() > model.config.vocab_size) {
    fail(ErrorCode::kCorrupt, path.string() +
                                  ": the tokenizer has more tokens than the weights; the file was "
                                  "put together wrongly, get it again");
  }
  check.tokenizer = tokenizer->describe();
  check.chat_format = inference::make_chat_format(model.tokenizer, *tokenizer)->name();
  check.chat_format_from = reason_of_chat_format(model.tokenizer, check.chat_format);
  return tokenizer;
}

std::string adapter_state(const inference::Model& model, const std::filesystem::path& path,
                          std::span<const std::filesystem::path> folders) {
  const auto choice =
      find_adapter("default", model, folders, [&] { return hash_of_weights(path); });
  return choice.adapter == nullptr ? choice.reason : "A link adapter fits this model";
}

ModelCheck check_generator(const std::filesystem::path& path, const inference::LoadWatch& watch,
                           std::span<const std::filesystem::path> adapters, DType kv_type) {
  constexpr std::int64_t kTokens = 1000;
  ModelCheck check;
  check.available_bytes = available_memory();
  const auto outline = value_or_throw(inference::read_model_outline(path));
  const std::int64_t n_tokens = std::min<std::int64_t>(kTokens, outline.config.context_length);
  expect_model_fits(outline, n_tokens, kv_type, check.available_bytes, path.string());
  check.weight_bytes = outline.weight_bytes;
  check.memory = memory_of_model(outline, n_tokens, kv_type);
  check.kv_type = kv_type;
  const inference::Model model = value_or_throw(inference::load_model(path, watch));
  check.name = model.config.name;
  check.architecture = model.config.architecture;
  check.weight_types = model.weight_types;
  check.n_layers = model.config.n_layers;
  check.context_length = model.config.context_length;
  check.kv_bytes_per_token = std::int64_t{2} * model.config.n_layers * model.config.kv_dim() * 2;
  const auto tokenizer = find_tokenizer(model, path, check);
  kernels::CpuBackend backend({});
  check.trial = try_generator(model, tokenizer.get(), backend, watch.stop);
  // What follows reads every byte of a large file.
  if (watch.stop.stop_requested()) fail(ErrorCode::kCancelled, "the check was stopped");
  check.adapter = adapter_state(model, path, adapters);
  check.fingerprint = model.compute_fingerprint().hex();
  return check;
}

ModelCheck check_embedder(const std::filesystem::path& path) {
  const auto embedder = value_or_throw(inference::Embedder::load(path));
  kernels::CpuBackend backend({});
  const std::string sample = kSample;
  check_finite(value_or_throw(embedder->embed(backend, std::span(&sample, 1))), path);
  ModelCheck check;
  check.role = ModelRole::kEmbedder;
  check.name = path.filename().string();
  check.architecture = "bert";
  check.weight_types = embedder->describe();
  check.tokenizer = "WordPiece";
  check.context_length = embedder->max_tokens();
  check.fingerprint = embedder->fingerprint().hex();
  return check;
}

}  // namespace

std::string reason_of_chat_format(const inference::TokenizerSource& source,
                                  const std::string& format) {
  if (source.chat_template.empty()) return "the files have no chat template";
  return format == "plain" ? "no known marks in its template" : "by the marks in its template";
}

Result<ModelCheck> check_model(const std::filesystem::path& path, const inference::LoadWatch& watch,
                               std::span<const std::filesystem::path> adapters, DType kv_type) {
  return returning([&] {
    const auto role = role_of_model(path);
    return role == ModelRole::kEmbedder ? check_embedder(path)
                                        : check_generator(path, watch, adapters, kv_type);
  });
}

}  // namespace kvlink::app
