// SPDX-License-Identifier: Apache-2.0
// Models and settings as the window sees them. Plain values.
#pragma once

#include <QString>
#include <optional>
#include <vector>

#include "app/desk/messages.h"
#include "app/model_check.h"
#include "app/model_files.h"
#include "app/model_import.h"
#include "app/paths.h"
#include "app/settings.h"

namespace kvlink::desk {

/// The model and the machine of the open session.
struct ModelFacts {
  QString name;  ///< of its file or folder
  QString path;
  QString architecture;
  QString fingerprint;  ///< hex
  QString device;       ///< what computes: "CPU, 2 threads, AVX2", or the name of a GPU
  std::int64_t n_layers = 0;
  std::int64_t context_tokens = 0;
  std::int64_t kv_bytes_per_token = 0;
  bool has_adapter = false;
  QString chat_format;       ///< a name of inference/tokenizer/chat_format.h
  QString chat_format_from;  ///< why that one, in words
  /// Of a question that names none, and what is to be said about it ("": nothing).
  inference::LinkMode default_mode = inference::LinkMode::kReposition;
  QString mode_warning;
};

/// A GPU of this machine.
struct GpuItem {
  QString id;       ///< "gpu:0", as the setting names it
  QString words;    ///< its name, memory and driver
  QString problem;  ///< why it cannot be used, in one line; "": it can
};

/// What can compute here.
struct DeviceFacts {
  QString processor;  ///< "CPU, 2 threads, AVX2"; "" before a model was loaded
  std::vector<GpuItem> gpus = {};
  QString why_no_gpu = {};  ///< without GPUs, in one line
  QString gpu_in_use = {};  ///< by the open session: how it multiplies, or why it is not used
};

/// What the window knows once a session is open.
struct DeskFacts {
  app::Paths paths;
  app::Settings settings;
  DeviceFacts devices;
  std::optional<ModelFacts> model;  ///< nothing: documents can be seen, not asked about or added
  QString why_no_model;             ///< what was looked for, where, and what to do
  std::vector<QString> notices;     ///< of the start: repairs, what was set aside
};

/// What an open session stood on, and no longer does, or does again.
struct Loss {
  enum class Kind : std::uint8_t {
    kDataFolder,  ///< nothing is kept until it is back and the library is opened again
    kModel,       ///< deleted or replaced; the one in memory goes on
    kDisk,        ///< full: nothing is added until there is room
    kDiskOver,    ///< there is room again; the sentence is the one that was told
  };
  Kind kind = Kind::kModel;
  QString sentence;
};

/// What a generator is by its file's header; nothing was computed with it.
struct OutlineFacts {
  QString architecture = {};
  std::int64_t context_tokens = 0;
  std::int64_t kv_bytes_per_token = 0;  ///< of a stored block, f16
  QString refusal = {};                 ///< why it cannot be used; "": it may be
};
/// Whether there is a link adapter that was made for a model.
enum class AdapterFit : std::uint8_t { kUnknown, kYes, kNo };

/// A model that lies somewhere on this disk.
struct ModelItem {
  app::FoundModel found;
  QString source;  ///< "KVLink", "LM Studio", "Hugging Face", "GPT4All", "added"
  bool in_use = false;
  bool is_kept = false;  ///< in the models folder: it, or a link to it
  bool is_link = false;
  std::optional<OutlineFacts> outline = {};  ///< of generators, once their header was read
  AdapterFit adapter = AdapterFit::kUnknown;
};

struct ModelList {
  RequestId id = 0;
  std::vector<ModelItem> models;
};

struct ModelChecked {
  RequestId id = 0;
  QString path;
  std::optional<app::ModelCheck> check;
  std::optional<Problem> problem;
};

/// How far a check or an import is; nothing is told of what takes no time.
struct ModelProgress {
  RequestId id = 0;
  std::int64_t n_bytes_done = 0;
  std::int64_t n_bytes = 0;
};

struct ModelImported {
  RequestId id = 0;
  QString source;
  app::ImportMethod method = app::ImportMethod::kReference;
  QString path;                    ///< in the models folder; empty with a problem
  std::optional<Problem> problem;  ///< kCancelled: nothing was kept
};

struct ModelRemoved {
  RequestId id = 0;
  QString name;
  app::RemovedModel removed;
  std::optional<Problem> problem;
};

/// How far a newly chosen embedder is with reading the passages.
struct ReindexStatus {
  std::int64_t n_done = 0;
  std::int64_t n_passages = 0;
  bool old_serves = true;  ///< else words alone find what it has not read yet
  bool done = false;       ///< it serves from here on
};

/// What putting settings in force would cost.
struct SettingsEffect {
  RequestId id = 0;
  app::Settings settings;
  QString problem;            ///< "" or which value is out of range
  bool needs_reopen = false;  ///< the model is loaded again
  std::int64_t n_passages_to_embed = 0;  ///< by another embedder, in the background
  std::int64_t n_stale_blocks = 0;
  std::int64_t n_tokens = 0;  ///< to be encoded again
  double seconds = 0;         ///< about, at the rate measured here
  bool measured = false;
};

}  // namespace kvlink::desk
