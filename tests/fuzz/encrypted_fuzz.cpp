// SPDX-License-Identifier: Apache-2.0
// Encrypted containers from any bytes, the first of which chooses the kind: no crash, no endless
// chain. What is opened is read on by other targets.
#include <cstdint>
#include <string>

#include "app/extract/odf_encryption.h"
#include "app/extract/office_encryption.h"
#include "app/extract/ole_container.h"
#include "app/extract/serve.h"
#include "app/extract/zip_archive.h"
#include "tests/retrieval/zip_writer.h"

using namespace kvlink;

namespace {

constexpr const char* kPassword = "heron & reed";  // of the files in the corpus

/// A package whose manifest is any bytes.
std::string package_of(const std::string& manifest) {
  const std::string secret(64, 's');
  retrieval::tests::ZipWriter zip;
  zip.add("content.xml", secret).add("META-INF/manifest.xml", manifest);
  if (manifest.find("encrypted-package") != manifest.npos) zip.add("encrypted-package", secret);
  return zip.finish();
}

void read_package(const std::string& bytes) {
  extract::ZipArchive archive(bytes, {}, kPassword);
  extract::odf_content(archive);
}

void read(std::uint8_t kind, const std::string& bytes) {
  switch (kind % 5) {
    case 0:
      extract::decrypt_office(bytes, kPassword);
      return;
    case 1: {
      const extract::OleContainer container(bytes);
      container.read("EncryptionInfo");
      container.read("EncryptedPackage");
      return;
    }
    case 2: {
      extract::ZipArchive archive(bytes, {}, kPassword);
      for (const auto& [name, member] : archive.members()) archive.read(name);
      return;
    }
    case 3:
      return read_package(package_of(bytes));
    default:
      return read_package(bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  try {
    read(data[0], std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  } catch (const extract::Unreadable&) {
    return 0;
  }
  return 0;
}
