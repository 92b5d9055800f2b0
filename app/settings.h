// SPDX-License-Identifier: Apache-2.0
// What a user can set, kept in settings.json in the data folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cache/kv_store.h"
#include "inference/link/context_plan.h"
#include "inference/sampler.h"
#include "kernels/base/dtype.h"
#include "kernels/base/file_system.h"
#include "kernels/base/result.h"

namespace kvlink::app {

/// Whose pictures of text are read, where Tesseract is installed.
enum class Ocr : std::uint8_t {
  kOff,
  kScans,     ///< pages of PDF files that have no text, and pictures that are named themselves
  kPictures,  ///< and the pictures in folders
};

/// Every field is a key of settings.json of the same name. Plain value.
struct Settings {
  /// Bytes of KV block files on disk; ingestion stops caching there. 0 to 2^50.
  std::int64_t disk_budget_bytes = std::int64_t{8} << 30;
  /// Bytes of blocks kept in memory between questions. 0 (none) to 2^44.
  std::int64_t memory_budget_bytes = std::int64_t{512} << 20;
  /// Which block makes room first: "gdsf", "lru" or "lfu".
  cache::Eviction eviction = cache::Eviction::kGdsf;
  /// Precision of stored KV: "f16" (as computed) or "q8" (half the bytes).
  DType block_dtype = DType::kF16;
  /// Precision of KV in the processor's memory while answering: "f16", "bf16" (the same size) or
  /// "q8" (half the bytes). Stored blocks do not depend on it; a GPU keeps f16 whatever it says.
  DType kv_type = DType::kF16;
  /// Threads that compute. 0 (one per physical core) to 1024.
  std::int32_t threads = 0;
  /// What computes: "auto" (the first GPU that can be used, else the processor), "cpu", or "gpu:0",
  /// "gpu:1", … as `kvlink doctor` lists them.
  std::string device = "auto";
  /// Bytes of blocks kept on a GPU between questions. 0 (none) to 2^44.
  std::int64_t gpu_budget_bytes = std::int64_t{2} << 30;
  /// File or folder of the generator, or its name in the models folder; "" takes the default.
  std::string generator;
  /// Folder of the embedder, or its name in the models folder; "" takes the default.
  std::string embedder;
  /// What the model is told first. Part of what chunks are encoded behind: another text makes
  /// every stored block stale. At most 4,000 bytes.
  std::string system_prompt = "Answer the question from the passages in one or two sentences.";
  /// How chunks enter the context: "full", "concat", "reposition", "link", "recompute"; "default"
  /// (nothing): link where an adapter fits the model, else reposition.
  std::optional<inference::LinkMode> mode;
  /// Link adapter: "default" (the one that was made for the model), "none", or a file. At most
  /// 4,096 bytes. Another header or LoRA makes stored blocks stale, other link tokens do not.
  std::string adapter = "default";
  /// Mode recompute: which tokens are computed again: "first-k", "deviation" or "query".
  inference::RecomputeMethod recompute = inference::RecomputeMethod::kFirstK;
  /// Mode recompute: share of the passages' tokens that are computed again. 0 to 1.
  float recompute_share = 0.15F;
  /// How much a passage's similarity to the question counts while the model reads, in modes full,
  /// reposition and link (app/passage_prior.h). 0 (passages count alike) to 100.
  float passage_prior = 8.0F;
  /// Passages retrieved for a question. 1 to 64.
  std::int32_t chunks_per_answer = 5;
  /// Tokens of an answer at most. 1 to 65,536.
  std::int32_t max_answer_tokens = 256;
  /// How the model's chats are written: "default" (by the marks in its template), or a name of
  /// inference/tokenizer/chat_format.h: "chatml", "llama-3", "llama-2", "mistral", "zephyr",
  /// "plain". Blocks that were encoded behind another format's prefix become stale.
  std::string chat_format = "default";
  /// Whether an answer ends where the model begins a line with "Question:", as small models do to
  /// make up the user's next one. true or false.
  bool end_at_next_question = true;
  /// Tokens of context; 0: what the model was trained for. 0 to 2^20.
  std::int32_t max_context = 0;
  /// A chunk is closed at a border once it has this many tokens. 16 to 4,096.
  std::int32_t chunk_target_tokens = 180;
  /// A chunk never has more. 32, and not below chunk_target_tokens, to 8,192.
  std::int32_t chunk_max_tokens = 256;
  /// A document's file is at most this large. 1 to 2^32.
  std::int64_t max_document_bytes = std::int64_t{64} << 20;
  /// Whether ZIP and tar archives are opened; each becomes one document. true or false.
  bool read_archives = false;
  /// Reading pictures of text: "off", "scans" (pages of PDF files without text, and pictures that
  /// are added themselves) or "pictures" (also those in folders). Seconds of computing for a page.
  Ocr ocr = Ocr::kScans;
  /// What they are written in, by Tesseract's names: "deu+eng"; "auto": English and the language of
  /// this system. At most 100 bytes.
  std::string ocr_languages = "auto";
  /// temperature (0 to 10; 0: greedy), top_k (0 to 100,000), top_p (0 to 1), repetition_penalty
  /// (1 to 10), seed.
  inference::SamplerOptions sampler{.repetition_penalty = 1.1F};
};

struct LoadedSettings {
  Settings settings;
  std::vector<std::string> notices;  ///< what was ignored or set aside, for the user
  /// False when the user's disk budget could not be read: nothing may be evicted for the default.
  bool budget_is_known = true;
};

/// What becomes of a file that is not JSON: only who holds the instance lock may put it aside, as
/// settings.json.damaged.
enum class DamagedFile : std::uint8_t { kSetAside, kLeave };

/// Reads settings.json; a missing file gives the defaults. So does one that is not JSON; a value out
/// of range is ignored, each with a notice. While a file that was set aside has no successor, the
/// disk budget is not known. kIo when the file exists and cannot be read.
Result<LoadedSettings> load_settings(const std::filesystem::path& file,
                                     DamagedFile damaged = DamagedFile::kSetAside);

/// Writes all fields: temporary file, sync, rename. kInvalidInput names a value out of range.
Result<void> save_settings(const Settings& settings, const std::filesystem::path& file,
                           FileSystem& files = FileSystem::posix());

/// Takes over what can change while a session is open: the budgets, and how answers are made.
void take_changeable(Settings& to, const Settings& from);

/// Whether they differ, and in nothing but that: then no model has to be loaded again.
bool can_change_in_place(const Settings& a, const Settings& b);

/// "" or what is wrong, for one set of values.
std::string settings_problem(const Settings& settings);

}  // namespace kvlink::app
