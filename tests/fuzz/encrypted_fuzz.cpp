// SPDX-License-Identifier: Apache-2.0
// Encrypted containers from any bytes, the first of which chooses the kind: no crash, no endless
// chain. What is opened is read on by other targets.
#include <cstdint>
#include <string>

#include "app/extract/office_encryption.h"
#include "app/extract/ole_container.h"
#include "app/extract/serve.h"
#include "app/extract/zip_archive.h"

using namespace kvlink;

namespace {

constexpr const char* kPassword = "heron & reed";  // of the files in the corpus

void read(std::uint8_t kind, const std::string& bytes) {
  if (kind % 3 == 0) {
    extract::decrypt_office(bytes, kPassword);
  } else if (kind % 3 == 1) {
    const extract::OleContainer container(bytes);
    container.read("EncryptionInfo");
    container.read("EncryptedPackage");
  } else {
    extract::ZipArchive archive(bytes, {}, kPassword);
    for (const auto& [name, member] : archive.members()) archive.read(name);
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
