// SPDX-License-Identifier: Apache-2.0
// Documents and archives behind a password. The files were made by msoffcrypto-tool, pyzipper and
// Info-ZIP.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "app/extract/decryption.h"
#include "app/extract/readers.h"
#include "app/extract/serve.h"
#include "retrieval/extract/extractor.h"
#include "tests/retrieval/made_documents.h"

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
                                           "aes256.zip", "pkzip.zip"));

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
  EXPECT_THROW(aes_decrypted("short", std::string(16, 'x')), Unreadable);
  EXPECT_THROW(aes_decrypted(std::string(16, 'k'), "no block"), Unreadable);
}

}  // namespace
}  // namespace kvlink::extract
