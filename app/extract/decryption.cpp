// SPDX-License-Identifier: Apache-2.0
#include "app/extract/decryption.h"

#include <argon2.h>
#include <mbedtls/aes.h>
#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
#include <mbedtls/pkcs5.h>
#if __has_include(<mbedtls/blowfish.h>)  // until Mbed TLS 3
#include <mbedtls/blowfish.h>
#define KVLINK_HAS_BLOWFISH
#endif

#include <algorithm>
#include <new>

#include "app/extract/serve.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;

constexpr std::size_t kBlock = 16;  // of AES

const std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}
std::uint8_t* bytes_of(std::string& text) { return reinterpret_cast<std::uint8_t*>(text.data()); }

mbedtls_md_type_t type_of(HashKind kind) {
  switch (kind) {
    case HashKind::kSha1:
      return MBEDTLS_MD_SHA1;
    case HashKind::kSha256:
      return MBEDTLS_MD_SHA256;
    case HashKind::kSha384:
      return MBEDTLS_MD_SHA384;
    case HashKind::kSha512:
      return MBEDTLS_MD_SHA512;
  }
  fail_unknown_encryption();
}

/// The library refuses what it was built without, and what makes no sense.
void expect_done(int result) {
  if (result != 0) fail_unknown_encryption();
}

/// A hash's memory, used by one hash after the other.
class Hasher {
 public:
  enum class Keyed : bool { kNo, kYes };

  explicit Hasher(HashKind kind, Keyed keyed = Keyed::kNo)
      : info_(mbedtls_md_info_from_type(type_of(kind))) {
    mbedtls_md_init(&context_);
    expect_done(mbedtls_md_setup(&context_, info_, static_cast<int>(keyed)));
    if (keyed == Keyed::kNo) begin();
  }
  ~Hasher() { mbedtls_md_free(&context_); }
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void add(std::string_view part) {
    expect_done(mbedtls_md_update(&context_, bytes_of(part), part.size()));
  }
  /// `out` gets its size; the next hash begins.
  void end(std::string& out) {
    out.resize(mbedtls_md_get_size(info_));
    expect_done(mbedtls_md_finish(&context_, bytes_of(out)));
    begin();
  }
  mbedtls_md_context_t& context() { return context_; }

 private:
  void begin() { expect_done(mbedtls_md_starts(&context_)); }

  const mbedtls_md_info_t* info_;
  mbedtls_md_context_t context_;
};

/// A key in the cipher's own form.
class Aes {
 public:
  enum class Direction : std::uint8_t { kEncrypt, kDecrypt };

  Aes(std::string_view key, Direction direction) {
    mbedtls_aes_init(&context_);
    const bool encrypt = direction == Direction::kEncrypt;
    expect_done((encrypt ? mbedtls_aes_setkey_enc : mbedtls_aes_setkey_dec)(
        &context_, bytes_of(key), static_cast<unsigned>(8 * key.size())));
  }
  ~Aes() { mbedtls_aes_free(&context_); }
  Aes(const Aes&) = delete;
  Aes& operator=(const Aes&) = delete;

  void block(int mode, const std::uint8_t* in, std::uint8_t* out) {
    expect_done(mbedtls_aes_crypt_ecb(&context_, mode, in, out));
  }
  mbedtls_aes_context& context() { return context_; }

 private:
  mbedtls_aes_context context_;
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
  Aes aes(key, Aes::Direction::kDecrypt);
  std::string out(data.size(), '\0');
  for (std::size_t pos = 0; pos < out.size(); pos += kBlock) {
    aes.block(MBEDTLS_AES_DECRYPT, bytes_of(data) + pos, bytes_of(out) + pos);
  }
  return out;
}

std::string aes_cbc_decrypted(std::string_view key, std::string_view iv, std::string_view data) {
  expect_blocks(data);
  if (iv.size() != kBlock) fail_unknown_encryption();
  Aes aes(key, Aes::Direction::kDecrypt);
  std::string last(iv);
  std::string out(data.size(), '\0');
  expect_done(mbedtls_aes_crypt_cbc(&aes.context(), MBEDTLS_AES_DECRYPT, out.size(), bytes_of(last),
                                    bytes_of(data), bytes_of(out)));
  return out;
}

std::string aes_counter_decrypted(std::string_view key, std::string_view data) {
  Aes aes(key, Aes::Direction::kEncrypt);
  std::string out(data);
  std::string counter(kBlock, '\0');
  std::string mask(kBlock, '\0');
  std::uint64_t n = 0;
  for (std::size_t pos = 0; pos < out.size(); pos += kBlock) {
    ++n;
    for (std::size_t i = 0; i < sizeof(n); ++i) counter[i] = static_cast<char>(n >> (8 * i));
    aes.block(MBEDTLS_AES_ENCRYPT, bytes_of(counter), bytes_of(mask));
    const std::size_t end = std::min(pos + kBlock, out.size());
    for (std::size_t i = pos; i < end; ++i) out[i] = static_cast<char>(out[i] ^ mask[i - pos]);
  }
  return out;
}

std::optional<std::string> aes_gcm_decrypted(std::string_view key, std::string_view data) {
  constexpr std::size_t kVector = 12, kTag = 16;
  if (data.size() < kVector + kTag) {
    throw Unreadable(ReadProblem::kDamaged, "its encrypted part is cut off");
  }
  const auto secret = data.substr(kVector, data.size() - kVector - kTag);
  const auto tag = data.substr(data.size() - kTag);
  std::string out(secret.size(), '\0');
  mbedtls_gcm_context context;
  mbedtls_gcm_init(&context);
  int done = mbedtls_gcm_setkey(&context, MBEDTLS_CIPHER_ID_AES, bytes_of(key),
                                static_cast<unsigned>(8 * key.size()));
  if (done == 0) {
    done = mbedtls_gcm_auth_decrypt(&context, secret.size(), bytes_of(data), kVector, nullptr, 0,
                                    bytes_of(tag), kTag, bytes_of(secret), bytes_of(out));
  }
  mbedtls_gcm_free(&context);
  if (done == MBEDTLS_ERR_GCM_AUTH_FAILED) return std::nullopt;
  expect_done(done);
  return out;
}

#ifdef KVLINK_HAS_BLOWFISH
std::string blowfish_decrypted(std::string_view key, std::string_view iv, std::string_view data) {
  if (iv.size() != MBEDTLS_BLOWFISH_BLOCKSIZE) fail_unknown_encryption();
  mbedtls_blowfish_context context;
  mbedtls_blowfish_init(&context);
  std::string last(iv);
  std::string out(data.size(), '\0');
  std::size_t offset = 0;
  int done =
      mbedtls_blowfish_setkey(&context, bytes_of(key), static_cast<unsigned>(8 * key.size()));
  if (done == 0) {
    done = mbedtls_blowfish_crypt_cfb64(&context, MBEDTLS_BLOWFISH_DECRYPT, data.size(), &offset,
                                        bytes_of(last), bytes_of(data), bytes_of(out));
  }
  mbedtls_blowfish_free(&context);
  expect_done(done);
  return out;
}
#else
std::string blowfish_decrypted(std::string_view, std::string_view, std::string_view) {
  fail_unknown_encryption();
}
#endif

std::string pbkdf2_sha1(std::string_view password, std::string_view salt, unsigned n_rounds,
                        std::size_t n_bytes) {
  Hasher hasher(HashKind::kSha1, Hasher::Keyed::kYes);
  std::string out(n_bytes, '\0');
  expect_done(mbedtls_pkcs5_pbkdf2_hmac(&hasher.context(), bytes_of(password), password.size(),
                                        bytes_of(salt), salt.size(), n_rounds,
                                        static_cast<std::uint32_t>(out.size()), bytes_of(out)));
  return out;
}

std::string argon2id(std::string_view password, std::string_view salt, const Argon2Cost& cost,
                     std::size_t n_bytes) {
  std::string out(n_bytes, '\0');
  std::string secret(password);
  std::string grain(salt);
  argon2_context context{};
  context.out = bytes_of(out);
  context.outlen = static_cast<std::uint32_t>(out.size());
  context.pwd = bytes_of(secret);
  context.pwdlen = static_cast<std::uint32_t>(secret.size());
  context.salt = bytes_of(grain);
  context.saltlen = static_cast<std::uint32_t>(grain.size());
  context.t_cost = cost.n_passes;
  context.m_cost = cost.n_kib;
  context.lanes = cost.n_lanes;
  context.threads = 1;  // the sandbox has no more
  context.version = ARGON2_VERSION_13;
  const int done = argon2_ctx(&context, Argon2_id);
  if (done == ARGON2_MEMORY_ALLOCATION_ERROR) throw std::bad_alloc();
  expect_done(done);
  return out;
}

std::string hmac_sha1(std::string_view key, std::string_view data) {
  const mbedtls_md_info_t* sha1 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA1);
  std::string out(mbedtls_md_get_size(sha1), '\0');
  expect_done(
      mbedtls_md_hmac(sha1, bytes_of(key), key.size(), bytes_of(data), data.size(), bytes_of(out)));
  return out;
}

std::string from_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int n_bits = 0;
  for (const char c : text) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<std::uint32_t>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      value = static_cast<std::uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '/') {
      value = c == '+' ? 62 : 63;
    } else {
      continue;
    }
    bits = (bits << 6 | value) & 0xFFFFFF;
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    out += static_cast<char>(bits >> n_bits & 0xFF);
  }
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
