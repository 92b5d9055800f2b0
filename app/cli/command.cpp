// SPDX-License-Identifier: Apache-2.0
#include "app/cli/command.h"

#include "app/document_names.h"
#include "app/words.h"

namespace kvlink::app {

std::unique_ptr<Session> CommandContext::open_session(
    Parts parts, const std::function<void(Settings&)>& adjust) const {
  SessionOptions options;
  options.paths = paths;
  options.parts = parts;
  options.generator = global.model;
  options.device = global.device;
  options.adapter = global.adapter;
  options.chat_format = global.chat_format;
  options.kv_type = chosen_kv_type();
  options.threads = global.threads;
  options.adjust = adjust;
  options.watch.stop = interrupt.token();
  options.watch.progress = [this](std::int64_t done, std::int64_t total) {
    // A small model is there before a line could be read.
    constexpr std::int64_t kLarge = std::int64_t{1} << 29;
    if (total < kLarge) return;
    output.progress("loading the model: " + bytes_in_words(done) + " of " + bytes_in_words(total));
    if (done == total) output.end_progress();
  };
  auto session = value_or_throw(Session::open(std::move(options)));
  for (const auto& notice : session->notices()) output.note(notice);
  return session;
}

Settings CommandContext::look_at_settings() const {
  auto loaded = value_or_throw(load_settings(paths.settings_file(), DamagedFile::kLeave));
  for (const auto& notice : loaded.notices) output.note(notice);
  return std::move(loaded.settings);
}

std::optional<DType> CommandContext::chosen_kv_type() const {
  for (const DType type : {DType::kF16, DType::kBF16, DType::kQ8Kv}) {
    if (global.kv_type == dtype_name(type)) return type;
  }
  return std::nullopt;
}

std::vector<retrieval::DocumentId> documents_named(Session& session,
                                                   std::span<const std::string> names) {
  return found_or_throw(resolve_documents(session.library(), names));
}

void adjust_recompute(Settings& settings, const RecomputeArguments& arguments) {
  if (const auto method = inference::parse_recompute_method(arguments.method)) {
    settings.recompute = *method;
  }
  if (arguments.share) settings.recompute_share = *arguments.share;
}

}  // namespace kvlink::app
