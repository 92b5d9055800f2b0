// SPDX-License-Identifier: Apache-2.0
// Everything one process holds open on a data folder.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "app/block_writer.h"
#include "app/disk_reserve.h"
#include "app/document_passwords.h"
#include "app/instance_lock.h"
#include "app/paths.h"
#include "app/settings.h"
#include "app/text_recognition.h"
#include "app/weights_look.h"
#include "cache/kv_store.h"
#include "inference/embedder.h"
#include "inference/engine.h"
#include "retrieval/extract/extractor.h"
#include "retrieval/library.h"

namespace kvlink::app {

/// How much a session opens; each includes the ones before.
enum class Parts : std::uint8_t {
  kStores,  ///< lock, settings, catalogue, library: no model is needed
  kSearch,  ///< and the embedder
  kAnswer,  ///< and the generator
};

struct SessionOptions {
  Paths paths;
  Parts parts = Parts::kAnswer;
  std::string generator;              ///< "" takes the setting's
  std::string device = {};            ///< "" takes the setting's
  std::string adapter = {};           ///< "" takes the setting's
  std::string chat_format = {};       ///< "" takes the setting's
  std::int32_t threads = 0;           ///< 0 takes the setting's
  std::optional<DType> kv_type = {};  ///< nothing takes the setting's
  /// Hears how far the generator's weights are read, and may stop that.
  inference::LoadWatch watch = {};
  /// Changes settings for this session only (not written to the file).
  std::function<void(Settings&)> adjust;
  FileSystem* files = &FileSystem::posix();  ///< of both stores
  /// Of the program that parses documents; it stands back behind whoever asks or embeds.
  retrieval::ExtractorLimits reader_limits = {.niceness = 5};
};

/// What every block of a library is encoded behind, and for which model.
struct ChunkEncoding {
  Digest model;
  Digest recipe;
  std::vector<std::int32_t> prefix;  ///< system text and opening of the user's turn
  std::int32_t n_header = 0;         ///< rows of the adapter in front of a chunk's own
  std::int32_t n_link = 0;           ///< link tokens that the adapter has for behind it
  std::int32_t encode_position = 0;  ///< of a block's first row, as it was encoded

  /// Sets everything but `model` from the engine with its adapter.
  void take(const inference::Engine& engine, std::vector<std::int32_t> new_prefix);
  /// Ids of a block's rows: -1 for each of the header's, then the chunk's tokens.
  std::vector<std::int32_t> block_ids(std::span<const std::int32_t> chunk_tokens) const;
  /// Rows that a passage takes in a context beside its tokens, at most.
  std::int64_t extra_rows() const { return std::int64_t{n_header} + n_link; }
  cache::BlockKey key(std::span<const std::int32_t> chunk_tokens) const {
    return cache::BlockKey::of(model, recipe, chunk_tokens);
  }
};

/// Owns the lock, the settings, both stores, the models and the writer. Its parts may be used from
/// several threads; each says so itself.
class Session {
 public:
  /// kBusy: another process has the folder. kNotFound: a model is missing, and what to do.
  static Result<std::unique_ptr<Session>> open(SessionOptions options);
  ~Session();

  const Paths& paths() const { return options_.paths; }
  /// As the session was opened with them; its stores know the budgets that are in force.
  const Settings& settings() const { return settings_; }
  /// Why no document can be added now: "", or a sentence about a full disk. Any thread.
  std::string why_no_room() const { return app::why_no_room(paths().data, *options_.files); }
  /// What the user should know about how the session started.
  const std::vector<std::string>& notices() const { return notices_; }

  cache::KvStore& store() { return *store_; }
  retrieval::Library& library() { return *library_; }
  BlockWriter& writer() { return *writer_; }
  /// The program that parses documents.
  const retrieval::Extractor& extractor() const { return extractor_; }
  /// The text of pictures.
  TextRecognition& recognition() { return recognition_; }
  /// What the user said in this session; in memory only.
  DocumentPasswords& passwords() { return passwords_; }
  /// Whether a generator is loaded: Parts::kAnswer.
  bool can_answer() const { return engine_ != nullptr; }
  /// Needs Parts::kAnswer (else a broken invariant).
  inference::Engine& engine();
  /// What became of the GPU since the last call, for the user. Any thread.
  std::vector<std::string> take_device_notices();
  const ChunkEncoding& encoding() const { return encoding_; }
  /// Of a question that names none: the setting's, else link where an adapter fits, else
  /// reposition.
  inference::LinkMode default_mode() const;
  /// What is to be said about an answer in the default mode: "" or the quality warning of
  /// reposition, with the reason why there is no link adapter.
  const std::string& mode_warning() const { return mode_warning_; }
  /// By which texts are embedded: the chosen one, or the one before it until every passage has a
  /// vector of the chosen one (see reindex).
  const inference::Embedder* embedder() const { return serving_; }
  /// Whether the chosen embedder is not the one that serves.
  bool is_between_embedders() const { return serving_ != embedder_.get(); }

  /// Rows of embedder()->dim() floats, computed in turn with everything else. Texts of priority
  /// kQuestion are questions to the embedder, others passages. Needs kSearch. kCancelled: `stop`
  /// was requested before its turn came or between two layers.
  Result<std::vector<float>> embed(std::span<const std::string> texts, inference::Priority priority,
                                   std::stop_token stop = {});
  /// Keeps embedder() the same: to be held from embed() until its vectors were searched with or
  /// committed.
  std::shared_lock<std::shared_mutex> hold_embedder() { return std::shared_lock(embedder_turn_); }
  /// Passages, by the chosen embedder, in the turn of ingestion.
  Result<std::vector<float>> embed_anew(std::span<const std::string> texts,
                                        std::stop_token stop = {});
  /// The chosen embedder serves from here on, when every passage has its vector; whether it does.
  Result<bool> switch_embedder();

 private:
  explicit Session(SessionOptions options)
      : options_(std::move(options)),
        extractor_(options_.paths.reader, options_.reader_limits),
        recognition_(options_.paths.picture_reader, options_.paths.reader) {}
  void open_parts();
  void open_models();
  std::int64_t choose_context(const std::filesystem::path& generator);
  using OpenStore = std::function<Result<std::unique_ptr<cache::KvStore>>()>;
  void open_stores(const OpenStore& open_store);
  void reserve_room();
  void drop_unanswered();
  void identify_model();
  void use_adapter(const WeightsLook& weights);
  void report_sweep();
  void choose_serving_embedder();
  Result<std::vector<float>> embed_by(const inference::Embedder& embedder,
                                      std::span<const std::string> texts,
                                      inference::Priority priority, std::stop_token stop);

  SessionOptions options_;
  retrieval::Extractor extractor_;
  TextRecognition recognition_;
  DocumentPasswords passwords_;
  std::optional<InstanceLock> lock_;
  std::optional<DiskReserve> reserve_;
  Settings settings_;
  std::vector<std::string> notices_;
  inference::GpuOptions gpu_;  ///< of the device that was chosen
  std::unique_ptr<inference::Engine> engine_;
  std::unique_ptr<inference::Embedder> embedder_;
  std::filesystem::path embedder_path_;
  std::unique_ptr<inference::Embedder> former_embedder_;  // whose vectors the library has
  std::atomic<const inference::Embedder*> serving_ = nullptr;
  std::shared_mutex embedder_turn_;  // unique: serving_ and the library's vectors change together
  std::unique_ptr<kernels::CpuBackend> own_backend_;  // for the embedder without a generator
  std::mutex own_backend_turn_;
  std::unique_ptr<cache::KvStore> store_;
  std::unique_ptr<retrieval::Library> library_;
  ChunkEncoding encoding_;
  std::string mode_warning_;
  std::unique_ptr<BlockWriter> writer_;
};

}  // namespace kvlink::app
