// SPDX-License-Identifier: Apache-2.0
// Documents and archives behind a password. The files were made by msoffcrypto-tool, pyzipper,
// Info-ZIP and encrypted/make_odf.py.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "app/extract/decryption.h"
#include "app/extract/readers.h"
#include "app/extract/serve.h"
#include "app/extract/zip_archive.h"
#include "retrieval/extract/extractor.h"
#include "tests/retrieval/made_documents.h"
#include "tests/retrieval/zip_writer.h"

namespace kvlink::extract {
namespace {

using retrieval::ReadProblem;

constexpr const char* kPassword = "heron & reed";
constexpr const char* kLine = "Nine herons stood in the reeds.";

std::string file(const std::string& name) {
  std::ifstream in(std::string(KVLINK_ENCRYPTED_FILES) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

retrieval::ReadRequest request_for(const std::string& name, const std::string& password) {
  retrieval::ReadRequest request;
  request.file_name = name;
  request.password = password;
  request.archives = true;
  return request;
}

ReadProblem problem_with(const std::string& name, const std::string& bytes,
                         const std::string& password) {
  try {
    read_document(bytes, request_for(name, password));
  } catch (const Unreadable& e) {
    return e.problem();
  }
  return ReadProblem::kNone;
}

class Encrypted : public ::testing::TestWithParam<const char*> {};

TEST_P(Encrypted, IsReadWithItsPassword) {
  const auto report = read_document(file(GetParam()), request_for(GetParam(), kPassword));
  ASSERT_FALSE(report.document.blocks.empty());
  EXPECT_NE(report.document.blocks.back().text.find(kLine), std::string::npos)
      << report.document.blocks.back().text;
}

TEST_P(Encrypted, AsksForThePasswordAndForAnother) {
  const std::string name = GetParam();
  EXPECT_EQ(problem_with(name, file(name), ""), ReadProblem::kNeedsPassword);
  for (const char* wrong : {"heron", "heron & reed ", "\xC3\xBC", "x", "y", "z"}) {
    EXPECT_EQ(problem_with(name, file(name), wrong), ReadProblem::kNeedsPassword) << wrong;
  }
}

TEST_P(Encrypted, IsReadInTheSandboxToo) {
  const auto made = retrieval::Extractor(retrieval::tests::beside_this_test("kvlink-extract"))
                        .read(file(GetParam()), request_for(GetParam(), kPassword), {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->report.problem, ReadProblem::kNone) << made->report.reason;
  EXPECT_TRUE(made->report.filtered);
  EXPECT_LT(made->use.processor_seconds, 5);
}

TEST_P(Encrypted, NamesWhatIsCutOrChanged) {
  const std::string whole = file(GetParam());
  for (std::size_t i = 1; i <= 20; ++i) {
    EXPECT_NE(problem_with(GetParam(), whole.substr(0, whole.size() * i / 21), kPassword),
              ReadProblem::kNone)
        << i;
  }
}

INSTANTIATE_TEST_SUITE_P(EveryKind, Encrypted,
                         ::testing::Values("agile.docx", "standard.docx", "aes128.zip",
                                           "aes256.zip", "pkzip.zip", "aes256.odt", "aes256.ods",
                                           "aes256.odp", "blowfish.odt", "argon2.odt"));

/// A member of an archive, still encrypted.
std::string member(const std::string& archive, const std::string& name) {
  return ZipArchive(archive).read(name).value_or("");
}

/// An OpenDocument file with `before` in its manifest replaced.
std::string odf_with(const std::string& name, const std::string& before, const std::string& after) {
  const std::string whole = file(name);
  std::string manifest = member(whole, "META-INF/manifest.xml");
  const std::size_t at = manifest.find(before);
  EXPECT_NE(at, manifest.npos) << before;
  manifest.replace(at, before.size(), after);
  retrieval::tests::ZipWriter out;
  out.add("mimetype", member(whole, "mimetype"));
  for (const char* part : {"content.xml", "encrypted-package"}) {
    if (const auto bytes = member(whole, part); !bytes.empty()) out.add(part, bytes);
  }
  return out.add("META-INF/manifest.xml", manifest).finish();
}

struct ManifestChange {
  const char* file;
  const char* before;
  const char* after;
  ReadProblem problem;
};

class HostileManifest : public ::testing::TestWithParam<ManifestChange> {};

TEST_P(HostileManifest, IsRefusedBeforeAnythingIsComputed) {
  const ManifestChange& change = GetParam();
  const auto bytes = odf_with(change.file, change.before, change.after);
  EXPECT_EQ(problem_with("a.odt", bytes, kPassword), change.problem) << change.after;
  // A refusal that computes nothing first needs no password either.
  if (change.problem == ReadProblem::kUnsupported) {
    EXPECT_EQ(problem_with("a.odt", bytes, ""), ReadProblem::kUnsupported) << change.after;
  }
}

const std::string kLongSalt = "manifest:salt=\"" + std::string(4 << 20, 'A');

INSTANTIATE_TEST_SUITE_P(
    Every, HostileManifest,
    ::testing::Values(
        ManifestChange{"aes256.odt", "count=\"100000\"", "count=\"4000000000\"",
                       ReadProblem::kUnsupported},
        ManifestChange{"aes256.odt", "count=\"100000\"", "count=\"99999999999999999999999\"",
                       ReadProblem::kUnsupported},
        ManifestChange{"aes256.odt", "count=\"100000\"", "count=\"-1\"", ReadProblem::kUnsupported},
        ManifestChange{"aes256.odt", "count=\"100000\"", "count=\"0\"", ReadProblem::kUnsupported},
        ManifestChange{"aes256.odt", "key-size=\"32\"", "key-size=\"4294967328\"",
                       ReadProblem::kUnsupported},
        ManifestChange{"aes256.odt", "manifest:salt=\"", kLongSalt.c_str(),
                       ReadProblem::kUnsupported},
        ManifestChange{"aes256.odt", "manifest:salt=\"", "manifest:grain=\"",
                       ReadProblem::kUnsupported},
        ManifestChange{"aes256.odt", "#aes256-cbc", "#aes256-ctr", ReadProblem::kUnsupported},
        ManifestChange{"aes256.odt", "\"PBKDF2\"", "\"PGP\"", ReadProblem::kUnsupported},
        ManifestChange{"argon2.odt", "memory=\"65536\"", "memory=\"4294967295\"",
                       ReadProblem::kUnsupported},
        ManifestChange{"argon2.odt", "iterations=\"3\"", "iterations=\"4000000000\"",
                       ReadProblem::kUnsupported},
        ManifestChange{"argon2.odt", "lanes=\"4\"", "lanes=\"16777215\"",
                       ReadProblem::kUnsupported},
        ManifestChange{"argon2.odt", "lanes=\"4\"", "lanes=\"\"", ReadProblem::kUnsupported}));

TEST(OdfEncryption, TakesNoOtherPartOfThePackageForTheContent) {
  // Entries of other names leave the content as it is: no XML.
  for (const char* path : {"../content.xml", "/content.xml", "./content.xml", "content.xml/x"}) {
    const auto bytes = odf_with("aes256.odt", "full-path=\"content.xml\"",
                                "full-path=\"" + std::string(path) + "\"");
    EXPECT_EQ(problem_with("a.odt", bytes, kPassword), ReadProblem::kDamaged) << path;
  }
  // Of two entries for one part the first one counts.
  const auto twice = odf_with("aes256.odt", "</manifest:file-entry>",
                              "</manifest:file-entry><manifest:file-entry "
                              "manifest:full-path=\"content.xml\"><manifest:encryption-data/>"
                              "</manifest:file-entry>");
  EXPECT_EQ(problem_with("a.odt", twice, kPassword), ReadProblem::kNone);
}

TEST(OdfEncryption, BelievesNoSize) {
  const auto size = [](const char* name, const char* part) {
    const auto manifest = member(file(name), "META-INF/manifest.xml");
    const auto at = manifest.find("manifest:size=", manifest.find(part));
    return manifest.substr(at, manifest.find('"', at + 15) + 1 - at);
  };
  const std::pair<const char*, const char*> documents[] = {{"aes256.odt", "content.xml"},
                                                           {"argon2.odt", "encrypted-package"}};
  for (const auto& [name, part] : documents) {
    const auto with = [&, name = name, part = part](const std::string& said) {
      const auto bytes = odf_with(name, size(name, part), "manifest:size=\"" + said + "\"");
      return problem_with("a.odt", bytes, kPassword);
    };
    EXPECT_EQ(with("1000000000000"), ReadProblem::kTooLarge) << name;
    EXPECT_EQ(with("18446744073709551615"), ReadProblem::kTooLarge) << name;
    EXPECT_EQ(with("90000000"), ReadProblem::kTooLarge) << name << ": a bomb";
    EXPECT_EQ(with("100000"), ReadProblem::kDamaged) << name;
    EXPECT_NE(with("1"), ReadProblem::kNone) << name;
    EXPECT_NE(with(""), ReadProblem::kNone) << name;
  }
}

TEST(OdfEncryption, SaysWhatWasChanged) {
  const std::string whole = file("argon2.odt");
  std::string package = member(whole, "encrypted-package");
  package[package.size() / 2] = static_cast<char>(package[package.size() / 2] ^ 1);
  const auto changed = retrieval::tests::ZipWriter()
                           .add("mimetype", member(whole, "mimetype"))
                           .add("encrypted-package", package)
                           .add("META-INF/manifest.xml", member(whole, "META-INF/manifest.xml"))
                           .finish();
  EXPECT_EQ(problem_with("a.odt", changed, kPassword), ReadProblem::kNeedsPassword)
      << "as a wrong password is: the tag tells no more";
  // A package within a package is opened once.
  const auto plain = [](const std::string& inner) {
    return retrieval::tests::ZipWriter()
        .add("mimetype", "application/vnd.oasis.opendocument.text")
        .add("encrypted-package", inner)
        .finish();
  };
  EXPECT_EQ(problem_with("a.odt", plain(plain(plain("x"))), kPassword), ReadProblem::kDamaged);
}

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return out;
}

TEST(Decryption, FollowsThePublishedVectors) {
  EXPECT_EQ(hash_of(HashKind::kSha1, {"a", "bc"}),
            from_hex("a9993e364706816aba3e25717850c26c9cd0d89d"));
  EXPECT_EQ(hash_of(HashKind::kSha256, {"abc"}),
            from_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  // RFC 6070, RFC 2202, FIPS 197.
  EXPECT_EQ(pbkdf2_sha1("password", "salt", 4096, 20),
            from_hex("4b007901b765489abead49d926f721d065a429c1"));
  EXPECT_EQ(hmac_sha1("Jefe", "what do ya want for nothing?"),
            from_hex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"));
  EXPECT_EQ(aes_decrypted(from_hex("000102030405060708090a0b0c0d0e0f"),
                          from_hex("69c4e0d86a7b0430d8cdb78070b4c55a")),
            from_hex("00112233445566778899aabbccddeeff"));
  // RFC 9106 has associated data, which documents do not; this one is of the reference library.
  EXPECT_EQ(argon2id("password", "somesalt", {.n_passes = 2, .n_kib = 65536, .n_lanes = 1}, 32),
            from_hex("09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"));
  EXPECT_THROW(argon2id("password", "short", {.n_passes = 1, .n_kib = 64, .n_lanes = 1}, 32),
               Unreadable);
  // The GCM specification, test cases 13 and 14: a key of 32 zeros, a vector of 12.
  const std::string zeros(32, '\0');
  EXPECT_EQ(
      aes_gcm_decrypted(zeros, zeros.substr(0, 12) + from_hex("cea7403d4d606b6e074ec5d3baf39d18"
                                                              "d0d1c8a799996bf0265b98b5d48ab919")),
      zeros.substr(0, 16));
  EXPECT_EQ(
      aes_gcm_decrypted(zeros, zeros.substr(0, 12) + from_hex("cea7403d4d606b6e074ec5d3baf39d18"
                                                              "d0d1c8a799996bf0265b98b5d48ab918")),
      std::nullopt);
  EXPECT_THROW(aes_gcm_decrypted(zeros, "cut off"), Unreadable);
  EXPECT_THROW(aes_decrypted("short", std::string(16, 'x')), Unreadable);
  EXPECT_THROW(aes_decrypted(std::string(16, 'k'), "no block"), Unreadable);
}

}  // namespace
}  // namespace kvlink::extract
