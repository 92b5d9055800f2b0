// SPDX-License-Identifier: Apache-2.0
// Prints what `kvlink-extract` reads in a file, for looking and for extract_accuracy.py.
// Usage: kvlink_extract_text [--places] [--password WORD] FILE
// Exit code 3: the file cannot be read, and why on standard error.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "retrieval/extract/extractor.h"

int main(int argc, char** argv) {
  kvlink::retrieval::ReadRequest request;
  bool places = false;
  std::string file;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--places") {
      places = true;
    } else if (argument == "--password" && i + 1 < argc) {
      request.password = argv[++i];
    } else {
      file = argument;
    }
  }
  std::ifstream in(file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  request.file_name = std::filesystem::path(file).filename();
  const auto program =
      std::filesystem::canonical("/proc/self/exe").parent_path() / "kvlink-extract";
  const auto made = kvlink::retrieval::Extractor(program).read(bytes, request, {});
  if (!made) {
    std::cerr << made.error().message << "\n";
    return 1;
  }
  const auto& report = made->report;
  std::cerr << (report.filtered ? "filtered" : "NOT FILTERED") << ", "
            << made->use.processor_seconds << " s, " << (made->use.peak_bytes >> 20) << " MiB\n";
  if (report.problem != kvlink::retrieval::ReadProblem::kNone) {
    std::cerr << "problem " << static_cast<int>(report.problem) << ": " << report.reason << "\n";
    return 3;
  }
  std::cerr << report.document.media_type << ": " << report.document.title << "\n";
  for (const auto& notice : report.document.notices) std::cerr << "notice: " << notice << "\n";
  for (const auto& block : report.document.blocks) {
    if (places) {
      std::cout << "[" << static_cast<int>(block.type) << "/" << block.level << " "
                << static_cast<int>(block.place.kind) << ":" << block.place.number << " "
                << block.place.label << " lines " << block.line_begin << "-" << block.line_end
                << "] ";
    }
    std::cout << block.text << "\n\n";
  }
  return 0;
}
