// SPDX-License-Identifier: Apache-2.0
#include "app/settings.h"

#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "app/file_bytes.h"
#include "inference/device/gpu_options.h"
#include "inference/tokenizer/chat_format.h"
#include "retrieval/chunker.h"

namespace kvlink::app {
namespace {

using nlohmann::json;
constexpr std::int64_t kMaxFileBytes = 1 << 20;
constexpr int kMaxDepth = 8;
/// Of files of earlier versions; what it asked for happens by itself now.
constexpr const char* kFormerKey = "use_gpu";

/// One key: how it is written, and how it is read (an empty string: accepted).
struct Field {
  const char* name;
  std::function<json(const Settings&)> write;
  std::function<std::string(Settings&, const json&)> read;
};

template <typename T>
Field integer(const char* name, T Settings::*member, std::int64_t low, std::int64_t high) {
  return {name, [=](const Settings& s) { return json(s.*member); },
          [=](Settings& s, const json& value) -> std::string {
            const bool ok = value.is_number_integer() &&
                            (!value.is_number_unsigned() ||
                             value.get<std::uint64_t>() <= std::uint64_t(INT64_MAX)) &&
                            value.get<std::int64_t>() >= low && value.get<std::int64_t>() <= high;
            if (!ok) {
              return "must be a whole number from " + std::to_string(low) + " to " +
                     std::to_string(high);
            }
            s.*member = static_cast<T>(value.get<std::int64_t>());
            return "";
          }};
}

/// `part` gives the struct that holds the member: the settings or their sampler.
template <typename Part, typename Struct, typename T>
Field number(const char* name, Part part, T Struct::*member, double low, double high) {
  return {
      name, [=](const Settings& s) { return json(part(const_cast<Settings&>(s)).*member); },
      [=](Settings& s, const json& value) -> std::string {
        if (!value.is_number() || !(value.get<double>() >= low && value.get<double>() <= high)) {
          return "must be a number from " + json(low).dump() + " to " + json(high).dump();
        }
        part(s).*member = static_cast<T>(value.get<double>());
        return "";
      }};
}

Field flag(const char* name, bool Settings::*member) {
  return {name, [=](const Settings& s) { return json(s.*member); },
          [=](Settings& s, const json& value) -> std::string {
            if (!value.is_boolean()) return "must be true or false";
            s.*member = value.get<bool>();
            return "";
          }};
}

Field text(const char* name, std::string Settings::*member, std::size_t limit) {
  return {name, [=](const Settings& s) { return json(s.*member); },
          [=](Settings& s, const json& value) -> std::string {
            if (!value.is_string() || value.get_ref<const std::string&>().size() > limit) {
              return "must be text of at most " + std::to_string(limit) + " bytes";
            }
            s.*member = value.get<std::string>();
            return "";
          }};
}

template <typename T>
Field choice(const char* name, T Settings::*member, std::vector<std::pair<std::string, T>> names) {
  auto write = [=](const Settings& s) -> json {
    for (const auto& [word, value] : names) {
      if (value == s.*member) return word;
    }
    return nullptr;
  };
  auto read = [=](Settings& s, const json& value) -> std::string {
    std::string words;
    for (const auto& [word, meaning] : names) {
      if (value.is_string() && value.get_ref<const std::string&>() == word) {
        s.*member = meaning;
        return "";
      }
      words += (words.empty() ? "" : ", ") + word;
    }
    return "must be one of " + words;
  };
  return {name, write, read};
}

Field device() {
  return {"device", [](const Settings& s) { return json(s.device); },
          [](Settings& s, const json& value) -> std::string {
            if (!value.is_string() ||
                !inference::is_device_choice(value.get_ref<const std::string&>())) {
              return "must be auto, cpu, or a GPU as `kvlink doctor` lists them: gpu:0, gpu:1, …";
            }
            s.device = value.get<std::string>();
            return "";
          }};
}

using ChosenMode = std::optional<inference::LinkMode>;
std::vector<std::pair<std::string, ChosenMode>> mode_names() {
  std::vector<std::pair<std::string, ChosenMode>> names{{"default", std::nullopt}};
  for (const auto mode :
       {inference::LinkMode::kFull, inference::LinkMode::kConcat, inference::LinkMode::kReposition,
        inference::LinkMode::kLink, inference::LinkMode::kRecompute}) {
    names.emplace_back(inference::link_mode_name(mode), mode);
  }
  return names;
}

std::vector<std::pair<std::string, std::string>> chat_formats() {
  std::vector<std::pair<std::string, std::string>> names{{"default", "default"}};
  for (const std::string& name : inference::chat_format_names()) names.emplace_back(name, name);
  return names;
}

std::vector<Field> size_fields() {
  return {
      integer("disk_budget_bytes", &Settings::disk_budget_bytes, 0, std::int64_t{1} << 50),
      integer("memory_budget_bytes", &Settings::memory_budget_bytes, 0, std::int64_t{1} << 44),
      integer("gpu_budget_bytes", &Settings::gpu_budget_bytes, 0, std::int64_t{1} << 44),
      integer("threads", &Settings::threads, 0, 1024),
      integer("chunks_per_answer", &Settings::chunks_per_answer, 1, 64),
      integer("max_answer_tokens", &Settings::max_answer_tokens, 1, 65536),
      integer("max_context", &Settings::max_context, 0, 1 << 20),
      integer("chunk_target_tokens", &Settings::chunk_target_tokens, 16, 4096),
      integer("chunk_max_tokens", &Settings::chunk_max_tokens,
              retrieval::ChunkerOptions::kMinMaxTokens, 8192),
      integer("max_document_bytes", &Settings::max_document_bytes, 1, std::int64_t{1} << 32),
  };
}

std::vector<Field> all_fields() {
  auto fields = size_fields();
  fields.push_back(choice<cache::Eviction>("eviction", &Settings::eviction,
                                           {{"gdsf", cache::Eviction::kGdsf},
                                            {"lru", cache::Eviction::kLru},
                                            {"lfu", cache::Eviction::kLfu}}));
  fields.push_back(choice<DType>("block_dtype", &Settings::block_dtype,
                                 {{"f16", DType::kF16}, {"q8", DType::kQ8Kv}}));
  fields.push_back(
      choice<DType>("kv_type", &Settings::kv_type,
                    {{"f16", DType::kF16}, {"bf16", DType::kBF16}, {"q8", DType::kQ8Kv}}));
  fields.push_back(choice<ChosenMode>("mode", &Settings::mode, mode_names()));
  fields.push_back(choice<std::string>("chat_format", &Settings::chat_format, chat_formats()));
  fields.push_back(device());
  fields.push_back(flag("read_archives", &Settings::read_archives));
  fields.push_back(
      choice<Ocr>("ocr", &Settings::ocr,
                  {{"off", Ocr::kOff}, {"scans", Ocr::kScans}, {"pictures", Ocr::kPictures}}));
  fields.push_back(text("ocr_languages", &Settings::ocr_languages, 100));
  fields.push_back(text("adapter", &Settings::adapter, 4096));
  using inference::RecomputeMethod;
  fields.push_back(choice<RecomputeMethod>("recompute", &Settings::recompute,
                                           {{"first-k", RecomputeMethod::kFirstK},
                                            {"deviation", RecomputeMethod::kDeviation},
                                            {"query", RecomputeMethod::kQuery}}));
  fields.push_back(text("generator", &Settings::generator, 4096));
  fields.push_back(text("embedder", &Settings::embedder, 4096));
  fields.push_back(text("system_prompt", &Settings::system_prompt, 4000));
  fields.push_back(flag("end_at_next_question", &Settings::end_at_next_question));
  using inference::SamplerOptions;
  const auto whole = [](Settings& s) -> Settings& { return s; };
  const auto sampler = [](Settings& s) -> SamplerOptions& { return s.sampler; };
  fields.push_back(number("recompute_share", whole, &Settings::recompute_share, 0, 1));
  fields.push_back(number("passage_prior", whole, &Settings::passage_prior, 0, 100));
  fields.push_back(number("temperature", sampler, &SamplerOptions::temperature, 0, 10));
  fields.push_back(number("top_k", sampler, &SamplerOptions::top_k, 0, 100000));
  fields.push_back(number("top_p", sampler, &SamplerOptions::top_p, 0, 1));
  fields.push_back(
      number("repetition_penalty", sampler, &SamplerOptions::repetition_penalty, 1, 10));
  fields.push_back(number("seed", sampler, &SamplerOptions::seed, 0, 9007199254740992.0));
  return fields;
}

/// The parsed object, or nothing when the text is not one (deep nesting counts as damage).
std::optional<json> parse_object(const std::string& bytes) {
  auto keep = [](int depth, json::parse_event_t, json&) {
    if (depth > kMaxDepth) fail(ErrorCode::kCorrupt, "nested too deeply");
    return true;
  };
  try {
    json parsed = json::parse(bytes, keep);
    if (parsed.is_object()) return parsed;
  } catch (const json::exception&) {
  } catch (const Exception&) {
  }
  return std::nullopt;
}

void read_fields(const json& object, LoadedSettings& loaded) {
  const auto fields = all_fields();
  for (const auto& [key, value] : object.items()) {
    bool known = false;
    for (const auto& field : fields) {
      if (key != field.name) continue;
      known = true;
      const std::string problem = field.read(loaded.settings, value);
      if (!problem.empty()) {
        loaded.notices.push_back("Setting " + key + " " + problem + "; the default is used.");
        if (key == "disk_budget_bytes") loaded.budget_is_known = false;
      }
    }
    if (!known && key != kFormerKey) {
      loaded.notices.push_back("Setting " + key.substr(0, 80) + " is not known here.");
    }
  }
  if (loaded.settings.chunk_max_tokens < loaded.settings.chunk_target_tokens) {
    loaded.settings.chunk_max_tokens = loaded.settings.chunk_target_tokens;
    loaded.notices.push_back(
        "Setting chunk_max_tokens is below chunk_target_tokens; raised to it.");
  }
}

}  // namespace

Result<LoadedSettings> load_settings(const std::filesystem::path& file, DamagedFile damaged) {
  return returning([&] {
    LoadedSettings loaded;
    std::error_code error;
    const std::filesystem::path aside = file.string() + ".damaged";
    if (!std::filesystem::exists(file, error)) {
      loaded.budget_is_known = !std::filesystem::exists(aside, error);
      return loaded;
    }
    std::optional<json> object;
    const FileBytes read = read_file(file, kMaxFileBytes);
    if (!read.too_large) object = parse_object(read.bytes);
    if (object) {
      read_fields(*object, loaded);
      return loaded;
    }
    loaded.budget_is_known = false;
    std::string notice = "The settings file is damaged; the defaults are used";
    if (damaged == DamagedFile::kSetAside) {
      std::filesystem::rename(file, aside, error);
      if (!error) notice += ", and the file was kept as " + aside.string();
    }
    loaded.notices.push_back(notice + ".");
    return loaded;
  });
}

std::string settings_problem(const Settings& settings) {
  for (const auto& field : all_fields()) {
    Settings scratch;
    const std::string problem = field.read(scratch, field.write(settings));
    if (!problem.empty()) return std::string(field.name) + " " + problem;
  }
  if (settings.chunk_max_tokens < settings.chunk_target_tokens) {
    return "chunk_max_tokens must not be below chunk_target_tokens";
  }
  return "";
}

void take_changeable(Settings& to, const Settings& from) {
  to.disk_budget_bytes = from.disk_budget_bytes;
  to.memory_budget_bytes = from.memory_budget_bytes;
  to.gpu_budget_bytes = from.gpu_budget_bytes;
  to.recompute = from.recompute;
  to.recompute_share = from.recompute_share;
  to.passage_prior = from.passage_prior;
  to.chunks_per_answer = from.chunks_per_answer;
  to.max_answer_tokens = from.max_answer_tokens;
  to.end_at_next_question = from.end_at_next_question;
  to.sampler = from.sampler;
}

bool can_change_in_place(const Settings& a, const Settings& b) {
  Settings changed = a;
  take_changeable(changed, b);
  bool differ = false;
  for (const auto& field : all_fields()) {
    const json wanted = field.write(b);
    if (field.write(changed) != wanted) return false;
    differ = differ || field.write(a) != wanted;
  }
  return differ;
}

Result<void> save_settings(const Settings& settings, const std::filesystem::path& file,
                           FileSystem& files) {
  return returning([&] {
    const std::string problem = settings_problem(settings);
    if (!problem.empty()) fail(ErrorCode::kInvalidInput, "Setting " + problem + ".");
    json object = json::object();
    for (const auto& field : all_fields()) object[field.name] = field.write(settings);
    const std::string bytes = object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
    auto pending = files.create(file, static_cast<std::int64_t>(bytes.size()));
    pending->write(std::as_bytes(std::span(bytes)));
    pending->commit();
  });
}

}  // namespace kvlink::app
