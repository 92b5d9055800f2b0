// SPDX-License-Identifier: Apache-2.0
#include "app/model_check.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "inference/embedder.h"
#include "inference/engine.h"

namespace kvlink::app {
namespace {

constexpr const char* kSample = "The quick brown fox jumps over the lazy dog.";

void check_finite(std::span<const float> values, const std::filesystem::path& path) {
  if (std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) return;
  fail(ErrorCode::kCorrupt, path.string() +
                                " computes numbers that are not finite: its weights are damaged. "
                                "Get the file again.");
}

ModelCheck check_generator(const std::filesystem::path& path) {
  const auto engine = value_or_throw(inference::Engine::load(path, {}));
  const auto& model = engine->model();
  ModelCheck check;
  check.name = model.config.name;
  check.architecture = model.config.architecture;
  check.weight_types = model.weight_types;
  check.tokenizer = engine->tokenizer().describe();
  check.chat_format = std::string(engine->chat_format().name());
  check.n_layers = model.config.n_layers;
  check.context_length = model.config.context_length;
  check.kv_bytes_per_token = std::int64_t{2} * model.config.n_layers * model.config.kv_dim() * 2;
  const auto tokens = engine->tokenizer().encode(kSample);
  inference::PlanRequest request;
  request.mode = inference::LinkMode::kFull;
  request.question = tokens;
  request.max_rows = engine->max_context();
  const auto plan = value_or_throw(inference::plan_context(request));
  const auto context = value_or_throw(engine->new_context());
  inference::PrefillReport report;
  check_finite(
      value_or_throw(engine->prefill(*context, plan, {}, inference::Priority::kQuestion, report)),
      path);
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

Result<ModelCheck> check_model(const std::filesystem::path& path) {
  return returning([&] {
    const auto role = role_of_model(path);
    return role == ModelRole::kEmbedder ? check_embedder(path) : check_generator(path);
  });
}

}  // namespace kvlink::app
