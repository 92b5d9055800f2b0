// SPDX-License-Identifier: Apache-2.0
#include "app/desk/settings_worker.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "app/desk/document_stages.h"

namespace kvlink::desk {
namespace {

namespace fs = std::filesystem;

struct Place {
  QString source;
  fs::path folder;
};

/// Where other programs keep models they fetched. Looked at, never written to.
std::vector<Place> places_of(const app::Paths& paths, const QString& home) {
  std::vector<Place> places = {{QStringLiteral("KVLink"), paths.models}};
  if (home.isEmpty()) return places;
  const fs::path user = utf8_of(home);
  const auto add = [&](const char* source, const fs::path& root, int depth, const char* below) {
    std::vector<fs::path> level = {root};
    for (; depth > 0; --depth) {
      std::vector<fs::path> next;
      for (const auto& folder : level) {
        std::error_code error;
        for (fs::directory_iterator it(folder, error), end; !error && it != end;
             it.increment(error)) {
          std::error_code ignored;
          if (it->is_directory(ignored)) next.push_back(it->path());
        }
      }
      level = std::move(next);
    }
    for (const auto& folder : level)
      places.push_back({QString::fromLatin1(source), folder / below});
  };
  add("LM Studio", user / ".lmstudio" / "models", 1, "");
  add("LM Studio", user / ".cache" / "lm-studio" / "models", 1, "");
  add("Hugging Face", user / ".cache" / "huggingface" / "hub", 1, "snapshots");
  add("GPT4All", user / ".local" / "share" / "nomic.ai" / "GPT4All", 0, "");
  return places;
}

bool same_but_cheap(const app::Settings& a, const app::Settings& b) {
  return a.generator == b.generator && a.system_prompt == b.system_prompt &&
         a.block_dtype == b.block_dtype && a.adapter == b.adapter && a.chat_format == b.chat_format;
}

}  // namespace

void SettingsWorker::list_models(RequestId id, std::vector<QString> extra) {
  listing_.stop();
  post([this, id, extra = std::move(extra), stop = listing_.begin()] {
    ModelList list{.id = id, .models = {}};
    std::set<fs::path> seen;
    const auto add = [&](const app::FoundModel& found, const QString& source, bool is_kept) {
      if (!seen.insert(found.path).second) return;
      std::error_code ignored;
      list.models.push_back({.found = found,
                             .source = source,
                             .in_use = is_in_use(found),
                             .is_kept = is_kept,
                             .is_link = fs::is_symlink(found.path, ignored)});
    };
    for (const auto& place : places_of(paths_, home_)) {
      const bool is_own = place.folder == paths_.models;
      for (const auto& found : app::find_models(place.folder)) add(found, place.source, is_own);
    }
    for (const auto& path : extra) {
      app::FoundModel found;
      found.path = utf8_of(path);
      found.name = found.path.filename().string();
      found.role = app::role_of_model(found.path);
      std::error_code ignored;
      const auto bytes = fs::file_size(found.path, ignored);
      found.bytes = ignored ? 0 : static_cast<std::int64_t>(bytes);
      add(found, tr("added"), false);
    }
    emit models_listed(list);
    add_outlines(list, stop);
    emit models_listed(list);
  });
}

bool SettingsWorker::is_in_use(const app::FoundModel& found) {
  if (!has_session()) return false;
  std::error_code ignored;
  if (found.role == app::ModelRole::kGenerator) {
    return has_model() && fs::equivalent(found.path, session().engine().model().path, ignored);
  }
  const auto embedder =
      app::resolve_model(paths_.models, app::ModelRole::kEmbedder, session().settings().embedder);
  return embedder && fs::equivalent(found.path, *embedder, ignored);
}

void SettingsWorker::add_outlines(ModelList& list, const std::stop_token& stop) {
  for (auto& item : list.models) {
    if (item.found.role != app::ModelRole::kGenerator) continue;
    item.outline = outlines_.of(item.found);
    if (item.in_use) {
      item.adapter = session().engine().adapter() != nullptr ? AdapterFit::kYes : AdapterFit::kNo;
    } else if (item.outline->refusal.isEmpty()) {
      item.adapter = outlines_.adapter_fit(item.found, paths_.adapters, stop);
    }
  }
}

void SettingsWorker::estimate(RequestId id, app::Settings settings) {
  post([this, id, settings = std::move(settings)] {
    SettingsEffect effect;
    effect.id = id;
    effect.settings = settings;
    effect.problem = text_of(app::settings_problem(settings));
    effect.needs_reopen = !has_session() || !app::can_change_in_place(settings, in_force_);
    if (has_session() && settings.embedder != session().settings().embedder) {
      effect.n_passages_to_embed = session().library().n_chunks();
    }
    if (has_session() && !same_but_cheap(settings, session().settings())) {
      const auto rows = session().store().list();
      if (rows) {
        for (const auto& row : *rows) {
          if (!is_current(session(), row)) continue;
          ++effect.n_stale_blocks;
          effect.n_tokens += row.n_tokens;
        }
        const auto rate = encoding_rate(*rows);
        effect.measured = rate.has_value();
        if (rate) effect.seconds = static_cast<double>(effect.n_tokens) / *rate;
      }
    }
    emit effect_estimated(effect);
  });
}

void SettingsWorker::set_in_place(app::Settings settings) {
  post([this, settings = std::move(settings), stop = removals_.begin()] {
    if (const auto problem = why_not(false)) {
      emit settings_refused(*problem);
      return;
    }
    const auto written = app::save_settings(settings, paths_.settings_file(), *files_);
    if (!written) {
      emit settings_refused({written.error().code,
                             tr("The setting could not be written, and the old one is in force: %1")
                                 .arg(text_of(written.error().message))});
      return;
    }
    in_force_ = settings;
    emit settings_set(settings);
    if (has_model()) session().engine().set_device_budget(settings.gpu_budget_bytes);
    const auto removed = session().store().set_budgets(settings.disk_budget_bytes,
                                                       settings.memory_budget_bytes, stop);
    if (!removed) emit settings_refused(problem_of(removed.error()));
    emit blocks_changed();
  });
}

}  // namespace kvlink::desk
