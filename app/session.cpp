// SPDX-License-Identifier: Apache-2.0
#include "app/session.h"

#include <algorithm>
#include <future>
#include <limits>
#include <utility>

#include "app/adapter_choice.h"
#include "app/model_files.h"
#include "app/model_memory.h"
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

/// With a budget that is not the user's, nothing leaves at the start: the store may keep what it
/// has, and a new block takes the place of as much as it needs.
Result<std::unique_ptr<cache::KvStore>> open_kv_store(const SessionOptions& session,
                                                      const Settings& settings,
                                                      bool budget_is_known) {
  const auto folder = session.paths.kv_folder();
  cache::Options options = store_options(settings);
  const std::int64_t budget = options.disk_budget_bytes;
  if (!budget_is_known) options.disk_budget_bytes = std::numeric_limits<std::int64_t>::max();
  auto store = cache::KvStore::open(folder, options, *session.files);
  if (!store || budget_is_known) return store;
  const std::int64_t kept = std::max(budget, (*store)->totals().disk_bytes);
  const auto set = (*store)->set_budgets(kept, options.memory_budget_bytes);
  if (!set) return set.error();
  return store;
}

/// The embedder that made the library's vectors: where it was, or in the models folder.
std::unique_ptr<inference::Embedder> find_embedder(const retrieval::EmbeddingSpace& space,
                                                   const std::filesystem::path& models) {
  std::vector<std::filesystem::path> places;
  if (!space.place.empty()) places.emplace_back(space.place);
  for (const FoundModel& found : find_models(models)) {
    if (found.role == ModelRole::kEmbedder) places.push_back(found.path);
  }
  for (const auto& place : places) {
    auto embedder = inference::Embedder::load(place);
    if (embedder && (*embedder)->fingerprint() == space.fingerprint) return std::move(*embedder);
  }
  return nullptr;
}

}  // namespace

void ChunkEncoding::take(const inference::Engine& engine, std::vector<std::int32_t> new_prefix) {
  prefix = std::move(new_prefix);
  recipe = engine.encode_recipe(prefix);
  encode_position = engine.encode_position(prefix);
  const inference::Adapter* adapter = engine.adapter();
  n_header = adapter == nullptr ? 0 : adapter->n_header;
  n_link = adapter == nullptr ? 0 : adapter->n_link;
}

std::vector<std::int32_t> ChunkEncoding::block_ids(
    std::span<const std::int32_t> chunk_tokens) const {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(n_header), -1);
  ids.insert(ids.end(), chunk_tokens.begin(), chunk_tokens.end());
  return ids;
}

Result<std::unique_ptr<Session>> Session::open(SessionOptions options) {
  return returning([&] {
    std::unique_ptr<Session> session(new Session(std::move(options)));
    session->open_parts();
    return session;
  });
}

Session::~Session() {
  writer_.reset();  // what it has queued may have to be erased again
  // The library has forgotten this text already: only a look at all blocks finds it.
  if (store_ && !store_->erase_contents({})) lock_->unsettle();
}

void Session::open_parts() {
  value_or_throw(ensure_data_folder(options_.paths));
  lock_ = value_or_throw(InstanceLock::acquire(options_.paths.lock_file()));
  reserve_room();
  LoadedSettings loaded = value_or_throw(load_settings(options_.paths.settings_file()));
  settings_ = std::move(loaded.settings);
  for (auto& notice : loaded.notices) notices_.push_back(std::move(notice));
  if (options_.adjust) options_.adjust(settings_);
  if (options_.threads > 0) settings_.threads = options_.threads;
  if (options_.kv_type) settings_.kv_type = *options_.kv_type;
  if (!options_.generator.empty()) settings_.generator = options_.generator;
  if (!options_.device.empty()) settings_.device = options_.device;
  if (!options_.adapter.empty()) settings_.adapter = options_.adapter;
  if (!options_.chat_format.empty()) settings_.chat_format = options_.chat_format;
  const std::string problem = settings_problem(settings_);
  if (!problem.empty()) fail(ErrorCode::kInvalidInput, "Setting " + problem + ".");
  // A store of hundreds of thousands of blocks takes longest: the models are loaded meanwhile.
  auto store = std::async(std::launch::async, [&] {
    return open_kv_store(options_, settings_, loaded.budget_is_known);
  });
  open_models();
  open_stores([&] { return store.get(); });
  lock_->settle();
  if (engine_) identify_model();
  for (auto& notice : take_device_notices()) notices_.push_back(std::move(notice));
  if (engine_ && engine_->device_tier() && settings_.kv_type != DType::kF16) {
    notices_.push_back(std::string("The GPU keeps KV as f16: kv_type ") +
                       dtype_name(settings_.kv_type) + " holds for the processor only.");
  }
  writer_ = std::make_unique<BlockWriter>(*store_, *library_);
}

/// After the lock, so that nobody else counts on it; before everything that writes.
void Session::reserve_room() {
  reserve_.emplace(options_.paths.data, *options_.files);
  if (!reserve_->settle()) return;
  lock_->name_owner();
  notices_.push_back(reserve_->sentence());
}

void Session::open_models() {
  const auto& folder = options_.paths.models;
  // To search alone, waking a GPU up takes longer than what it would do.
  if (options_.parts >= Parts::kAnswer && settings_.device != "cpu") {
    gpu_ =
        inference::choose_gpu(inference::find_gpus(options_.paths.cuda_plugin), settings_.device);
    gpu_.decoder.block_budget_bytes = settings_.gpu_budget_bytes;
  }
  if (options_.parts >= Parts::kAnswer) {
    const auto path =
        value_or_throw(resolve_model(folder, ModelRole::kGenerator, settings_.generator));
    inference::EngineOptions engine;
    engine.cpu.n_threads = settings_.threads;
    engine.block_dtype = settings_.block_dtype;
    engine.arena_dtype = settings_.kv_type;
    engine.max_context = choose_context(path);
    if (settings_.chat_format != "default") engine.chat_format = settings_.chat_format;
    engine.gpu = gpu_;
    const WeightsLook weights(*options_.files, path);
    engine_ = value_or_throw(inference::Engine::load(path, engine, options_.watch));
    weights.expect_unchanged();
  }
  const auto path = resolve_model(folder, ModelRole::kEmbedder, settings_.embedder);
  // Without the need to search, a missing embedder is no reason to refuse `status` or `remove`.
  if (options_.parts == Parts::kStores && !path) return;
  embedder_path_ = value_or_throw(path);
  embedder_ = value_or_throw(inference::Embedder::load(embedder_path_));
  embedder_->use_gpu(gpu_);
  serving_ = embedder_.get();
  if (!engine_ && options_.parts >= Parts::kSearch) {
    own_backend_ =
        std::make_unique<kernels::CpuBackend>(kernels::CpuOptions{.n_threads = settings_.threads});
  }
}

/// Tokens of context: what the setting says, or all that the model was trained for and that fits.
std::int64_t Session::choose_context(const std::filesystem::path& generator) {
  const auto outline = value_or_throw(inference::read_model_outline(generator));
  const DType kv = settings_.kv_type;
  const auto available = available_memory();
  const std::int64_t longest = outline.config.context_length;
  const std::int64_t fitting = context_that_fits(outline, kv, available);
  const bool is_stated = settings_.max_context != 0;
  const std::int64_t wanted =
      is_stated ? std::min<std::int64_t>(settings_.max_context, longest) : longest;
  if (wanted <= fitting) return settings_.max_context;
  if (is_stated || fitting == 0) {
    expect_model_fits(outline, wanted, kv, available, generator.filename().string());
    return settings_.max_context;
  }
  notices_.push_back("Memory is free for a context of " + count_in_words(fitting) + " of the " +
                     count_in_words(longest) + " tokens that the model can read at once.");
  return fitting;
}

void Session::open_stores(const OpenStore& open_store) {
  // Without an embedder nothing is searched or embedded; a library opens all the same.
  retrieval::EmbeddingSpace space{.fingerprint = {}, .dim = 1};
  if (embedder_) {
    space = {embedder_->fingerprint(), embedder_->dim(),
             std::filesystem::absolute(embedder_path_).string()};
  }
  const auto opened = [&](auto result) {
    if (!result && reserve_->is_short()) {
      fail(ErrorCode::kOutOfMemory, "The disk of " + options_.paths.data.string() +
                                        " is full: there is no room to open the library in. Free " +
                                        "some megabytes and try again. (" + result.error().message +
                                        ")");
    }
    return value_or_throw(std::move(result));
  };
  library_ = opened(retrieval::Library::open(options_.paths.data, space, *options_.files));
  store_ = opened(open_store());
  report_sweep();
  if (options_.parts >= Parts::kSearch) choose_serving_embedder();
  // A process that died between the two stores' commits may have left blocks of text that the
  // library no longer has.
  if (lock_->previous_owner_died()) {
    const auto erased = value_or_throw(erase_unowned_blocks(*library_, *store_));
    if (erased > 0) {
      notices_.push_back("The last run was interrupted; " + counted(erased, "block") +
                         " of removed text were erased.");
    }
    drop_unanswered();
  }
}

/// A conversation begins with its first answer; one that was killed before has only a name.
void Session::drop_unanswered() {
  for (const auto& one : value_or_throw(library_->conversations())) {
    if (!value_or_throw(library_->conversation(one.id)).turns.empty()) continue;
    if (!library_->remove_conversation(one.id)) continue;  // tried again after the next kill
    notices_.push_back("The last run was interrupted before it had answered \u201c" + one.name +
                       "\u201d. Ask again.");
  }
}

void Session::choose_serving_embedder() {
  const auto space = library_->serving_space();
  if (space.fingerprint == embedder_->fingerprint()) return;
  former_embedder_ = find_embedder(space, options_.paths.models);
  if (former_embedder_) former_embedder_->use_gpu(gpu_);
  const std::string name = embedder_path_.filename().string();
  if (former_embedder_) {
    serving_ = former_embedder_.get();
    notices_.push_back("The vectors of the embedder before go on finding passages until " + name +
                       " has read all of them.");
    return;
  }
  value_or_throw(library_->switch_vectors(retrieval::Library::Gaps::kAllowed));
  notices_.push_back(
      "The embedder that made the vectors of the passages is not there any more. "
      "They are found by their words until " +
      name + " has read them.");
}

void Session::report_sweep() {
  const auto& sweep = store_->sweep();
  if (sweep.n_rows_without_file > 0) {
    notices_.push_back(counted(sweep.n_rows_without_file, "cached block") +
                       " had lost their files and will be computed again when needed.");
  }
  if (!sweep.damage.empty()) {
    notices_.push_back("The catalogue of cached blocks could not be read (" + sweep.damage +
                       "). It was set aside beside the new one, into which " +
                       counted(sweep.n_rows_rebuilt, "block") + " came back.");
  }
  const auto n_unfinished = sweep.n_temp_files_removed + sweep.n_orphans_removed;
  if (lock_->previous_owner_died() && n_unfinished > 0) {
    notices_.push_back("The last run was interrupted; " +
                       counted(n_unfinished, "unfinished cache file") +
                       " removed. What was finished is here.");
  }
}

void Session::identify_model() {
  const WeightsLook weights(*options_.files, engine_->model().path);
  auto fingerprint = weights.remembered_fingerprint(*store_);
  if (!fingerprint) {
    fingerprint = engine_->model().compute_fingerprint();
    weights.expect_unchanged();
    weights.remember_fingerprint(*store_, *fingerprint);
  }
  encoding_.model = *fingerprint;
  use_adapter(weights);
  encoding_.take(*engine_, engine_->chat_format().prefix(settings_.system_prompt));
}

std::vector<std::string> Session::take_device_notices() {
  std::vector<std::string> notices;
  const auto take = [&](std::vector<std::string> more) {
    notices.insert(notices.end(), more.begin(), more.end());
  };
  if (engine_) take(engine_->take_device_notices());
  for (auto* embedder : {embedder_.get(), former_embedder_.get()}) {
    if (embedder != nullptr) take(embedder->take_device_notices());
  }
  return notices;
}

void Session::use_adapter(const WeightsLook& weights) {
  const auto base_hash = [&] {
    auto hash = weights.remembered_hash(*store_);
    if (!hash) {
      hash = hash_of_weights(engine_->model().path);
      weights.expect_unchanged();
      weights.remember_hash(*store_, *hash);
    }
    return *hash;
  };
  AdapterChoice choice =
      find_adapter(settings_.adapter, engine_->model(), options_.paths.adapters, base_hash);
  // An adapter knows the instruction it was trained with; one that the user wrote comes first.
  if (choice.adapter != nullptr && !choice.adapter->system_prompt.empty() &&
      settings_.system_prompt == Settings().system_prompt) {
    settings_.system_prompt = choice.adapter->system_prompt;
  }
  const bool has_links = choice.adapter != nullptr && choice.adapter->n_link > 0;
  if (choice.adapter != nullptr && !has_links) choice.reason = "The adapter has no link tokens";
  engine_->use_adapter(std::move(choice.adapter));
  if (!has_links && !settings_.mode) {
    mode_warning_ = choice.reason +
                    ". Mode reposition is used: it reuses passages that do not know of each "
                    "other, so answers from several of them are weaker. Mode full reads "
                    "everything anew.";
  }
}

inference::LinkMode Session::default_mode() const {
  if (settings_.mode) return *settings_.mode;
  return encoding_.n_link > 0 ? inference::LinkMode::kLink : inference::LinkMode::kReposition;
}

inference::Engine& Session::engine() {
  KVLINK_CHECK(engine_ != nullptr);
  return *engine_;
}

Result<std::vector<float>> Session::embed(std::span<const std::string> texts,
                                          inference::Priority priority, std::stop_token stop) {
  KVLINK_CHECK(embedder_ != nullptr);
  return embed_by(*serving_, texts, priority, std::move(stop));
}

Result<std::vector<float>> Session::embed_anew(std::span<const std::string> texts,
                                               std::stop_token stop) {
  return embed_by(*embedder_, texts, inference::Priority::kIngestion, std::move(stop));
}

Result<bool> Session::switch_embedder() {
  const std::unique_lock turn(embedder_turn_);
  auto switched = library_->switch_vectors();
  if (switched && *switched) serving_ = embedder_.get();
  return switched;
}

Result<std::vector<float>> Session::embed_by(const inference::Embedder& embedder,
                                             std::span<const std::string> texts,
                                             inference::Priority priority, std::stop_token stop) {
  const auto role = priority == inference::Priority::kQuestion ? inference::TextRole::kQuery
                                                               : inference::TextRole::kPassage;
  if (!engine_) {
    KVLINK_CHECK(own_backend_ != nullptr);
    const std::lock_guard turn(own_backend_turn_);
    return embedder.embed(*own_backend_, texts, role);
  }
  return returning([&] {
    std::optional<Result<std::vector<float>>> vectors;
    engine_->with_backend(
        priority,
        [&](kernels::CpuBackend& backend, const auto& give_way) {
          vectors = embedder.embed(backend, texts, role, give_way);
        },
        std::move(stop));
    return value_or_throw(std::move(*vectors));
  });
}

}  // namespace kvlink::app
