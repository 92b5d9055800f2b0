// SPDX-License-Identifier: Apache-2.0
#include "app/desk/pre_scan.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "app/file_scan.h"

namespace kvlink::desk {
namespace {

// Before anything was measured: a slow laptop with the default models.
constexpr double kAssumedBytesPerSecond = 100'000;
constexpr double kAssumedTokensPerSecond = 400;
constexpr double kAssumedTokensPerByte = 0.25;

double or_assumed(double measured, double assumed) { return measured > 0 ? measured : assumed; }

std::vector<TypeCount> count_types(const app::ScanResult& scan) {
  std::map<std::pair<bool, QString>, TypeCount> counts;
  const auto count = [&](const std::string& path, std::int64_t bytes, bool supported) {
    const QString suffix = suffix_of(path);
    auto& type = counts[{supported, suffix}];
    type.suffix = suffix;
    type.supported = supported;
    type.n_bytes += bytes;
    ++type.n_files;
  };
  for (const auto& file : scan.files) count(file.path.string(), file.bytes, true);
  for (const auto& path : scan.unsupported) {
    std::error_code ignored;
    const auto bytes = std::filesystem::file_size(path, ignored);
    count(path, ignored ? 0 : static_cast<std::int64_t>(bytes), false);
  }
  std::vector<TypeCount> types;
  for (auto& [key, type] : counts) types.push_back(std::move(type));
  std::stable_sort(types.begin(), types.end(), [](const TypeCount& a, const TypeCount& b) {
    return a.supported != b.supported ? a.supported : a.n_files > b.n_files;
  });
  return types;
}

}  // namespace

QString suffix_of(const std::string& path) {
  return text_of(std::filesystem::path(path).extension().string()).toLower();
}

PreScan pre_scan_of(RequestId id, const std::vector<QString>& paths, const EstimateBasis& basis,
                    std::stop_token stop) {
  std::vector<std::filesystem::path> named;
  for (const auto& path : paths) named.emplace_back(utf8_of(path));
  const app::ScanResult scan = app::scan_paths(named, std::move(stop), basis.scan);
  PreScan result;
  result.id = id;
  result.paths = paths;
  for (const auto& path : named) {
    std::error_code error;
    const auto real = std::filesystem::canonical(path, error);
    if (!error && std::filesystem::is_directory(real, error)) {
      result.folders.push_back(text_of(real.string()));
    }
  }
  result.types = count_types(scan);
  result.n_files = static_cast<std::int64_t>(scan.files.size());
  for (const auto& file : scan.files) result.n_bytes += file.bytes;
  result.n_unsupported = static_cast<std::int64_t>(scan.unsupported.size());
  result.n_hidden = scan.n_hidden;
  result.n_links = scan.n_links;
  for (const auto& problem : scan.problems) {
    result.problems.push_back({problem.code, text_of(problem.path + ": " + problem.reason)});
  }
  const auto& rates = basis.rates;
  const auto bytes = static_cast<double>(result.n_bytes);
  const double tokens = bytes * or_assumed(rates.tokens_per_byte, kAssumedTokensPerByte);
  result.index_seconds = bytes / or_assumed(rates.bytes_per_second, kAssumedBytesPerSecond);
  result.cache_seconds = tokens / or_assumed(rates.tokens_per_second, kAssumedTokensPerSecond);
  result.kv_bytes =
      static_cast<std::int64_t>(tokens * static_cast<double>(basis.kv_bytes_per_token));
  result.kv_bytes_free = basis.kv_bytes_free;
  result.measured = rates.bytes_per_second > 0 && rates.tokens_per_second > 0;
  return result;
}

}  // namespace kvlink::desk
