// SPDX-License-Identifier: Apache-2.0
#include "inference/convert/model_converter.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "inference/convert/gguf_keys.h"
#include "inference/convert/quantize.h"
#include "inference/model/layer_weights.h"
#include "inference/model/limits.h"
#include "inference/model/model_outline.h"
#include "inference/model/model_parts.h"
#include "inference/model/model_storage.h"
#include "kernels/embed.h"

namespace kvlink::inference {
namespace {

namespace fs = std::filesystem;

/// Bytes of rows that are turned into their new type before they are written.
constexpr std::int64_t kBatchBytes = std::int64_t{4} << 20;

/// A tensor on its way from one file to the other.
struct Move {
  const TensorEntry* from;
  std::string name;
  DType dtype;
  std::int32_t n_heads = 0;  ///< rows are rearranged head by head; 0: they are not
};

std::int64_t rows_of(const TensorEntry& tensor) {
  std::int64_t rows = 1;
  for (std::size_t d = 0; d + 1 < tensor.shape.size(); ++d) rows *= tensor.shape[d];
  return rows;
}

/// Where row `row` of a llama GGUF file stands in a Hugging Face file: files of the one kind rotate
/// neighbours, of the other the two halves of a head.
std::int64_t row_in_halves(std::int64_t row, std::int64_t head_dim) {
  const std::int64_t in_head = row % head_dim;
  return row - in_head + in_head % 2 * (head_dim / 2) + in_head / 2;
}

class Converter {
 public:
  Converter(const Model& model, const ConvertOptions& options) : model_(model), options_(options) {}

  /// Lists what is written, in the order of the source's tensors.
  void plan(bool from_hugging_face) {
    const auto names = from_hugging_face ? gguf_names() : std::map<std::string, std::string>();
    for (const TensorEntry& tensor : model_.storage->tensors) {
      Move move{&tensor, tensor.name, DType::kF32};
      if (from_hugging_face) {
        const auto found = names.find(tensor.name);
        if (found == names.end()) continue;  // stated elsewhere, or a copy of the embedding
        move.name = found->second;
        move.n_heads = heads_to_rearrange(move.name);
      }
      move.dtype = type_of(tensor, move.name);
      writer_.add_tensor(move.name, move.dtype, tensor.shape);
      moves_.push_back(std::move(move));
    }
    if (n_other_type_ > 0) {
      notices_.push_back(std::to_string(n_other_type_) +
                         " matrices have rows that are not whole blocks of the type; they are kept "
                         "as q8_0 or f16.");
    }
    if (was_quantised_) {
      notices_.push_back(
          "The source is quantised itself: quantising it again loses more than quantising the "
          "original would.");
    }
  }

  GgufFileWriter& keys() { return writer_; }

  /// A tensor that the source does not have.
  void add_factors(std::vector<float> factors) {
    if (factors.empty()) return;
    factors_ = std::move(factors);
    const std::int64_t n = std::ssize(factors_);
    writer_.add_tensor("rope_freqs.weight", DType::kF32, std::span(&n, 1));
  }

  ConvertReport write(const fs::path& target, FileSystem& files, const ConvertProgress& progress,
                      const std::stop_token& stop) {
    const std::int64_t total = writer_.file_bytes();
    auto out = files.create(target, total);
    writer_.write_head(*out);
    std::int64_t done = 0;
    for (std::size_t i = 0; i < moves_.size(); ++i) {
      write_tensor(moves_[i], *out, [&](std::int64_t n_bytes) {
        if (stop.stop_requested()) {
          fail(ErrorCode::kCancelled, "the conversion was stopped; nothing was written");
        }
        done += n_bytes;
        if (progress) progress(done, total);
      });
      writer_.write_padding(i, *out);
    }
    if (!factors_.empty()) {
      out->write(std::as_bytes(std::span(factors_)));
      writer_.write_padding(moves_.size(), *out);
    }
    out->commit();
    if (progress) progress(total, total);
    return {total, type_summary(), notices_};
  }

 private:
  std::map<std::string, std::string> gguf_names() const {
    const TensorNames& from = kHuggingFaceNames;
    const TensorNames& to = kGgufNames;
    std::map<std::string, std::string> names;
    const auto add = [&](const std::string& a, const std::string& b) {
      for (const char* kind : {".weight", ".bias"}) names.emplace(a + kind, b + kind);
    };
    add(std::string(from.embedding), std::string(to.embedding));
    add(std::string(from.output_norm), std::string(to.output_norm));
    const bool is_tied = model_.output.data == model_.embedding.data;
    if (!is_tied) add(std::string(from.output), std::string(to.output));
    for (std::int32_t layer = 0; layer < model_.config.n_layers; ++layer) {
      for (const auto tensor : kLayerTensors) {
        add(from.in_layer(layer, from.*tensor), to.in_layer(layer, to.*tensor));
      }
    }
    return names;
  }

  std::int32_t heads_to_rearrange(const std::string& name) const {
    const auto& arch = find_architecture(model_.config.architecture, "config.json");
    if (arch.gguf_pairing != kernels::RopePairing::kInterleaved) return 0;
    if (name.find(".attn_q.") != std::string::npos) return model_.config.n_heads;
    if (name.find(".attn_k.") != std::string::npos) return model_.config.n_kv_heads;
    return 0;
  }

  DType type_of(const TensorEntry& tensor, const std::string& name) {
    if (tensor.shape.size() < 2) return DType::kF32;
    const bool is_outer = name.starts_with(kGgufNames.embedding) || name == "output.weight";
    const DType wanted =
        is_outer ? options_.embedding.value_or(options_.matrices) : options_.matrices;
    was_quantised_ = was_quantised_ || (block_elements(tensor.dtype) > 1 && tensor.dtype != wanted);
    for (const DType dtype : {wanted, DType::kQ8_0}) {
      if (tensor.shape.back() % block_elements(dtype) == 0) {
        n_other_type_ += dtype != wanted;
        return dtype;
      }
    }
    ++n_other_type_;
    return DType::kF16;
  }

  template <typename Written>
  void write_tensor(const Move& move, PendingFile& out, Written written) const {
    const TensorEntry& from = *move.from;
    const std::int64_t cols = from.shape.back();
    const WeightView view{from.bytes.data(), from.dtype, rows_of(from), cols};
    const std::int64_t bytes_each = row_bytes(move.dtype, cols);
    const std::int64_t head_dim = move.n_heads == 0 ? 0 : view.rows / move.n_heads;
    const std::int64_t batch = std::max<std::int64_t>(kBatchBytes / bytes_each, 1);
    std::vector<float> row(static_cast<std::size_t>(cols));
    std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(batch, view.rows) * bytes_each));
    for (std::int64_t first = 0; first < view.rows; first += batch) {
      const std::int64_t n = std::min(batch, view.rows - first);
      for (std::int64_t r = 0; r < n; ++r) {
        const std::int64_t source = head_dim == 0 ? first + r : row_in_halves(first + r, head_dim);
        convert_row(view, source, move, row, bytes.data() + r * bytes_each);
      }
      out.write(std::span(bytes).first(static_cast<std::size_t>(n * bytes_each)));
      written(n * bytes_each);
    }
  }

  static void convert_row(const WeightView& view, std::int64_t row, const Move& move,
                          std::vector<float>& values, std::byte* out) {
    if (view.dtype == move.dtype) {
      std::copy_n(view.row(row), row_bytes(view.dtype, view.cols), out);
      return;
    }
    kernels::dequantize_row(view, row, values.data());
    if (!quantize_row(move.dtype, values, out)) {
      fail(ErrorCode::kInvalidInput, "tensor " + move.name + " holds numbers beyond what " +
                                         dtype_name(move.dtype) +
                                         " can hold; choose bf16, f32 or a k type");
    }
  }

  std::string type_summary() const {
    std::vector<TensorEntry> written;
    for (const Move& move : moves_) written.push_back({move.name, move.dtype, {}, {}});
    return summarize_types(written);
  }

  const Model& model_;
  const ConvertOptions& options_;
  GgufFileWriter writer_;
  std::vector<Move> moves_;
  std::vector<float> factors_;
  std::vector<std::string> notices_;
  int n_other_type_ = 0;
  bool was_quantised_ = false;
};

void check_request(const fs::path& source, const fs::path& target, const ConvertOptions& options) {
  for (const DType dtype : {options.matrices, options.embedding.value_or(options.matrices)}) {
    if (!can_quantize(dtype)) {
      fail(ErrorCode::kInvalidInput, std::string("models are not written as ") + dtype_name(dtype) +
                                         "; choose f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, "
                                         "q4_k, q5_k or q6_k");
    }
  }
  if (target.extension() != ".gguf") {
    fail(ErrorCode::kInvalidInput, target.string() + " does not end in .gguf");
  }
  std::error_code ignored;
  const bool exists = fs::exists(target, ignored);
  if (exists && fs::equivalent(source, target, ignored)) {
    fail(ErrorCode::kInvalidInput, target.string() + " is the model that is read");
  }
  if (exists && !options.replace) {
    fail(ErrorCode::kInvalidInput, target.string() + " exists already");
  }
}

/// Of a file beside which config.json lies, or of a folder.
fs::path config_of(const fs::path& source) {
  return (fs::is_directory(source) ? source : source.parent_path()) / "config.json";
}

/// The number by which other programs show what a file mostly holds.
std::uint32_t file_type(DType matrices) {
  switch (matrices) {
    case DType::kF32:
      return 0;
    case DType::kF16:
      return 1;
    case DType::kQ4_0:
      return 2;
    case DType::kQ4_1:
      return 3;
    case DType::kQ8_0:
      return 7;
    case DType::kQ5_0:
      return 8;
    case DType::kQ5_1:
      return 9;
    case DType::kQ2K:
      return 10;
    case DType::kQ3K:
      return 12;
    case DType::kQ4K:
      return 14;
    case DType::kQ5K:
      return 16;
    case DType::kQ6K:
      return 18;
    case DType::kIq4Nl:
      return 25;
    default:
      return 32;  // bf16
  }
}

bool is_hugging_face(const fs::path& source) {
  return fs::is_directory(source) || source.extension() == ".safetensors";
}

}  // namespace

Result<ConvertReport> convert_model(const fs::path& source, const fs::path& target,
                                    const ConvertOptions& options, FileSystem& files,
                                    const ConvertProgress& progress, std::stop_token stop) {
  return returning([&] {
    check_request(source, target, options);
    const Model model = value_or_throw(load_model(source, LoadWatch{{}, stop}));
    Converter converter(model, options);
    std::vector<float> factors;
    if (is_hugging_face(source)) {
      factors = write_keys(model, read_small_file(config_of(source), limits::kMaxConfigBytes),
                           converter.keys());
    } else {
      const MappedFile first(gguf_parts(source).front());
      copy_gguf_keys(GgufFile::parse(first.bytes(), source.filename().string()), converter.keys());
    }
    constexpr std::uint32_t kQuantizationVersion = 2;
    converter.keys().set_u32("general.file_type", file_type(options.matrices));
    converter.keys().set_u32("general.quantization_version", kQuantizationVersion);
    converter.plan(is_hugging_face(source));
    converter.add_factors(std::move(factors));
    return converter.write(target, files, progress, stop);
  });
}

}  // namespace kvlink::inference
