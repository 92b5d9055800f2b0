// SPDX-License-Identifier: Apache-2.0
#include "app/extract/odf_encryption.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "app/extract/decryption.h"
#include "app/extract/office_parts.h"
#include "app/extract/serve.h"
#include "app/extract/xml_walker.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;

constexpr const char* kContent = "content.xml";
constexpr const char* kWhole = "encrypted-package";  // a package as one part of another
/// Rounds take 0.6 µs each; LibreOffice has 100,000, OpenOffice had 1,024.
constexpr std::uint64_t kMaxRounds = 2'000'000;
// LibreOffice fills 64 MiB three times, for four lanes.
constexpr std::uint64_t kMaxKib = 256 << 10;
constexpr std::uint64_t kMaxFilledKib = 1 << 20;  // over all passes
constexpr std::uint64_t kMaxLanes = 16;
constexpr std::size_t kMaxSaltBytes = 1024;
constexpr std::size_t kBlock = 16;         // of AES
constexpr std::size_t kCheckBytes = 1024;  // of the packed part, that the checksum is of

/// What the manifest says of one encrypted part.
struct PartCipher {
  std::uint64_t unpacked = 0;
  std::string algorithm, vector;
  std::string derivation, salt;
  std::string start_key;
  std::string checksum_kind, checksum;
  std::uint64_t n_rounds = 0;                          ///< of PBKDF2
  std::uint64_t n_passes = 0, n_kib = 0, n_lanes = 0;  ///< of Argon2
  std::uint64_t key_bytes = 0;                         ///< 0: not said
};

/// 0 for what is no number, or too large for one.
std::uint64_t number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  return end.ec == std::errc() && end.ptr == text.data() + text.size() ? value : 0;
}

/// Finds one of the parts. Of two entries for it the first one counts.
class ManifestReader final : public XmlListener {
 public:
  explicit ManifestReader(std::string_view part) : part_(part) {}

  std::optional<PartCipher> found;

  void begin(std::string_view name, const XmlAttributes& attributes) override {
    if (name == "file-entry") {
      is_part_ = !was_seen_ && attributes.get("full-path") == part_;
      was_seen_ = was_seen_ || is_part_;
      unpacked_ = number_of(attributes.get("size"));
    }
    if (!is_part_) return;
    if (name == "encryption-data") {
      found.emplace();
      found->unpacked = unpacked_;
      found->checksum_kind = attributes.get("checksum-type");
      found->checksum = from_base64(attributes.get("checksum"));
    } else if (found) {
      take_detail(name, attributes);
    }
  }
  void end(std::string_view name) override { is_part_ = is_part_ && name != "file-entry"; }
  void text(std::string_view) override {}

 private:
  void take_detail(std::string_view name, const XmlAttributes& attributes) {
    if (name == "algorithm") {
      found->algorithm = attributes.get("algorithm-name");
      found->vector = from_base64(attributes.get("initialisation-vector"));
    } else if (name == "key-derivation") {
      found->derivation = attributes.get("key-derivation-name");
      found->salt = from_base64(attributes.get("salt"));
      found->n_rounds = number_of(attributes.get("iteration-count"));
      found->n_passes = number_of(attributes.get("argon2-iterations"));
      found->n_kib = number_of(attributes.get("argon2-memory"));
      found->n_lanes = number_of(attributes.get("argon2-lanes"));
      found->key_bytes = number_of(attributes.get("key-size"));
    } else if (name == "start-key-generation") {
      found->start_key = attributes.get("start-key-generation-name");
    }
  }

  std::string_view part_;
  bool is_part_ = false;
  bool was_seen_ = false;
  std::uint64_t unpacked_ = 0;
};

/// By the end of a name, which is an address in newer documents: ".../xmldsig#sha256".
HashKind hash_named(std::string_view name) {
  if (name.ends_with("sha256")) return HashKind::kSha256;
  if (name.empty() || name.ends_with("sha1") || name == "SHA1") return HashKind::kSha1;
  fail_unknown_encryption();
}

HashKind checksum_named(std::string_view name) {
  if (name.ends_with("#sha256-1k")) return HashKind::kSha256;
  if (name.ends_with("#sha1-1k") || name == "SHA1/1K") return HashKind::kSha1;
  fail_unknown_encryption();
}

enum class Cipher : std::uint8_t { kAesChained, kAesTagged, kBlowfish };

struct KeyPlan {
  Cipher cipher = Cipher::kAesChained;
  bool by_argon2 = false;  ///< else PBKDF2
  std::size_t key_bytes = 0;
};

/// What a cipher's name says; no key for a name that is not known.
KeyPlan plan_named(std::string_view algorithm) {
  if (algorithm == "Blowfish CFB" || algorithm.ends_with("#blowfish")) {
    return {Cipher::kBlowfish, false, 16};
  }
  for (const std::size_t bits : {256, 192, 128}) {
    const std::string name = "#aes" + std::to_string(bits);
    if (algorithm.ends_with(name + "-cbc")) return {Cipher::kAesChained, false, bits / 8};
    if (algorithm.ends_with(name + "-gcm")) return {Cipher::kAesTagged, false, bits / 8};
  }
  return {};
}

bool is_argon2_bounded(const PartCipher& part) {
  return part.n_passes >= 1 && part.n_kib >= 1 && part.n_kib <= kMaxKib &&
         part.n_passes <= kMaxFilledKib / part.n_kib && part.n_lanes >= 1 &&
         part.n_lanes <= kMaxLanes;
}

/// Refuses what is not read before any password is asked for, or anything computed.
KeyPlan plan_of(const PartCipher& part) {
  KeyPlan plan = plan_named(part.algorithm);
  plan.by_argon2 = part.derivation.ends_with(":argon2id") || part.derivation.ends_with("#argon2id");
  const bool by_rounds = part.derivation == "PBKDF2" || part.derivation.ends_with("#pbkdf2");
  const bool bounded = plan.by_argon2
                           ? is_argon2_bounded(part)
                           : by_rounds && part.n_rounds >= 1 && part.n_rounds <= kMaxRounds;
  const bool has_key =
      plan.key_bytes != 0 && (part.key_bytes == 0 || part.key_bytes == plan.key_bytes);
  const bool has_salt = !part.salt.empty() && part.salt.size() <= kMaxSaltBytes;
  if (!bounded || !has_key || !has_salt) fail_unknown_encryption();
  return plan;
}

std::string key_of(const PartCipher& part, const KeyPlan& plan, const std::string& password) {
  const auto start = hash_of(hash_named(part.start_key), {password});
  if (!plan.by_argon2) {
    return pbkdf2_sha1(start, part.salt, static_cast<unsigned>(part.n_rounds), plan.key_bytes);
  }
  return argon2id(start, part.salt,
                  {.n_passes = static_cast<std::uint32_t>(part.n_passes),
                   .n_kib = static_cast<std::uint32_t>(part.n_kib),
                   .n_lanes = static_cast<std::uint32_t>(part.n_lanes)},
                  plan.key_bytes);
}

/// The last byte of AES's last block says how many fill it up. What makes no sense comes of a wrong
/// key.
std::string without_filling(std::string bytes, const std::string& password) {
  const std::size_t n = bytes.empty() ? 0 : static_cast<unsigned char>(bytes.back());
  if (n < 1 || n > kBlock) fail_password(password);
  bytes.resize(bytes.size() - n);
  return bytes;
}

/// Still packed.
std::string decrypted(std::string_view bytes, const PartCipher& part, const KeyPlan& plan,
                      const std::string& password) {
  const auto key = key_of(part, plan, password);
  if (plan.cipher == Cipher::kAesTagged) {
    auto out = aes_gcm_decrypted(key, bytes);
    if (!out) fail_password(password);
    return std::move(*out);
  }
  const auto kind = checksum_named(part.checksum_kind);
  std::string out = plan.cipher == Cipher::kBlowfish
                        ? blowfish_decrypted(key, part.vector, bytes)
                        : without_filling(aes_cbc_decrypted(key, part.vector, bytes), password);
  const auto sum = hash_of(kind, {std::string_view(out).substr(0, kCheckBytes)});
  if (sum != part.checksum) fail_password(password);
  return out;
}

/// A part as it is, where the manifest does not say that it is encrypted.
std::string opened_part(ZipArchive& archive, const char* name) {
  ManifestReader manifest(name);
  const auto xml = archive.read("META-INF/manifest.xml");
  if (xml) walk_xml(*xml, manifest, XmlErrors::kKeepPart);
  std::string bytes = required_part(archive, name);
  if (!manifest.found) return bytes;
  const PartCipher& part = *manifest.found;
  const KeyPlan plan = plan_of(part);
  const std::string& password = archive.password();
  if (password.empty()) fail_password(password);
  return archive.inflate(decrypted(bytes, part, plan, password), part.unpacked);
}

}  // namespace

std::string odf_content(ZipArchive& archive) {
  if (!archive.contains(kWhole)) return opened_part(archive, kContent);
  const std::string package = opened_part(archive, kWhole);
  ZipArchive inner(package);
  return required_part(inner, kContent);
}

}  // namespace kvlink::extract
