// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/chat_format.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "kernels/base/result.h"

namespace kvlink::inference {
namespace {

using Ids = std::vector<std::int32_t>;

bool wants_bos(const Tokenizer& tokenizer) {
  return tokenizer.add_bos() && tokenizer.bos_id() >= 0;
}

/// Every token that some source says ends a turn: EOS, what the model's files list, and the control
/// tokens that are known to.
Ids find_stop_ids(const TokenizerSource& source, const Tokenizer& tokenizer) {
  constexpr std::array<std::string_view, 7> kEnds = {
      "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>",
      "<|eom_id|>", "<|end|>",       "</s>"};
  Ids ids;
  const auto add = [&](std::int32_t id) {
    const bool known = id >= 0 && id < tokenizer.vocab_size();
    if (known && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  };
  add(tokenizer.eos_id());
  for (const std::int32_t id : source.stop_ids) add(id);
  for (const std::string& text : source.stop_texts) add(tokenizer.control_id(text).value_or(-1));
  for (const std::string_view end : kEnds) add(tokenizer.control_id(end).value_or(-1));
  return ids;
}

/// A control token, or text when id is negative.
struct Part {
  std::int32_t id = -1;
  std::string text;
};
using Parts = std::vector<Part>;

/// What stands around the pieces of a prompt.
struct Turns {
  std::string_view name;
  Parts open_system;   ///< in front of the system text
  Parts close_system;  ///< behind it, with the opening of the user's first turn
  Parts open_user;     ///< of a first turn without system text, and of every later one
  Parts close_user;    ///< behind the question, with the opening of the answer
  Parts close_answer;
};

/// Joins neighbouring texts before they are encoded, as one text of a template would be.
class PromptIds {
 public:
  explicit PromptIds(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  PromptIds& add(const Parts& parts) {
    for (const Part& part : parts) {
      if (part.id >= 0) {
        flush();
        ids_.push_back(part.id);
      } else {
        text_ += part.text;
      }
    }
    return *this;
  }
  PromptIds& add_text(std::string_view text) {
    text_ += text;
    return *this;
  }
  Ids take() {
    flush();
    return std::move(ids_);
  }

 private:
  void flush() {
    if (text_.empty()) return;
    const Ids more = tokenizer_.encode(text_);
    ids_.insert(ids_.end(), more.begin(), more.end());
    text_.clear();
  }
  const Tokenizer& tokenizer_;
  std::string text_;
  Ids ids_;
};

class TurnFormat final : public ChatFormat {
 public:
  TurnFormat(const TokenizerSource& source, const Tokenizer& tokenizer, Turns turns)
      : tokenizer_(tokenizer),
        turns_(std::move(turns)),
        stop_ids_(find_stop_ids(source, tokenizer)) {}

  std::string_view name() const override { return turns_.name; }

  Ids prefix(std::string_view system) const override {
    PromptIds prompt(tokenizer_);
    const Parts& first = system.empty() ? turns_.open_user : turns_.open_system;
    // Where BOS is the mark that opens a turn, the first turn brings it along.
    const bool brings_bos = !first.empty() && first.front().id == tokenizer_.bos_id();
    if (wants_bos(tokenizer_) && !brings_bos) prompt.add({{tokenizer_.bos_id(), {}}});
    prompt.add(first);
    if (!system.empty()) prompt.add_text(system).add(turns_.close_system);
    return prompt.take();
  }

  Ids question(std::string_view text) const override {
    return PromptIds(tokenizer_)
        .add_text("Question: ")
        .add_text(text)
        .add(turns_.close_user)
        .take();
  }

  Ids next_turn() const override {
    return PromptIds(tokenizer_).add(turns_.close_answer).add(turns_.open_user).take();
  }

  std::span<const std::int32_t> stop_ids() const override { return stop_ids_; }

 private:
  const Tokenizer& tokenizer_;
  Turns turns_;
  Ids stop_ids_;
};

Part text(std::string_view what) { return {-1, std::string(what)}; }

std::optional<Turns> chatml(const Tokenizer& tokenizer) {
  const auto start = tokenizer.control_id("<|im_start|>");
  const auto end = tokenizer.control_id("<|im_end|>");
  if (!start || !end) return std::nullopt;
  const Part open{*start, {}};
  const Part close{*end, {}};
  return Turns{.name = "chatml",
               .open_system = {open, text("system\n")},
               .close_system = {close, text("\n"), open, text("user\n")},
               .open_user = {open, text("user\n")},
               .close_user = {close, text("\n"), open, text("assistant\n")},
               .close_answer = {close, text("\n")}};
}

std::optional<Turns> llama3(const Tokenizer& tokenizer) {
  const auto start = tokenizer.control_id("<|start_header_id|>");
  const auto end = tokenizer.control_id("<|end_header_id|>");
  const auto turn = tokenizer.control_id("<|eot_id|>");
  if (!start || !end || !turn) return std::nullopt;
  const Part open{*start, {}};
  const Part close{*end, {}};
  const Part over{*turn, {}};
  return Turns{.name = "llama-3",
               .open_system = {open, text("system"), close, text("\n\n")},
               .close_system = {over, open, text("user"), close, text("\n\n")},
               .open_user = {open, text("user"), close, text("\n\n")},
               .close_user = {over, open, text("assistant"), close, text("\n\n")},
               .close_answer = {over}};
}

/// EOS closes an answer; formats that need it are not for vocabularies without one.
std::optional<Part> end_of_answer(const Tokenizer& tokenizer) {
  if (tokenizer.eos_id() < 0) return std::nullopt;
  return Part{tokenizer.eos_id(), {}};
}

std::optional<Turns> llama2(const Tokenizer& tokenizer) {
  const auto end = end_of_answer(tokenizer);
  if (!end) return std::nullopt;
  Parts close_answer{*end};
  if (wants_bos(tokenizer)) close_answer.push_back({tokenizer.bos_id(), {}});
  return Turns{.name = "llama-2",
               .open_system = {text("[INST] <<SYS>>\n")},
               .close_system = {text("\n<</SYS>>\n\n")},
               .open_user = {text("[INST]")},
               .close_user = {text(" [/INST]")},
               .close_answer = std::move(close_answer)};
}

std::optional<Turns> mistral(const Tokenizer& tokenizer) {
  const auto end = end_of_answer(tokenizer);
  if (!end) return std::nullopt;
  // Control tokens from version 3 of the vocabulary on, text before.
  const auto start = tokenizer.control_id("[INST]");
  const auto stop = tokenizer.control_id("[/INST]");
  const bool controls = start && stop;
  const Part open = controls ? Part{*start, {}} : text("[INST]");
  const Parts open_system = controls ? Parts{open} : Parts{text("[INST] ")};
  return Turns{.name = "mistral",
               .open_system = open_system,
               .close_system = {text("\n\n")},
               .open_user = {open},
               .close_user = {controls ? Part{*stop, {}} : text(" [/INST]")},
               .close_answer = {*end}};
}

std::optional<Turns> zephyr(const Tokenizer& tokenizer) {
  const auto end = end_of_answer(tokenizer);
  if (!end) return std::nullopt;
  const auto role = [&](std::string_view mark) {
    const auto id = tokenizer.control_id(mark);
    return id ? Part{*id, {}} : text(mark);
  };
  const Part user = role("<|user|>");
  return Turns{.name = "zephyr",
               .open_system = {role("<|system|>"), text("\n")},
               .close_system = {*end, text("\n"), user, text("\n")},
               .open_user = {user, text("\n")},
               .close_user = {*end, text("\n"), role("<|assistant|>"), text("\n")},
               .close_answer = {*end, text("\n")}};
}

std::optional<Turns> plain(const Tokenizer&) {
  return Turns{.name = "plain",
               .open_system = {},
               .close_system = {text("\n\n")},
               .open_user = {},
               .close_user = {text("\nAnswer:")},
               .close_answer = {text("\n\n")}};
}

struct Format {
  std::string_view name;
  std::optional<Turns> (*make)(const Tokenizer&);
  bool (*fits)(std::string_view chat_template);  ///< by the marks in a model's template
};

bool holds(std::string_view text, std::string_view mark) {
  return text.find(mark) != std::string_view::npos;
}

/// The first whose marks are there; plain is last and fits everything.
constexpr std::array<Format, 6> kFormats{{
    {"chatml", chatml, [](std::string_view t) { return holds(t, "<|im_start|>"); }},
    {"llama-3", llama3, [](std::string_view t) { return holds(t, "<|start_header_id|>"); }},
    {"llama-2", llama2,
     [](std::string_view t) { return holds(t, "[INST]") && holds(t, "<<SYS>>"); }},
    {"mistral", mistral, [](std::string_view t) { return holds(t, "[INST]"); }},
    {"zephyr", zephyr,
     [](std::string_view t) {
       // Phi 3 has the same roles and ends turns with a mark of its own.
       return holds(t, "<|user|>") && holds(t, "<|assistant|>") && !holds(t, "<|end|>") &&
              (holds(t, "eos_token") || holds(t, "</s>"));
     }},
    {"plain", plain, [](std::string_view) { return true; }},
}};

}  // namespace

std::vector<std::string> chat_format_names() {
  std::vector<std::string> names;
  for (const Format& format : kFormats) names.emplace_back(format.name);
  return names;
}

std::unique_ptr<ChatFormat> make_chat_format(const TokenizerSource& source,
                                             const Tokenizer& tokenizer, std::string_view name) {
  std::string known;
  for (const Format& format : kFormats) {
    known += (known.empty() ? "" : ", ") + std::string(format.name);
    const bool is_meant = name.empty() ? format.fits(source.chat_template) : format.name == name;
    if (!is_meant) continue;
    if (auto turns = format.make(tokenizer)) {
      return std::make_unique<TurnFormat>(source, tokenizer, std::move(*turns));
    }
    if (!name.empty()) {
      fail(ErrorCode::kUnsupported, "the model's vocabulary lacks the marks of the chat format \"" +
                                        std::string(name) + "\"; plain works with every model");
    }
  }
  fail(ErrorCode::kInvalidInput, "there is no chat format of that name; the formats are " + known);
}

}  // namespace kvlink::inference
