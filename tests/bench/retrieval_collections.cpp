// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/retrieval_collections.h"

#include <zlib.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

namespace kvlink::bench {
namespace {

void for_each_json_line(const std::filesystem::path& path,
                        const std::function<void(const nlohmann::json&)>& body) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) throw std::runtime_error("cannot open " + path.string());
  std::string all;
  char part[1 << 16];
  for (int n = 0; (n = gzread(file, part, sizeof(part))) > 0;) {
    all.append(part, static_cast<std::size_t>(n));
  }
  gzclose(file);
  std::istringstream lines(all);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) body(nlohmann::json::parse(line));
  }
}

/// Records of ".I id", then fields ".T", ".W" and others, lines joined by spaces.
struct SmartRecord {
  std::string id, title, text;
};

std::vector<SmartRecord> read_smart(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot open " + path.string());
  std::vector<SmartRecord> records;
  std::string* field = nullptr;
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.starts_with(".I ")) {
      records.push_back({line.substr(3), "", ""});
      field = nullptr;
    } else if (line.size() == 2 && line[0] == '.') {
      field = line == ".T" ? &records.back().title : line == ".W" ? &records.back().text : nullptr;
    } else if (field != nullptr) {
      *field += (field->empty() ? "" : " ") + line;
    }
  }
  return records;
}

}  // namespace

Collection read_nq20_pool(const std::filesystem::path& folder) {
  Collection out{"nq20_pool", {}, {}};
  for_each_json_line(folder / "nq20_pool.corpus.jsonl.gz", [&](const nlohmann::json& row) {
    out.passages.push_back({row.at("id"), row.at("title"), row.at("text")});
  });
  for_each_json_line(folder / "nq20_pool.queries.dev.jsonl.gz", [&](const nlohmann::json& row) {
    out.queries.push_back({row.at("question"), row.at("relevant").get<std::set<std::string>>()});
  });
  return out;
}

Collection read_cranfield(const std::filesystem::path& folder) {
  Collection out{"cranfield", {}, {}};
  for (const auto& record : read_smart(folder / "cran.all.1400")) {
    // The abstract begins with the title once more.
    const bool repeated = !record.title.empty() && record.text.starts_with(record.title);
    out.passages.push_back({record.id, record.title,
                            repeated ? record.text.substr(record.title.size()) : record.text});
    if (out.passages.back().text.find_first_not_of(' ') == std::string::npos) {
      out.passages.back().text = record.title.empty() ? "(empty)" : record.title;
    }
  }
  for (const auto& record : read_smart(folder / "cran.qry")) {
    out.queries.push_back({record.text, {}});
  }
  std::ifstream judgements(folder / "cranqrel");
  std::size_t query = 0;  // by place in the file, from 1
  std::string passage;
  for (int grade = 0; judgements >> query >> passage >> grade;) {
    if (grade >= 1 && grade <= 3) out.queries.at(query - 1).relevant.insert(passage);
  }
  return out;
}

}  // namespace kvlink::bench
