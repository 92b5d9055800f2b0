// SPDX-License-Identifier: Apache-2.0
#include "app/extract/office_encryption.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "app/extract/decryption.h"
#include "app/extract/ole_container.h"
#include "app/extract/serve.h"
#include "app/extract/xml_walker.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;

constexpr std::size_t kSegment = 4096;  // of the document, each with an initial vector of its own
constexpr std::size_t kBlock = 16;      // of AES
constexpr std::uint32_t kMaxSpin = 10'000'000;

[[noreturn]] void fail_damaged() {
  throw Unreadable(ReadProblem::kDamaged, "what describes its encryption is damaged");
}

std::uint32_t number_at(std::string_view bytes, std::size_t pos, std::size_t n) {
  if (pos > bytes.size() || n > bytes.size() - pos) fail_damaged();
  std::uint32_t value = 0;
  for (std::size_t i = n; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[pos + i]);
  }
  return value;
}

std::string_view part(std::string_view bytes, std::size_t pos, std::size_t n) {
  if (pos > bytes.size() || n > bytes.size() - pos) fail_damaged();
  return bytes.substr(pos, n);
}

std::string four_bytes(std::uint32_t value) {
  return {static_cast<char>(value), static_cast<char>(value >> 8), static_cast<char>(value >> 16),
          static_cast<char>(value >> 24)};
}

/// UTF-16, little-endian, as passwords are hashed.
std::string utf16_of(std::string_view text) {
  std::string out;
  const auto put = [&](std::uint32_t unit) {
    out += static_cast<char>(unit & 0xFF);
    out += static_cast<char>(unit >> 8 & 0xFF);
  };
  for (std::size_t pos = 0; pos < text.size();) {
    const auto lead = static_cast<unsigned char>(text[pos++]);
    const int n_more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    std::uint32_t code = n_more == 0 ? lead : lead & (0x3FU >> n_more);
    for (int i = 0; i < n_more && pos < text.size(); ++i) {
      code = code << 6 | (static_cast<unsigned char>(text[pos++]) & 0x3FU);
    }
    if (code < 0x10000) {
      put(code);
    } else {
      put(0xD800 + ((code - 0x10000) >> 10));
      put(0xDC00 + ((code - 0x10000) & 0x3FF));
    }
  }
  return out;
}

/// As long as `n`: cut, or filled up with 0x36.
std::string fitted(std::string bytes, std::size_t n) {
  bytes.resize(n, '\x36');
  return bytes;
}

/// Without what fills up the last block; the size stands in front of the document.
std::string without_filling(std::string document, std::string_view package) {
  const std::uint64_t low = number_at(package, 0, 4);
  const std::uint64_t high = number_at(package, 4, 4);
  const std::uint64_t size = high << 32 | low;
  if (size > document.size()) fail_damaged();
  document.resize(static_cast<std::size_t>(size));
  return document;
}

std::string_view whole_blocks(std::string_view bytes) {
  return bytes.substr(0, bytes.size() / kBlock * kBlock);
}

// --- standard encryption

std::string standard_key(std::string_view salt, const std::string& password, std::size_t n_bytes) {
  constexpr std::uint32_t kSpin = 50'000;
  const auto first = hash_of(HashKind::kSha1, {salt, utf16_of(password)});
  const auto spun = hash_of(
      HashKind::kSha1, {spun_hash(HashKind::kSha1, first, kSpin), std::string_view("\0\0\0\0", 4)});
  std::string key;
  for (const char mask : {'\x36', '\x5C'}) {
    std::string block(64, mask);
    for (std::size_t i = 0; i < spun.size(); ++i) block[i] = static_cast<char>(block[i] ^ spun[i]);
    key += hash_of(HashKind::kSha1, {block});
  }
  if (n_bytes > key.size()) fail_unknown_encryption();
  key.resize(n_bytes);
  return key;
}

std::string decrypt_standard(std::string_view info, std::string_view package,
                             const std::string& password) {
  constexpr std::uint32_t kSha1 = 0x8004;
  const std::size_t header_bytes = number_at(info, 8, 4);
  const auto header = part(info, 12, header_bytes);
  const std::uint32_t key_bits = number_at(header, 16, 4);
  if (number_at(header, 12, 4) != kSha1 || key_bits % 8 != 0) fail_unknown_encryption();
  const auto verifier = info.substr(12 + header_bytes);
  if (number_at(verifier, 0, 4) != kBlock) fail_damaged();
  const auto key = standard_key(part(verifier, 4, kBlock), password, key_bits / 8);
  const auto said = hash_of(HashKind::kSha1, {aes_decrypted(key, part(verifier, 20, kBlock))});
  const auto wanted = aes_decrypted(key, part(verifier, 40, 2 * kBlock));
  if (!wanted.starts_with(said)) fail_password(password);
  const auto rest = package.substr(std::min<std::size_t>(8, package.size()));
  return without_filling(aes_decrypted(key, whole_blocks(rest)), package);
}

// --- agile encryption

/// One element: how something is encrypted.
struct AgileCipher {
  HashKind hash = HashKind::kSha1;
  std::size_t key_bytes = 0;
  std::size_t hash_bytes = 0;
  std::uint32_t n_spins = 0;
  std::string salt;
  std::string verifier, verifier_hash, key;  ///< encrypted; of the password's only
};

std::uint32_t number_of(std::string_view text) {
  std::uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

HashKind hash_kind(std::string_view name) {
  if (name == "SHA1" || name == "SHA-1") return HashKind::kSha1;
  if (name == "SHA256" || name == "SHA-256") return HashKind::kSha256;
  if (name == "SHA384" || name == "SHA-384") return HashKind::kSha384;
  if (name == "SHA512" || name == "SHA-512") return HashKind::kSha512;
  fail_unknown_encryption();
}

class AgileInfo : public XmlListener {
 public:
  std::optional<AgileCipher> document, password;

  void begin(std::string_view name, const XmlAttributes& attributes) override {
    if (name == "keyData" && !document) document = cipher(attributes);
    if (name == "encryptedKey" && !password) password = cipher(attributes);
  }
  void end(std::string_view) override {}
  void text(std::string_view) override {}

 private:
  static AgileCipher cipher(const XmlAttributes& attributes) {
    const bool known = attributes.get("cipherAlgorithm") == "AES" &&
                       attributes.get("cipherChaining") == "ChainingModeCBC" &&
                       number_of(attributes.get("blockSize")) == kBlock;
    if (!known) fail_unknown_encryption();
    AgileCipher made{.hash = hash_kind(attributes.get("hashAlgorithm")),
                     .key_bytes = number_of(attributes.get("keyBits")) / 8,
                     .hash_bytes = number_of(attributes.get("hashSize")),
                     .n_spins = number_of(attributes.get("spinCount")),
                     .salt = from_base64(attributes.get("saltValue")),
                     .verifier = from_base64(attributes.get("encryptedVerifierHashInput")),
                     .verifier_hash = from_base64(attributes.get("encryptedVerifierHashValue")),
                     .key = from_base64(attributes.get("encryptedKeyValue"))};
    if (made.key_bytes > 32 || made.n_spins > kMaxSpin) fail_unknown_encryption();
    return made;
  }
};

/// What the user's password opens: the verifier, its hash, and the key of the document.
class PasswordCipher {
 public:
  PasswordCipher(const AgileCipher& cipher, const std::string& password)
      : cipher_(cipher),
        spun_(spun_hash(cipher.hash, hash_of(cipher.hash, {cipher.salt, utf16_of(password)}),
                        cipher.n_spins)) {}

  std::string open(std::string_view encrypted, std::string_view purpose) const {
    const auto key = fitted(hash_of(cipher_.hash, {spun_, purpose}), cipher_.key_bytes);
    return aes_cbc_decrypted(key, fitted(cipher_.salt, kBlock), encrypted);
  }

 private:
  const AgileCipher& cipher_;
  std::string spun_;
};

std::string decrypt_agile(std::string_view info, std::string_view package,
                          const std::string& password) {
  AgileInfo said;
  walk_xml(info.substr(std::min<std::size_t>(8, info.size())), said);
  if (!said.document || !said.password) fail_unknown_encryption();
  const PasswordCipher opener(*said.password, password);
  auto verifier = opener.open(said.password->verifier, "\xFE\xA7\xD2\x76\x3B\x4B\x9E\x79");
  verifier.resize(std::min(verifier.size(), said.password->salt.size()));
  const auto wanted = opener.open(said.password->verifier_hash, "\xD7\xAA\x0F\x6D\x30\x61\x34\x4E");
  const auto hash = hash_of(said.password->hash, {verifier});
  if (said.password->hash_bytes != hash.size()) fail_unknown_encryption();
  if (!wanted.starts_with(hash)) fail_password(password);
  auto key = opener.open(said.password->key, "\x14\x6E\x0B\xE7\xAB\xAC\xD0\xD6");
  key.resize(std::min(key.size(), said.password->key_bytes));
  std::string out;
  const auto rest = whole_blocks(package.substr(std::min<std::size_t>(8, package.size())));
  for (std::size_t pos = 0; pos < rest.size(); pos += kSegment) {
    const auto number = four_bytes(static_cast<std::uint32_t>(pos / kSegment));
    const auto vector = fitted(hash_of(said.document->hash, {said.document->salt, number}), kBlock);
    out += aes_cbc_decrypted(key, vector, rest.substr(pos, kSegment));
  }
  return without_filling(std::move(out), package);
}

}  // namespace

bool is_encrypted_office(std::string_view ole) {
  constexpr std::string_view kName("E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0", 32);
  return ole.find(kName) != ole.npos;
}

std::string decrypt_office(std::string_view ole, const std::string& password) {
  if (password.empty()) fail_password(password);
  const OleContainer container(ole);
  const auto info = container.read("EncryptionInfo");
  const auto package = container.read("EncryptedPackage");
  if (!info || !package || package->size() < 8) fail_damaged();
  const std::uint32_t major = number_at(*info, 0, 2);
  const std::uint32_t minor = number_at(*info, 2, 2);
  if (major == 4 && minor == 4) return decrypt_agile(*info, *package, password);
  if (major >= 2 && major <= 4 && minor == 2) return decrypt_standard(*info, *package, password);
  fail_unknown_encryption();
}

}  // namespace kvlink::extract
