// SPDX-License-Identifier: Apache-2.0
// kvlink-ocr: reads one picture from descriptor 0 and writes its text to descriptor 1. Its fifth
// argument names the languages. Called with --languages alone, it prints those that are installed.
#include <cstdio>
#include <string_view>

#include "app/extract/picture_text.h"
#include "app/extract/serve.h"

int main(int argc, char** argv) {
  using namespace kvlink::extract;
  if (argc == 2 && std::string_view(argv[1]) == "--languages") {
    for (const auto& name : installed_languages()) std::puts(name.c_str());
    return 0;
  }
  const char* languages = argc > kOwnArguments ? argv[kOwnArguments] : "eng";
  return serve(
      argc, argv, [&] { prepare_recognition(languages); }, read_picture);
}
