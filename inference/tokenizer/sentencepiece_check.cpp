// SPDX-License-Identifier: Apache-2.0
#include "inference/tokenizer/sentencepiece_check.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "inference/tokenizer/protobuf_reader.h"
#include "inference/tokenizer/sentencepiece_spelling.h"
#include "inference/tokenizer/vocabulary.h"
#include "kernels/base/byte_reader.h"
#include "kernels/base/utf8.h"

namespace kvlink::inference {
namespace {

constexpr std::size_t kMaxModelBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxPieceBytes = 256;

// Field numbers of sentencepiece_model.proto.
constexpr std::uint32_t kModelPiece = 1;
constexpr std::uint32_t kModelTrainer = 2;
constexpr std::uint32_t kModelNormalizer = 3;
constexpr std::uint32_t kModelSelfTest = 4;
constexpr std::uint32_t kModelDenormalizer = 5;
constexpr std::uint32_t kPieceText = 1;
constexpr std::uint32_t kPieceScore = 2;
constexpr std::uint32_t kPieceType = 3;
constexpr std::uint32_t kTrainerModelType = 3;
constexpr std::uint32_t kNormalizerCharsMap = 2;

void check_piece_text(const MessageReader& reader, std::string_view text, TokenType type) {
  if (text.empty()) reader.corrupt("a piece is empty");
  if (text.size() > kMaxPieceBytes) {
    fail(ErrorCode::kUnsupported, "tokenizer.model: a piece has " + std::to_string(text.size()) +
                                      " bytes; at most 256 are handled");
  }
  if (!is_valid_utf8(text) || text.find('\0') != std::string_view::npos) {
    reader.corrupt("a piece is not text");
  }
  if (type == TokenType::kByte && !byte_of_token(text)) {
    reader.corrupt("a byte piece does not spell a byte");
  }
}

TokenType check_piece(std::span<const std::byte> bytes) {
  MessageReader reader(bytes);
  std::string_view text;
  std::uint64_t type = static_cast<std::uint64_t>(TokenType::kNormal);
  while (!reader.done()) {
    const Field field = reader.next();
    if (field.number == kPieceText) {
      reader.expect(field, Wire::kBytes);
      text = field.text();
    } else if (field.number == kPieceScore) {
      reader.expect(field, Wire::kFixed32);
      if (!std::isfinite(field.fixed32)) reader.corrupt("a piece's score is not finite");
    } else if (field.number == kPieceType) {
      reader.expect(field, Wire::kVarint);
      if (field.varint < 1 || field.varint > 6) reader.corrupt("a piece has no known type");
      type = field.varint;
    }
  }
  const auto checked = static_cast<TokenType>(type);
  check_piece_text(reader, text, checked);
  return checked;
}

void check_trainer(std::span<const std::byte> bytes) {
  MessageReader reader(bytes);
  while (!reader.done()) {
    const Field field = reader.next();
    if (field.number != kTrainerModelType) continue;
    reader.expect(field, Wire::kVarint);
    if (field.varint < 1 || field.varint > 4) reader.corrupt("the model type is unknown");
  }
}

std::uint32_t unit_at(std::span<const std::byte> trie, std::size_t i) {
  std::uint32_t unit = 0;
  std::memcpy(&unit, trie.data() + i * sizeof unit, sizeof unit);
  return unit;
}

/// A double-array trie in 32-bit units and the texts its leaves point to. From unit i the next
/// step may go to any of the 256 units of the block around i ^ offset(i).
void check_chars_map(const MessageReader& owner, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  ByteReader reader(bytes, "tokenizer.model's character map");
  const auto trie_bytes = reader.read<std::uint32_t>("its size");
  const auto trie = reader.take(trie_bytes, "its trie");
  const auto texts = reader.take(reader.remaining(), "its texts");
  const std::size_t n = trie.size() / sizeof(std::uint32_t);
  if (trie.empty() || trie.size() % 1024 != 0) owner.corrupt("the character map's size is wrong");
  if (texts.empty() || texts.back() != std::byte{0}) {
    owner.corrupt("the character map's texts have no end");
  }
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t unit = unit_at(trie, i);
    // Of a leaf only the value is read. The root is stepped from whatever it claims to be.
    if (i > 0 && unit >> 31 != 0) continue;
    const std::size_t offset = static_cast<std::size_t>(unit >> 10) << ((unit & 0x200) >> 6);
    const std::size_t base = i ^ offset;
    if ((base | 0xFF) >= n) owner.corrupt("the character map points past its end");
    const bool has_leaf = (unit >> 8 & 1) != 0;
    if (has_leaf && (unit_at(trie, base) & 0x7FFF'FFFF) >= texts.size()) {
      owner.corrupt("the character map names a text past its end");
    }
  }
}

void check_normalizer(std::span<const std::byte> bytes) {
  MessageReader reader(bytes);
  while (!reader.done()) {
    const Field field = reader.next();
    if (field.number != kNormalizerCharsMap) continue;
    reader.expect(field, Wire::kBytes);
    check_chars_map(reader, field.bytes);
  }
}

}  // namespace

void check_sentencepiece_model(std::string_view bytes) {
  if (bytes.size() > kMaxModelBytes) {
    fail(ErrorCode::kUnsupported, "tokenizer.model has more than 64 MiB");
  }
  MessageReader reader(std::as_bytes(std::span(bytes.data(), bytes.size())));
  std::size_t n_pieces = 0;
  std::size_t n_unknown = 0;
  while (!reader.done()) {
    const Field field = reader.next();
    if (field.number < kModelPiece || field.number > kModelDenormalizer) continue;
    reader.expect(field, Wire::kBytes);
    if (field.number == kModelPiece) {
      if (++n_pieces > kMaxVocabSize) {
        fail(ErrorCode::kUnsupported, "tokenizer.model has more than 4 Mi pieces");
      }
      if (check_piece(field.bytes) == TokenType::kUnknown) ++n_unknown;
    } else if (field.number == kModelTrainer) {
      check_trainer(field.bytes);
    } else if (field.number == kModelNormalizer || field.number == kModelDenormalizer) {
      check_normalizer(field.bytes);
    } else if (field.number == kModelSelfTest && field.bytes.size() > kMaxModelBytes / 64) {
      reader.corrupt("its self test is larger than 1 MiB");
    }
  }
  if (n_pieces == 0) reader.corrupt("it has no pieces");
  if (n_unknown != 1) reader.corrupt("it has not exactly one unknown piece");
}

}  // namespace kvlink::inference
