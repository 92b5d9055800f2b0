// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/chat_format.h"

#include <algorithm>
#include <array>

namespace kvlink::inference {
namespace {

using Ids = std::vector<std::int32_t>;

void append(Ids& ids, const Ids& more) { ids.insert(ids.end(), more.begin(), more.end()); }

bool wants_bos(const Tokenizer& tokenizer) {
  return tokenizer.add_bos() && tokenizer.bos_id() >= 0;
}

/// EOS and every control token that is known to end a turn.
Ids find_stop_ids(const Tokenizer& tokenizer) {
  constexpr std::array<std::string_view, 5> kEnds = {"<|im_end|>", "<|endoftext|>", "<|eot_id|>",
                                                     "<|end_of_text|>", "</s>"};
  Ids ids;
  if (tokenizer.eos_id() >= 0) ids.push_back(tokenizer.eos_id());
  for (const std::string_view end : kEnds) {
    const auto id = tokenizer.control_id(end);
    if (id && std::find(ids.begin(), ids.end(), *id) == ids.end()) ids.push_back(*id);
  }
  return ids;
}

class ChatMl final : public ChatFormat {
 public:
  ChatMl(const Tokenizer& tokenizer, std::int32_t start, std::int32_t end)
      : tokenizer_(tokenizer),
        start_(start),
        end_(end),
        stop_ids_(find_stop_ids(tokenizer)),
        newline_(tokenizer.encode("\n")) {}

  std::string_view name() const override { return "chatml"; }

  Ids prefix(std::string_view system) const override {
    Ids ids;
    // Where BOS is the mark that opens a turn, the first turn brings it along.
    if (wants_bos(tokenizer_) && tokenizer_.bos_id() != start_) ids.push_back(tokenizer_.bos_id());
    if (!system.empty()) {
      ids.push_back(start_);
      append(ids, tokenizer_.encode("system\n" + std::string(system)));
      ids.push_back(end_);
      append(ids, newline_);
    }
    open_turn(ids, "user\n");
    return ids;
  }

  Ids question(std::string_view text) const override {
    Ids ids = tokenizer_.encode("Question: " + std::string(text));
    close_turn(ids);
    open_turn(ids, "assistant\n");
    return ids;
  }

  Ids next_turn() const override {
    Ids ids;
    close_turn(ids);
    open_turn(ids, "user\n");
    return ids;
  }

  std::span<const std::int32_t> stop_ids() const override { return stop_ids_; }

 private:
  void close_turn(Ids& ids) const {
    ids.push_back(end_);
    append(ids, newline_);
  }
  void open_turn(Ids& ids, std::string_view who) const {
    ids.push_back(start_);
    append(ids, tokenizer_.encode(who));
  }

  const Tokenizer& tokenizer_;
  std::int32_t start_;
  std::int32_t end_;
  Ids stop_ids_;
  Ids newline_;
};

class PlainFormat final : public ChatFormat {
 public:
  explicit PlainFormat(const Tokenizer& tokenizer)
      : tokenizer_(tokenizer), stop_ids_(find_stop_ids(tokenizer)) {}

  std::string_view name() const override { return "plain"; }

  Ids prefix(std::string_view system) const override {
    Ids ids;
    if (wants_bos(tokenizer_)) ids.push_back(tokenizer_.bos_id());
    if (!system.empty()) append(ids, tokenizer_.encode(std::string(system) + "\n\n"));
    return ids;
  }

  Ids question(std::string_view text) const override {
    return tokenizer_.encode("Question: " + std::string(text) + "\nAnswer:");
  }

  Ids next_turn() const override { return tokenizer_.encode("\n\n"); }

  std::span<const std::int32_t> stop_ids() const override { return stop_ids_; }

 private:
  const Tokenizer& tokenizer_;
  Ids stop_ids_;
};

}  // namespace

std::unique_ptr<ChatFormat> make_chat_format(const TokenizerSource& source,
                                             const Tokenizer& tokenizer) {
  if (source.chat_template.find("<|im_start|>") != std::string::npos) {
    const auto start = tokenizer.control_id("<|im_start|>");
    const auto end = tokenizer.control_id("<|im_end|>");
    if (start && end) return std::make_unique<ChatMl>(tokenizer, *start, *end);
  }
  return std::make_unique<PlainFormat>(tokenizer);
}

}  // namespace kvlink::inference
