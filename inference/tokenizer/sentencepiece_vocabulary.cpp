// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/sentencepiece_vocabulary.h"

#include <algorithm>

#include "inference/tokenizer/protobuf_reader.h"
#include "inference/tokenizer/vocabulary.h"

namespace kvlink::inference {
namespace {

// Field numbers and values of sentencepiece_model.proto.
constexpr std::uint32_t kModelPiece = 1;
constexpr std::uint32_t kModelTrainer = 2;
constexpr std::uint32_t kModelNormalizer = 3;
constexpr std::uint32_t kPieceText = 1;
constexpr std::uint32_t kPieceScore = 2;
constexpr std::uint32_t kPieceType = 3;
constexpr std::uint32_t kTrainerModelType = 3;
constexpr std::uint32_t kTrainerSpaceAsSuffix = 24;
constexpr std::uint32_t kTrainerByteFallback = 35;
constexpr std::uint32_t kTrainerBosId = 41;
constexpr std::uint32_t kTrainerEosId = 42;
constexpr std::uint32_t kNormalizerCharsMap = 2;
constexpr std::uint32_t kNormalizerDummyPrefix = 3;
constexpr std::uint32_t kNormalizerDropSpaces = 4;
constexpr std::uint32_t kNormalizerEscapeSpaces = 5;
constexpr std::uint64_t kBpe = 2;

/// What the file says besides its pieces, with the format's own defaults.
struct Settings {
  std::uint64_t model_type = 1;
  bool byte_fallback = false;
  bool space_as_suffix = false;
  bool changes_characters = false;
  bool dummy_prefix = true;
  bool drops_spaces = true;
  bool escapes_spaces = true;
  std::int32_t bos_id = 1;
  std::int32_t eos_id = 2;

  bool are_plain() const {
    return model_type == kBpe && byte_fallback && !space_as_suffix && !changes_characters &&
           !drops_spaces && escapes_spaces;
  }
};

void read_piece(std::span<const std::byte> bytes, TokenizerSource& out) {
  std::string_view text;
  float score = 0;
  auto type = static_cast<std::uint64_t>(TokenType::kNormal);
  for (MessageReader reader(bytes); !reader.done();) {
    const Field field = reader.next();
    if (field.number == kPieceText) text = field.text();
    if (field.number == kPieceScore) score = field.fixed32;
    if (field.number == kPieceType) type = field.varint;
  }
  if (type == static_cast<std::uint64_t>(TokenType::kUnknown)) {
    out.unk_id = static_cast<std::int32_t>(out.tokens.size());
  }
  out.tokens.emplace_back(text);
  out.scores.push_back(score);
  out.types.push_back(static_cast<std::int32_t>(type));
}

void read_trainer(std::span<const std::byte> bytes, Settings& settings) {
  for (MessageReader reader(bytes); !reader.done();) {
    const Field field = reader.next();
    const auto id = static_cast<std::int32_t>(static_cast<std::int64_t>(field.varint));
    if (field.number == kTrainerModelType) settings.model_type = field.varint;
    if (field.number == kTrainerByteFallback) settings.byte_fallback = field.varint != 0;
    if (field.number == kTrainerSpaceAsSuffix) settings.space_as_suffix = field.varint != 0;
    if (field.number == kTrainerBosId) settings.bos_id = id;
    if (field.number == kTrainerEosId) settings.eos_id = id;
  }
}

void read_normalizer(std::span<const std::byte> bytes, Settings& settings) {
  for (MessageReader reader(bytes); !reader.done();) {
    const Field field = reader.next();
    if (field.number == kNormalizerCharsMap) settings.changes_characters = !field.bytes.empty();
    if (field.number == kNormalizerDummyPrefix) settings.dummy_prefix = field.varint != 0;
    if (field.number == kNormalizerDropSpaces) settings.drops_spaces = field.varint != 0;
    if (field.number == kNormalizerEscapeSpaces) settings.escapes_spaces = field.varint != 0;
  }
}

/// All 256 bytes, and no piece that the library treats in a way of its own.
bool has_plain_pieces(const TokenizerSource& source) {
  const auto count = [&](TokenType type) {
    return std::count(source.types.begin(), source.types.end(), static_cast<std::int32_t>(type));
  };
  return count(TokenType::kByte) == 256 && count(TokenType::kUserDefined) == 0 &&
         count(TokenType::kUnused) == 0;
}

}  // namespace

std::optional<TokenizerSource> sentencepiece_vocabulary(const TokenizerSource& source) {
  TokenizerSource out;
  out.kind = "llama";
  Settings settings;
  const std::string& bytes = source.model_bytes;
  for (MessageReader reader(std::as_bytes(std::span(bytes.data(), bytes.size())));
       !reader.done();) {
    const Field field = reader.next();
    if (field.number == kModelPiece) read_piece(field.bytes, out);
    if (field.number == kModelTrainer) read_trainer(field.bytes, settings);
    if (field.number == kModelNormalizer) read_normalizer(field.bytes, settings);
  }
  if (!settings.are_plain() || !has_plain_pieces(out)) return std::nullopt;
  const auto known = [&](std::int32_t id) {
    return id >= 0 && static_cast<std::size_t>(id) < out.tokens.size() ? id : -1;
  };
  out.bos_id = source.bos_id >= 0 ? source.bos_id : known(settings.bos_id);
  out.eos_id = source.eos_id >= 0 ? source.eos_id : known(settings.eos_id);
  out.add_bos = source.add_bos;
  out.add_space_prefix = settings.dummy_prefix;
  return out;
}

}  // namespace kvlink::inference
