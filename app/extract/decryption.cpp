// SPDX-License-Identifier: Apache-2.0
#include "app/extract/decryption.h"

#include <nettle/cbc.h>
#include <nettle/hmac.h>
#include <nettle/nettle-meta.h>
#include <nettle/pbkdf2.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "app/extract/serve.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;

constexpr std::size_t kBlock = 16;  // of AES

const std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}
std::uint8_t* bytes_of(std::string& text) { return reinterpret_cast<std::uint8_t*>(text.data()); }

const nettle_hash& hash_named(HashKind kind) {
  switch (kind) {
    case HashKind::kSha1:
      return nettle_sha1;
    case HashKind::kSha256:
      return nettle_sha256;
    case HashKind::kSha384:
      return nettle_sha384;
    case HashKind::kSha512:
      return nettle_sha512;
  }
  fail_unknown_encryption();
}

/// One hash after the other with the same memory.
class Hasher {
 public:
  explicit Hasher(HashKind kind)
      : hash_(hash_named(kind)),
        context_((hash_.context_size + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t)) {
    hash_.init(context_.data());
  }
  void add(std::string_view part) { hash_.update(context_.data(), part.size(), bytes_of(part)); }
  /// `out` gets its size; the next hash begins.
  void end(std::string& out) {
    out.resize(hash_.digest_size);
    hash_.digest(context_.data(), out.size(), bytes_of(out));
  }

 private:
  const nettle_hash& hash_;
  std::vector<std::uint64_t> context_;
};

/// A key in the cipher's own form.
class Aes {
 public:
  enum class Direction : std::uint8_t { kEncrypt, kDecrypt };

  Aes(std::string_view key, Direction direction)
      : cipher_(cipher_for(key.size())),
        context_((cipher_.context_size + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t)) {
    const bool encrypt = direction == Direction::kEncrypt;
    (encrypt ? cipher_.set_encrypt_key : cipher_.set_decrypt_key)(context_.data(), bytes_of(key));
  }
  const void* context() const { return context_.data(); }
  const nettle_cipher& cipher() const { return cipher_; }

 private:
  static const nettle_cipher& cipher_for(std::size_t key_bytes) {
    for (const nettle_cipher* one : {&nettle_aes128, &nettle_aes192, &nettle_aes256}) {
      if (one->key_size == key_bytes) return *one;
    }
    fail_unknown_encryption();
  }

  const nettle_cipher& cipher_;
  std::vector<std::uint64_t> context_;
};

void expect_blocks(std::string_view data) {
  if (data.size() % kBlock != 0) {
    throw Unreadable(ReadProblem::kDamaged, "its encrypted part is cut off");
  }
}

}  // namespace

std::string hash_of(HashKind kind, std::initializer_list<std::string_view> parts) {
  Hasher hasher(kind);
  for (const auto part : parts) hasher.add(part);
  std::string out;
  hasher.end(out);
  return out;
}

std::string spun_hash(HashKind kind, std::string start, std::uint32_t n) {
  Hasher hasher(kind);
  for (std::uint32_t i = 0; i < n; ++i) {
    const char number[4] = {static_cast<char>(i), static_cast<char>(i >> 8),
                            static_cast<char>(i >> 16), static_cast<char>(i >> 24)};
    hasher.add({number, sizeof(number)});
    hasher.add(start);
    hasher.end(start);
  }
  return start;
}

std::string aes_decrypted(std::string_view key, std::string_view data) {
  expect_blocks(data);
  const Aes aes(key, Aes::Direction::kDecrypt);
  std::string out(data.size(), '\0');
  aes.cipher().decrypt(aes.context(), out.size(), bytes_of(out), bytes_of(data));
  return out;
}

std::string aes_cbc_decrypted(std::string_view key, std::string_view iv, std::string_view data) {
  expect_blocks(data);
  if (iv.size() != kBlock) fail_unknown_encryption();
  const Aes aes(key, Aes::Direction::kDecrypt);
  std::string last(iv);
  std::string out(data.size(), '\0');
  cbc_decrypt(aes.context(), aes.cipher().decrypt, kBlock, bytes_of(last), out.size(),
              bytes_of(out), bytes_of(data));
  return out;
}

std::string aes_counter_decrypted(std::string_view key, std::string_view data) {
  const Aes aes(key, Aes::Direction::kEncrypt);
  std::string out(data);
  std::string counter(kBlock, '\0');
  std::string mask(kBlock, '\0');
  std::uint64_t n = 0;
  for (std::size_t pos = 0; pos < out.size(); pos += kBlock) {
    ++n;
    for (std::size_t i = 0; i < sizeof(n); ++i) counter[i] = static_cast<char>(n >> (8 * i));
    aes.cipher().encrypt(aes.context(), kBlock, bytes_of(mask), bytes_of(counter));
    const std::size_t end = std::min(pos + kBlock, out.size());
    for (std::size_t i = pos; i < end; ++i) out[i] = static_cast<char>(out[i] ^ mask[i - pos]);
  }
  return out;
}

std::string pbkdf2_sha1(std::string_view password, std::string_view salt, unsigned n_rounds,
                        std::size_t n_bytes) {
  std::string out(n_bytes, '\0');
  pbkdf2_hmac_sha1(password.size(), bytes_of(password), n_rounds, salt.size(), bytes_of(salt),
                   out.size(), bytes_of(out));
  return out;
}

std::string hmac_sha1(std::string_view key, std::string_view data) {
  hmac_sha1_ctx context;
  hmac_sha1_set_key(&context, key.size(), bytes_of(key));
  hmac_sha1_update(&context, data.size(), bytes_of(data));
  std::string out(SHA1_DIGEST_SIZE, '\0');
  hmac_sha1_digest(&context, out.size(), bytes_of(out));
  return out;
}

void fail_unknown_encryption() {
  throw Unreadable(ReadProblem::kUnsupported, "is encrypted in a way that is not read");
}

void fail_password(const std::string& given) {
  throw Unreadable(ReadProblem::kNeedsPassword,
                   given.empty() ? "needs a password" : "needs another password");
}

}  // namespace kvlink::extract
