// SPDX-License-Identifier: Apache-2.0
#include "inference/device/gpu_options.h"

#include <charconv>
#include <optional>
#include <system_error>

namespace kvlink::inference {
namespace {

constexpr std::string_view kGpu = "gpu:";
constexpr std::size_t kMostGpus = 64;

std::filesystem::path own_program_folder() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

/// The number in "gpu:2".
std::optional<std::size_t> number_of(std::string_view choice) {
  if (!choice.starts_with(kGpu)) return std::nullopt;
  const std::string_view digits = choice.substr(kGpu.size());
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool is_number = error == std::errc() && end == digits.data() + digits.size();
  return is_number && number < kMostGpus ? std::optional(number) : std::nullopt;
}

GpuOptions without(std::string refusal) {
  GpuOptions options;
  options.refusal = std::move(refusal);
  return options;
}

GpuOptions with(const FoundGpus& found, std::size_t number) {
  GpuOptions options;
  options.plugin = found.plugin;
  options.backend.device = static_cast<std::int32_t>(number);
  return options;
}

}  // namespace

FoundGpus find_gpus(const std::filesystem::path& plugin_file) {
  FoundGpus found;
  auto plugin = cuda::CudaPlugin::load(
      plugin_file.empty() ? cuda::default_plugin_file(own_program_folder()) : plugin_file);
  if (!plugin) {
    found.problem = plugin.error().message;
    return found;
  }
  found.plugin = *plugin;
  for (const cuda::DeviceInfo& device : found.plugin->devices()) {
    if (found.gpus.size() == kMostGpus) break;
    found.gpus.push_back({std::string(kGpu) + std::to_string(found.gpus.size()),
                          cuda::describe(device), cuda::why_unusable(device)});
  }
  return found;
}

bool is_device_choice(std::string_view choice) {
  return choice == "auto" || choice == "cpu" || number_of(choice).has_value();
}

GpuOptions choose_gpu(const FoundGpus& found, std::string_view choice) {
  if (choice == "cpu") return without("");
  if (const auto number = number_of(choice)) {
    GpuOptions options;
    if (found.gpus.empty()) {
      options = without(found.problem);
    } else if (*number >= found.gpus.size()) {
      options = without(std::string(choice) + " is not there: the last GPU of this machine is " +
                        found.gpus.back().id);
    } else if (!found.gpus[*number].problem.empty()) {
      options = without(found.gpus[*number].problem);
    } else {
      options = with(found, *number);
    }
    options.is_chosen = true;
    return options;
  }
  for (std::size_t i = 0; i < found.gpus.size(); ++i) {
    if (found.gpus[i].problem.empty()) return with(found, i);
  }
  return without(found.gpus.empty() ? found.problem : found.gpus.front().problem);
}

}  // namespace kvlink::inference
