// SPDX-License-Identifier: Apache-2.0
// Ops on rows: one block per row where a row is summed, else one thread per few elements. Sums in
// f32 over lanes, then over warps.
#include "kernels/cuda/context.h"
#include "kernels/cuda/decode.h"

namespace kvlink::cuda {
namespace {

constexpr int kThreads = 256;
/// Rows of which a device has no more blocks than processors get large ones: nobody else works.
constexpr int kLargeBlock = 1024;

/// Writes what `emit(element, value)` is told: every element of one row of weights.
template <DType kType, typename Emit>
KVLINK_DEVICE void decode_row(const std::uint8_t* row, std::int64_t cols, Emit emit) {
  if constexpr (is_plain<kType>()) {
    for (std::int64_t i = threadIdx.x; i < cols; i += blockDim.x) {
      emit(i, load_one(row, kType, i));
    }
  } else {
    for (std::int64_t unit = threadIdx.x; unit < cols / kUnit; unit += blockDim.x) {
      float v[kUnit];
      decode_unit<kType>(row, unit, v);
#pragma unroll
      for (int i = 0; i < kUnit; ++i) emit(unit_element(unit, i / 8) + i % 8, v[i]);
    }
  }
}

template <DType kType>
__global__ void embed_kernel(const std::uint8_t* table, std::int64_t row_bytes,
                             const std::int32_t* ids, const float* soft, std::int64_t cols,
                             float* y, std::int64_t y_stride) {
  const std::int64_t r = blockIdx.x;
  const std::int32_t id = ids[r];
  float* out = y + r * y_stride;
  if (id < 0) {
    const float* from = soft + (-1 - std::int64_t{id}) * cols;
    for (std::int64_t i = threadIdx.x; i < cols; i += blockDim.x) out[i] = from[i];
    return;
  }
  decode_row<kType>(table + id * row_bytes, cols, [out](std::int64_t i, float v) { out[i] = v; });
}

template <DType kType>
__global__ void dequantize_kernel(const std::uint8_t* w, std::int64_t row_bytes, std::int64_t cols,
                                  void* y, DType y_dtype, std::int64_t y_stride) {
  const std::int64_t r = blockIdx.x;
  decode_row<kType>(w + r * row_bytes, cols,
                    [=](std::int64_t i, float v) { store_one(y, y_dtype, r * y_stride + i, v); });
}

__global__ void __launch_bounds__(kLargeBlock)
    norm_kernel(Matrix x, const std::int32_t* rows, const float* w, const float* b, float eps,
                Matrix y) {
  __shared__ float scratch[kWarp];
  const std::int64_t r = blockIdx.x;
  const float* in =
      static_cast<const float*>(x.data) + (rows == nullptr ? r : rows[r]) * x.row_stride;
  const auto n = static_cast<float>(x.cols);
  float mean = 0.0F;
  if (b != nullptr) {
    float sum = 0.0F;
    for (std::int64_t i = threadIdx.x; i < x.cols; i += blockDim.x) sum += in[i];
    mean = block_sum(sum, scratch) / n;
  }
  float squares = 0.0F;
  for (std::int64_t i = threadIdx.x; i < x.cols; i += blockDim.x) {
    squares += (in[i] - mean) * (in[i] - mean);
  }
  const float scale = 1.0F / sqrtf(block_sum(squares, scratch) / n + eps);
  for (std::int64_t i = threadIdx.x; i < x.cols; i += blockDim.x) {
    const float v = (in[i] - mean) * scale * w[i] + (b == nullptr ? 0.0F : b[i]);
    store_one(y.data, y.dtype, r * y.row_stride + i, v);
  }
}

/// Rows along x, columns along y: no division finds the place.
struct Place {
  std::int64_t row, col;
};
KVLINK_DEVICE Place place() {
  return {blockIdx.x, std::int64_t{blockIdx.y} * blockDim.x + threadIdx.x};
}

__global__ void swiglu_kernel(Matrix x, Matrix y) {
  const Place at = place();
  if (at.col >= y.cols) return;
  const float gate = load_one(x.data, x.dtype, at.row * x.row_stride + at.col);
  const float up = load_one(x.data, x.dtype, at.row * x.row_stride + y.cols + at.col);
  store_one(y.data, y.dtype, at.row * y.row_stride + at.col, gate / (1.0F + expf(-gate)) * up);
}

__global__ void add_kernel(Matrix x, Matrix y, const float* bias) {
  const Place at = place();
  if (at.col >= x.cols) return;
  const float v =
      bias != nullptr ? bias[at.col] : load_one(y.data, y.dtype, at.row * y.row_stride + at.col);
  static_cast<float*>(x.data)[at.row * x.row_stride + at.col] += v;
}

__global__ void gelu_kernel(Matrix x) {
  const Place at = place();
  if (at.col >= x.cols) return;
  float& v = static_cast<float*>(x.data)[at.row * x.row_stride + at.col];
  v = 0.5F * v * (1.0F + erff(v * 0.70710678F));
}

__global__ void convert_kernel(Matrix x, Matrix y) {
  const Place at = place();
  if (at.col >= x.cols) return;
  store_one(y.data, y.dtype, at.row * y.row_stride + at.col,
            load_one(x.data, x.dtype, at.row * x.row_stride + at.col));
}

__global__ void mask_kernel(Matrix x, const std::int32_t* skip) {
  const Place at = place();
  if (at.col >= x.cols || skip[at.row] == 0) return;
  static_cast<float*>(x.data)[at.row * x.row_stride + at.col] = 0.0F;
}

bool same_shape(const Matrix& x, const Matrix& y) { return x.rows == y.rows && x.cols == y.cols; }

dim3 grid_of(const Matrix& x) { return dim3(blocks_for(x.rows, 1), blocks_for(x.cols, kThreads)); }

}  // namespace

void embed(Context& context, const EmbedCall& call) {
  require(call.table.cols == call.y.cols && call.y.dtype == DType::kF32, "embed: shapes");
  for_weight_type(call.table.dtype, [&]<DType kType>() {
    launch(context, "embed", embed_kernel<kType>, dim3(blocks_for(call.y.rows, 1)), 128, 0,
           static_cast<const std::uint8_t*>(call.table.data), row_bytes(kType, call.table.cols),
           call.ids, call.soft, call.table.cols, static_cast<float*>(call.y.data),
           call.y.row_stride);
  });
}

void dequantize(Context& context, const DequantizeCall& call) {
  require(call.w.rows == call.y.rows && call.w.cols == call.y.cols, "dequantize: shapes");
  for_weight_type(call.w.dtype, [&]<DType kType>() {
    launch(context, "dequantize", dequantize_kernel<kType>, dim3(blocks_for(call.w.rows, 1)), 128,
           0, static_cast<const std::uint8_t*>(call.w.data), row_bytes(kType, call.w.cols),
           call.w.cols, call.y.data, call.y.dtype, call.y.row_stride);
  });
}

void norm(Context& context, const NormCall& call) {
  require(call.x.cols == call.y.cols && call.x.dtype == DType::kF32, "norm: shapes");
  require(call.rows != nullptr || call.x.rows == call.y.rows, "norm: rows");
  const bool is_alone = call.y.rows <= context.n_processors && call.x.cols > kThreads;
  launch(context, "norm", norm_kernel, dim3(blocks_for(call.y.rows, 1)),
         is_alone ? kLargeBlock : kThreads, 0, call.x, call.rows, call.w, call.b, call.eps, call.y);
}

void swiglu(Context& context, const SwigluCall& call) {
  require(call.x.rows == call.y.rows && call.x.cols == 2 * call.y.cols, "swiglu: shapes");
  launch(context, "swiglu", swiglu_kernel, grid_of(call.y), kThreads, 0, call.x, call.y);
}

void add(Context& context, const AddCall& call) {
  require(call.x.dtype == DType::kF32, "add: type");
  require(call.bias != nullptr || same_shape(call.x, call.y), "add: shapes");
  launch(context, "add", add_kernel, grid_of(call.x), kThreads, 0, call.x, call.y, call.bias);
}

void gelu(Context& context, const GeluCall& call) {
  require(call.x.dtype == DType::kF32, "gelu: type");
  launch(context, "gelu", gelu_kernel, grid_of(call.x), kThreads, 0, call.x);
}

void convert(Context& context, const ConvertCall& call) {
  require(same_shape(call.x, call.y), "convert: shapes");
  launch(context, "convert", convert_kernel, grid_of(call.x), kThreads, 0, call.x, call.y);
}

void mask(Context& context, const MaskCall& call) {
  require(call.x.dtype == DType::kF32, "mask: type");
  launch(context, "mask", mask_kernel, grid_of(call.x), kThreads, 0, call.x, call.skip);
}

}  // namespace kvlink::cuda
