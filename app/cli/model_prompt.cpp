// SPDX-License-Identifier: Apache-2.0
#include "app/cli/model_prompt.h"

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/adapter_choice.h"
#include "app/cli/line_reader.h"
#include "inference/model/json_text.h"
#include "inference/model/model.h"
#include "inference/tokenizer/chat_format.h"

namespace kvlink::app {
namespace {

using nlohmann::json;
using Ids = std::vector<std::int32_t>;

/// Tokenizer and chat format of a model, where it has any that are handled.
class Prompts {
 public:
  Prompts(const inference::TokenizerSource& source, const std::string& format) {
    auto made = inference::make_tokenizer(source);
    if (!made) {
      problem_ = made.error().message;
      return;
    }
    tokenizer_ = value_or_throw(std::move(made));
    format_ = inference::make_chat_format(source, *tokenizer_, format);
  }

  json describe() const {
    if (!tokenizer_) return {{"tokenizer", ""}, {"problem", problem_}};
    return {{"tokenizer", tokenizer_->describe()},
            {"chat_format", format_->name()},
            {"stop_ids", format_->stop_ids()},
            {"next_turn", format_->next_turn()}};
  }

  json answer(const json& request) const {
    if (!tokenizer_) fail(ErrorCode::kUnsupported, problem_);
    if (request.contains("encode")) return tokenizer_->encode(text_of(request, "encode"));
    if (request.contains("prefix")) return format_->prefix(text_of(request, "prefix"));
    if (request.contains("question")) return format_->question(text_of(request, "question"));
    if (request.contains("decode")) return tokenizer_->decode(ids_of(request["decode"]));
    fail(ErrorCode::kInvalidInput,
         "a request is one of describe, encode, decode, prefix and question");
  }

 private:
  static std::string text_of(const json& request, const char* key) {
    if (!request[key].is_string()) {
      fail(ErrorCode::kInvalidInput, std::string("\"") + key + "\" is not a text");
    }
    return request[key].get<std::string>();
  }

  Ids ids_of(const json& stated) const {
    const auto is_id = [this](const json& id) {
      return id.is_number_unsigned() &&
             id.get<std::uint64_t>() < static_cast<std::uint64_t>(tokenizer_->vocab_size());
    };
    Ids ids;
    for (const json& id : stated.is_array() ? stated : json::array({nullptr})) {
      if (!is_id(id)) {
        fail(ErrorCode::kInvalidInput, "\"decode\" is not a list of ids of the vocabulary");
      }
      ids.push_back(id.get<std::int32_t>());
    }
    return ids;
  }

  std::unique_ptr<inference::Tokenizer> tokenizer_;
  std::unique_ptr<inference::ChatFormat> format_;
  std::string problem_;
};

/// Everything that a decoder in another program needs beside the tensors.
json describe_decoder(const inference::Model& model) {
  const auto& config = model.config;
  const auto& layer = model.layers.front();
  const bool halves = config.rope.pairing == kernels::RopePairing::kHalves;
  json files = json::array();
  for (const auto& file : weights_files(model.path)) {
    files.push_back(std::filesystem::absolute(file).string());
  }
  return {{"architecture", config.architecture},
          {"name", config.name},
          {"files", std::move(files)},
          {"n_layers", config.n_layers},
          {"n_heads", config.n_heads},
          {"n_kv_heads", config.n_kv_heads},
          {"head_dim", config.head_dim},
          {"model_dim", config.model_dim},
          {"ffn_dim", config.ffn_dim},
          {"vocab_size", config.vocab_size},
          {"context_length", config.context_length},
          {"rms_norm_eps", config.rms_norm_eps},
          {"rope",
           {{"frequencies", config.rope.frequencies},
            {"magnitude", config.rope.magnitude},
            {"pairing", halves ? "halves" : "interleaved"}}},
          {"qkv_bias", layer.q_bias != nullptr},
          {"qk_norm", layer.q_norm != nullptr},
          {"tied", model.output.data == model.embedding.data}};
}

std::string one_line(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

ExitCode write_prompts(CommandContext& context, const std::filesystem::path& model) {
  const std::string& wanted = context.global.chat_format;
  json about;
  std::unique_ptr<Prompts> prompts;
  {
    // The weights' mapping is let go: only what was asked for stays.
    const auto loaded = value_or_throw(inference::load_model(model));
    prompts = std::make_unique<Prompts>(loaded.tokenizer, wanted == "default" ? "" : wanted);
    about = describe_decoder(loaded);
    about.update(prompts->describe());
  }
  LineReader lines(context.interrupt);
  while (const auto line = lines.next("")) {
    const auto reply = returning([&] {
      const json request = inference::parse_json_object(*line, "the request");
      return request.contains("describe") ? about : prompts->answer(request);
    });
    context.output.print_line(one_line(reply ? *reply : json{{"error", reply.error().message}}));
    if (!context.output.intact()) break;
  }
  return ExitCode::kDone;
}

}  // namespace kvlink::app
