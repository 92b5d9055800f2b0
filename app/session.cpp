// SPDX-License-Identifier: Apache-2.0
#include "app/session.h"

#include <system_error>
#include <utility>

#include "app/model_files.h"
#include "app/reconcile.h"
#include "app/words.h"

namespace kvlink::app {
namespace {

cache::Options store_options(const Settings& settings) {
  cache::Options options;
  options.disk_budget_bytes = settings.disk_budget_bytes;
  options.memory_budget_bytes = settings.memory_budget_bytes;
  options.eviction = settings.eviction;
  return options;
}

/// The file whose size, time and inode stand for a model: the weights, not their folder.
std::filesystem::path weights_file(const std::filesystem::path& model) {
  std::error_code ignored;
  if (std::filesystem::is_directory(model, ignored)) return model / "model.safetensors";
  return model;
}

}  // namespace

Result<std::unique_ptr<Session>> Session::open(SessionOptions options) {
  return returning([&] {
    std::unique_ptr<Session> session(new Session(std::move(options)));
    session->open_parts();
    return session;
  });
}

Session::~Session() = default;

void Session::open_parts() {
  value_or_throw(ensure_data_folder(options_.paths));
  lock_ = value_or_throw(InstanceLock::acquire(options_.paths.lock_file()));
  LoadedSettings loaded = value_or_throw(load_settings(options_.paths.settings_file()));
  settings_ = std::move(loaded.settings);
  notices_ = std::move(loaded.notices);
  if (options_.adjust) options_.adjust(settings_);
  if (options_.threads > 0) settings_.threads = options_.threads;
  if (!options_.generator.empty()) settings_.generator = options_.generator;
  const std::string problem = settings_problem(settings_);
  if (!problem.empty()) fail(ErrorCode::kInvalidInput, "Setting " + problem + ".");
  open_models();
  open_stores();
  if (engine_) identify_model();
  writer_ = std::make_unique<BlockWriter>(*store_, *library_);
}

void Session::open_models() {
  const auto& folder = options_.paths.models;
  if (options_.parts >= Parts::kAnswer) {
    const auto path =
        value_or_throw(resolve_model(folder, ModelRole::kGenerator, settings_.generator));
    inference::EngineOptions engine;
    engine.cpu.n_threads = settings_.threads;
    engine.block_dtype = settings_.block_dtype;
    engine.max_context = settings_.max_context;
    engine_ = value_or_throw(inference::Engine::load(path, engine));
  }
  const auto path = resolve_model(folder, ModelRole::kEmbedder, settings_.embedder);
  // Without the need to search, a missing embedder is no reason to refuse `status` or `remove`.
  if (options_.parts == Parts::kStores && !path) return;
  embedder_ = value_or_throw(inference::Embedder::load(value_or_throw(path)));
  if (!engine_ && options_.parts >= Parts::kSearch) {
    own_backend_ =
        std::make_unique<kernels::CpuBackend>(kernels::CpuOptions{.n_threads = settings_.threads});
  }
}

void Session::open_stores() {
  // Without an embedder nothing is searched or embedded; a library opens all the same.
  retrieval::EmbeddingSpace space{.fingerprint = {}, .dim = 1};
  if (embedder_) space = {embedder_->fingerprint(), embedder_->dim()};
  library_ = value_or_throw(retrieval::Library::open(options_.paths.data, space, *options_.files));
  store_ = value_or_throw(
      cache::KvStore::open(options_.paths.kv_folder(), store_options(settings_), *options_.files));
  report_sweep();
  // A process that died between the two stores' commits may have left blocks of text that the
  // library no longer has.
  if (lock_->previous_owner_died()) {
    const auto erased = value_or_throw(erase_unowned_blocks(*library_, *store_));
    if (erased > 0) {
      notices_.push_back("The last run was interrupted; " + counted(erased, "block") +
                         " of removed text were erased.");
    }
  }
}

void Session::report_sweep() {
  const auto& sweep = store_->sweep();
  if (sweep.n_rows_without_file > 0) {
    notices_.push_back(counted(sweep.n_rows_without_file, "cached block") +
                       " had lost their files and will be computed again when needed.");
  }
}

void Session::identify_model() {
  const auto file = weights_file(engine_->model().path);
  auto fingerprint = store_->remembered_fingerprint(file);
  if (!fingerprint) {
    fingerprint = engine_->model().compute_fingerprint();
    value_or_throw(store_->remember_fingerprint(file, *fingerprint));
  }
  encoding_.model = *fingerprint;
  encoding_.prefix = engine_->chat_format().prefix(settings_.system_prompt);
  encoding_.recipe = engine_->encode_recipe(encoding_.prefix);
}

inference::Engine& Session::engine() {
  KVLINK_CHECK(engine_ != nullptr);
  return *engine_;
}

Result<std::vector<float>> Session::embed(std::span<const std::string> texts,
                                          inference::Priority priority) {
  KVLINK_CHECK(embedder_ != nullptr);
  if (!engine_) {
    KVLINK_CHECK(own_backend_ != nullptr);
    const std::lock_guard turn(own_backend_turn_);
    return embedder_->embed(*own_backend_, texts);
  }
  std::optional<Result<std::vector<float>>> vectors;
  engine_->with_backend(
      priority, [&](kernels::CpuBackend& backend) { vectors = embedder_->embed(backend, texts); });
  return std::move(*vectors);
}

}  // namespace kvlink::app
