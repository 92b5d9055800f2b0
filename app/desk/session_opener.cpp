// SPDX-License-Identifier: Apache-2.0
#include "app/desk/session_opener.h"

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "app/model_check.h"
#include "app/throttle.h"
#include "kernels/base/kv_block.h"

namespace kvlink::desk {
namespace {

constexpr auto kAskAgain = std::chrono::milliseconds(100);
constexpr auto kTellInterval = std::chrono::milliseconds(100);

app::SessionOptions session_options(const DeskOptions& options, app::Parts parts) {
  app::SessionOptions made;
  made.paths = options.paths;
  made.parts = parts;
  made.generator = options.generator;
  made.threads = options.threads;
  made.adjust = options.adjust;
  made.files = options.files;
  return made;
}

/// Errors that a model in another place would cure: without it, documents can still be seen.
bool is_about_model(ErrorCode code) {
  return code == ErrorCode::kNotFound || code == ErrorCode::kUnsupported ||
         code == ErrorCode::kCorrupt;
}

ModelFacts facts_of(app::Session& session) {
  auto& engine = session.engine();
  const auto& model = engine.model();
  const KvLayout layout{model.config.n_layers, model.config.n_kv_heads, model.config.head_dim,
                        session.settings().block_dtype};
  constexpr std::int64_t kTokens = 1000;  // planes are padded: the mean of many tokens
  ModelFacts facts;
  // What a file calls itself inside is often the name of an experiment.
  facts.name = text_of(
      (model.path.extension() == ".gguf" ? model.path.stem() : model.path.filename()).string());
  facts.path = text_of(model.path.string());
  facts.architecture = text_of(model.config.architecture);
  facts.fingerprint = text_of(session.encoding().model.hex());
  facts.device = text_of(engine.device_tier() ? engine.device_words()
                                              : engine.backend().describe());
  facts.has_adapter = engine.adapter() != nullptr;
  facts.chat_format = text_of(engine.chat_format().name());
  const bool is_chosen = session.settings().chat_format != "default";
  facts.chat_format_from = is_chosen
                               ? SessionOpener::tr("as chosen in the settings")
                               : text_of(app::reason_of_chat_format(
                                     model.tokenizer, std::string(engine.chat_format().name())));
  facts.default_mode = session.default_mode();
  facts.mode_warning = text_of(session.mode_warning());
  facts.n_layers = model.config.n_layers;
  facts.context_tokens = engine.max_context();
  facts.kv_bytes_per_token = KvBlock::total_bytes(layout, kTokens) / kTokens;
  return facts;
}

DeviceFacts devices_of(app::Session& session) {
  DeviceFacts facts;
  const auto found = inference::find_gpus(session.paths().cuda_plugin);
  for (const auto& gpu : found.gpus) {
    facts.gpus.push_back({text_of(gpu.id), text_of(gpu.words), text_of(gpu.problem)});
  }
  facts.why_no_gpu = text_of(found.problem);
  if (!session.can_answer()) return facts;
  facts.processor = text_of(session.engine().backend().describe());
  facts.gpu_in_use = text_of(session.engine().device_words());
  return facts;
}

std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t size = 0;
  std::int64_t resident = 0;
  statm >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

}  // namespace

void SessionOpener::open(std::optional<app::Settings> settings) {
  QMetaObject::invokeMethod(
      this,
      [this, settings = std::move(settings), stop = stop_.begin()] { open_now(settings, stop); },
      Qt::QueuedConnection);
}

void SessionOpener::stop_loading() { stop_.stop(); }

inference::LoadWatch SessionOpener::watch(std::stop_token stop) {
  app::Throttle throttle(kTellInterval, std::chrono::milliseconds(options_.quiet_loading_ms));
  const auto progress = [this, throttle](std::int64_t done, std::int64_t total) mutable {
    if (throttle.is_due()) emit loading(done, total);
  };
  return {.progress = progress, .stop = std::move(stop)};
}

/// A window that was closed a moment ago still writes what it has to write: it is waited for.
Result<std::unique_ptr<app::Session>> SessionOpener::open_with_model(const std::stop_token& stop) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.busy_ms);
  while (true) {
    auto options = session_options(options_, app::Parts::kAnswer);
    options.watch = watch(stop);
    auto opened = app::Session::open(std::move(options));
    const bool is_busy = !opened && opened.error().code == ErrorCode::kBusy;
    if (!is_busy || stop.stop_requested() || std::chrono::steady_clock::now() >= end) {
      return opened;
    }
    std::this_thread::sleep_for(kAskAgain);
  }
}

void SessionOpener::open_now(const std::optional<app::Settings>& settings,
                             const std::stop_token& stop) {
  DeskFacts facts;
  facts.paths = options_.paths;
  if (settings) {
    const auto written =
        app::save_settings(*settings, options_.paths.settings_file(), *options_.files);
    if (!written) {
      facts.notices.push_back(
          tr("The settings could not be written, and the old ones are in force: %1")
              .arg(text_of(written.error().message)));
    }
  }
  if (const auto gone = surroundings_.missing_folder()) {
    emit failed({ErrorCode::kNotFound, *gone});
    return;
  }
  auto opened = open_with_model(stop);
  const bool was_stopped = !opened && opened.error().code == ErrorCode::kCancelled;
  if (was_stopped || (!opened && is_about_model(opened.error().code))) {
    facts.why_no_model =
        was_stopped ? tr("Loading the model was stopped. Choose this or another model, or start "
                         "the window again.")
                    : text_of(opened.error().message);
    opened = app::Session::open(session_options(options_, app::Parts::kStores));
  }
  if (!opened) {
    emit failed(problem_of(opened.error()));
    return;
  }
  std::shared_ptr<app::Session> session = std::move(*opened);
  facts.settings = session->settings();
  facts.devices = devices_of(*session);
  for (const auto& notice : session->notices()) facts.notices.push_back(text_of(notice));
  std::vector<std::filesystem::path> weights;
  if (session->can_answer()) {
    facts.model = facts_of(*session);
    weights = Surroundings::files_of(session->engine().model().path);
  }
  surroundings_.settle(options_.paths.lock_file(), weights, *options_.files);
  emit this->opened(std::move(session), facts);
}

void SessionOpener::look_around() {
  QMetaObject::invokeMethod(
      this,
      [this] {
        emit memory_seen(resident_bytes());
        for (const auto& loss : surroundings_.look()) emit lost(loss);
      },
      Qt::QueuedConnection);
}

}  // namespace kvlink::desk
