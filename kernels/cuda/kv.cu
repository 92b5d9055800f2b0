// SPDX-License-Identifier: Apache-2.0
// Rotation, and moving KV between activations, the arena and blocks. One warp per head of a row;
// angles in f64 once per position, rotation in f32.
#include "kernels/cuda/context.h"
#include "kernels/cuda/simt.h"

namespace kvlink::cuda {
namespace {

constexpr int kWarps = 4;
constexpr int kKeyWarps = 8;  ///< of a block that stores keys as q8
constexpr int kMostHeadDim = 256;
constexpr int kPerLane = kMostHeadDim / kWarp;

__global__ void rope_table_kernel(RopeTableCall call) {
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= call.n * call.n_frequencies) return;
  const std::int64_t row = i / call.n_frequencies;
  const std::int64_t j = i % call.n_frequencies;
  const std::int32_t position = call.positions[row];
  const double angle = static_cast<double>(position) * static_cast<double>(call.frequencies[j]);
  call.pairs[2 * i] = static_cast<float>(cos(angle) * static_cast<double>(call.magnitude));
  call.pairs[2 * i + 1] = static_cast<float>(sin(angle) * static_cast<double>(call.magnitude));
  if (j == 0 && call.rows != nullptr && call.rows[row] >= 0) {
    call.arena_positions[call.rows[row]] = position;
  }
}

/// A head in a warp: lane l holds the elements l, l + 32, …
struct Head {
  float v[kPerLane];
};

KVLINK_DEVICE int lane_of_thread() { return static_cast<int>(threadIdx.x) % kWarp; }

/// Rotates a head by one row of a table. shared: kMostHeadDim floats of this warp.
KVLINK_DEVICE void rotate(Head& head, int head_dim, const float* pairs, const RopeTable& rope,
                          float* shared) {
  const int lane = lane_of_thread();
  const int half = static_cast<int>(rope.n_frequencies);
  __syncwarp();  // the head before this one has been read
#pragma unroll
  for (int i = 0; i < kPerLane; ++i) {
    if (lane + i * kWarp < head_dim) shared[lane + i * kWarp] = head.v[i];
  }
  __syncwarp();
#pragma unroll
  for (int i = 0; i < kPerLane; ++i) {
    const int e = lane + i * kWarp;
    if (e >= 2 * half) continue;
    const bool first = rope.interleaved != 0 ? e % 2 == 0 : e < half;
    const int pair = rope.interleaved != 0 ? e / 2 : e % half;
    const int partner = rope.interleaved != 0 ? e ^ 1 : (first ? e + half : e - half);
    const float cosine = pairs[2 * pair];
    const float sine = pairs[2 * pair + 1];
    head.v[i] = head.v[i] * cosine + shared[partner] * (first ? -sine : sine);
  }
}

/// Into one row of one head of an arena plane.
KVLINK_DEVICE void store_head(const Head& head, void* plane, float* scales, const Arena& arena,
                              std::int64_t kv_head, std::int64_t row) {
  const int lane = lane_of_thread();
  const int head_dim = static_cast<int>(arena.head_dim);
  const std::int64_t at = kv_head * arena.capacity + row;
  float scale = 1.0F;
  if (arena.dtype == DType::kQ8Kv) {
    float largest = 0.0F;
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) {
      if (lane + i * kWarp < head_dim) largest = fmaxf(largest, fabsf(head.v[i]));
    }
    scale = warp_max(largest) / 127.0F;
    if (lane == 0) scales[at] = scale;
  }
#pragma unroll
  for (int i = 0; i < kPerLane; ++i) {
    const int e = lane + i * kWarp;
    if (e >= head_dim) continue;
    const std::int64_t to = at * head_dim + e;
    switch (arena.dtype) {
      case DType::kF32:
        static_cast<float*>(plane)[to] = head.v[i];
        break;
      case DType::kF16:
        static_cast<std::uint16_t*>(plane)[to] = f16_bits(head.v[i]);
        break;
      case DType::kBF16:
        static_cast<std::uint16_t*>(plane)[to] = bf16_bits(head.v[i]);
        break;
      default:
        static_cast<std::int8_t*>(plane)[to] = static_cast<std::int8_t>(
            scale == 0.0F ? 0.0F : rintf(fminf(fmaxf(head.v[i] / scale, -127.0F), 127.0F)));
    }
  }
}

/// One of the n_heads + 2 n_kv_heads heads of a row.
KVLINK_DEVICE void finish_head(const ProjectionCall& call, std::int64_t r, int h, float* shared) {
  const int lane = lane_of_thread();
  const int head_dim = static_cast<int>(call.arena.head_dim);
  const int n_heads = static_cast<int>(call.n_heads);
  const int n_kv = static_cast<int>(call.arena.n_kv_heads);
  const bool is_query = h < n_heads;
  const bool is_key = !is_query && h < n_heads + n_kv;
  const int own = is_query ? h : (is_key ? h - n_heads : h - n_heads - n_kv);
  const float* bias = is_query ? call.q_bias : (is_key ? call.k_bias : call.v_bias);
  const float* weight = is_query ? call.q_norm : (is_key ? call.k_norm : nullptr);
  Head head;
  float squares = 0.0F;
#pragma unroll
  for (int i = 0; i < kPerLane; ++i) {
    const int e = lane + i * kWarp;
    head.v[i] = 0.0F;
    if (e >= head_dim) continue;
    head.v[i] = load_one(call.qkv.data, call.qkv.dtype,
                         r * call.qkv.row_stride + std::int64_t{h} * head_dim + e);
    if (bias != nullptr) head.v[i] += bias[own * head_dim + e];
    squares += head.v[i] * head.v[i];
  }
  if (weight != nullptr) {
    const float scale = 1.0F / sqrtf(warp_sum(squares) / static_cast<float>(head_dim) + call.eps);
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) {
      if (lane + i * kWarp < head_dim) head.v[i] *= scale * weight[lane + i * kWarp];
    }
  }
  float* captured = is_query ? nullptr : (is_key ? call.captured_keys : call.captured_values);
  if (captured != nullptr && r >= call.capture_from) {
    const std::int64_t to = (r - call.capture_from) * n_kv * head_dim + own * head_dim;
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) {
      if (lane + i * kWarp < head_dim) captured[to + lane + i * kWarp] = head.v[i];
    }
  }
  if (is_query || is_key) {
    rotate(head, head_dim, call.rope.pairs + 2 * r * call.rope.n_frequencies, call.rope, shared);
  }
  if (is_query) {
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) {
      const int e = lane + i * kWarp;
      if (e < head_dim) {
        store_one(call.q.data, call.q.dtype,
                  r * call.q.row_stride + std::int64_t{own} * head_dim + e, head.v[i]);
      }
    }
    return;
  }
  if (call.rows[r] < 0) return;
  store_head(head, is_key ? call.arena.keys : call.arena.values,
             is_key ? call.arena.key_scales : call.arena.value_scales, call.arena, own,
             call.rows[r]);
}

__global__ void finish_projection_kernel(ProjectionCall call) {
  __shared__ float shared[kWarps][kMostHeadDim];
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int n = static_cast<int>(call.n_heads + 2 * call.arena.n_kv_heads);
  const int h = static_cast<int>(blockIdx.y) * kWarps + warp;
  if (h < n) finish_head(call, blockIdx.x, h, shared[warp]);
}

/// Element e of token t of a plane.
KVLINK_DEVICE float plane_value(const std::byte* plane, DType dtype, bool keys, std::int64_t n,
                                std::int64_t kv_dim, std::int64_t t, std::int64_t e) {
  if (dtype != DType::kQ8Kv) return load_one(plane, dtype, t * kv_dim + e);
  const auto* scales = reinterpret_cast<const float*>(plane);
  const auto* rows = reinterpret_cast<const std::int8_t*>(scales + (keys ? kv_dim : n));
  return static_cast<float>(rows[t * kv_dim + e]) * scales[keys ? e : t];
}

__global__ void kv_load_kernel(KvLoadCall call) {
  __shared__ float shared[kWarps][kMostHeadDim];
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int lane = lane_of_thread();
  const int n_kv = static_cast<int>(call.arena.n_kv_heads);
  const int head_dim = static_cast<int>(call.arena.head_dim);
  const int h = static_cast<int>(blockIdx.y) * kWarps + warp;
  if (h >= 2 * n_kv) return;
  const std::int64_t token = blockIdx.x;
  std::int64_t low = 0;
  std::int64_t high = call.n_sources;
  while (high - low > 1) {
    const std::int64_t middle = (low + high) / 2;
    if (call.sources[middle].first_token <= token) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const KvSource source = call.sources[low];
  const bool is_key = h < n_kv;
  const int own = is_key ? h : h - n_kv;
  const auto* plane = reinterpret_cast<const std::byte*>(
      reinterpret_cast<std::intptr_t>(call.base) + (is_key ? source.keys_at : source.values_at));
  Head head;
#pragma unroll
  for (int i = 0; i < kPerLane; ++i) {
    const int e = lane + i * kWarp;
    head.v[i] = e < head_dim ? plane_value(plane, source.dtype, is_key, source.n_tokens,
                                           std::int64_t{n_kv} * head_dim,
                                           token - source.first_token, own * head_dim + e)
                             : 0.0F;
  }
  if (is_key) {
    rotate(head, head_dim, call.rope.pairs + 2 * token * call.rope.n_frequencies, call.rope,
           shared[warp]);
  }
  store_head(head, is_key ? call.arena.keys : call.arena.values,
             is_key ? call.arena.key_scales : call.arena.value_scales, call.arena, own,
             call.rows[token]);
}

KVLINK_DEVICE std::int8_t quantized(float v, float scale) {
  if (!(scale > 0.0F)) return 0;
  return static_cast<std::int8_t>(rintf(fminf(fmaxf(v / scale, -127.0F), 127.0F)));
}

/// Largest magnitude as kernels/kv.h has it: NaN counts as 0, infinity as the largest number.
KVLINK_DEVICE float larger_magnitude(float largest, float v) {
  const float m = fminf(fabsf(v), 3.4028234e38F);
  return v == v && m > largest ? m : largest;
}

__global__ void store_plain_kernel(const float* x, std::int64_t n, DType dtype, void* rows) {
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= n) return;
  if (dtype == DType::kF32) {
    static_cast<float*>(rows)[i] = x[i];
  } else {
    static_cast<std::uint16_t*>(rows)[i] = dtype == DType::kF16 ? f16_bits(x[i]) : bf16_bits(x[i]);
  }
}

/// 32 channels a block; warp w has the tokens w, w + 8, …: the largest of each channel, then the
/// numbers.
__global__ void __launch_bounds__(kKeyWarps* kWarp)
    store_q8_keys_kernel(const float* x, std::int64_t n, std::int64_t dim, float* scales,
                         std::int8_t* rows) {
  __shared__ float largest[kKeyWarps][kWarp];
  const int lane = lane_of_thread();
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const std::int64_t c = std::int64_t{blockIdx.x} * kWarp + lane;
  float own = 0.0F;
  if (c < dim) {
    for (std::int64_t t = warp; t < n; t += kKeyWarps) own = larger_magnitude(own, x[t * dim + c]);
  }
  largest[warp][lane] = own;
  __syncthreads();
  if (c >= dim) return;
#pragma unroll
  for (int w = 0; w < kKeyWarps; ++w) own = larger_magnitude(own, largest[w][lane]);
  const float scale = own / 127.0F;
  if (warp == 0) scales[c] = scale;
  for (std::int64_t t = warp; t < n; t += kKeyWarps) {
    rows[t * dim + c] = quantized(x[t * dim + c], scale);
  }
}

/// One warp per token.
__global__ void store_q8_values_kernel(const float* x, std::int64_t n, std::int64_t dim,
                                       float* scales, std::int8_t* rows) {
  const std::int64_t t = std::int64_t{blockIdx.x} * kWarps + threadIdx.x / kWarp;
  if (t >= n) return;
  float largest = 0.0F;
  for (std::int64_t c = lane_of_thread(); c < dim; c += kWarp) {
    largest = larger_magnitude(largest, x[t * dim + c]);
  }
  const float scale = warp_max(largest) / 127.0F;
  if (lane_of_thread() == 0) scales[t] = scale;
  for (std::int64_t c = lane_of_thread(); c < dim; c += kWarp) {
    rows[t * dim + c] = quantized(x[t * dim + c], scale);
  }
}

void check_arena(const Arena& arena) {
  require(arena.head_dim > 0 && arena.head_dim % 8 == 0 && arena.head_dim <= kMostHeadDim,
          "arena: heads must have a multiple of 8 elements, at most 256");
  require(arena.dtype == DType::kF32 || arena.dtype == DType::kF16 || arena.dtype == DType::kBF16 ||
              arena.dtype == DType::kQ8Kv,
          "arena: type");
}

}  // namespace

void rope_table(Context& context, const RopeTableCall& call) {
  launch_on(context, call.lane, "rope_table", rope_table_kernel,
            dim3(blocks_for(call.n * call.n_frequencies, 128)), 128, 0, call);
}

void finish_projection(Context& context, const ProjectionCall& call) {
  check_arena(call.arena);
  const std::int64_t n = call.n_heads + 2 * call.arena.n_kv_heads;
  require(call.qkv.cols == n * call.arena.head_dim && call.q.rows == call.qkv.rows &&
              call.q.cols == call.n_heads * call.arena.head_dim,
          "finish_projection: shapes");
  require(2 * call.rope.n_frequencies <= call.arena.head_dim, "finish_projection: rotation");
  launch(context, "finish_projection", finish_projection_kernel,
         dim3(blocks_for(call.qkv.rows, 1), blocks_for(n, kWarps)), kWarps * kWarp, 0, call);
}

void kv_load(Context& context, const KvLoadCall& call) {
  check_arena(call.arena);
  require(call.n_sources > 0 && 2 * call.rope.n_frequencies <= call.arena.head_dim,
          "kv_load: shapes");
  launch_on(context, call.lane, "kv_load", kv_load_kernel,
            dim3(blocks_for(call.n_tokens, 1), blocks_for(2 * call.arena.n_kv_heads, kWarps)),
            kWarps * kWarp, 0, call);
}

void kv_store(Context& context, const KvStoreCall& call) {
  if (call.dtype != DType::kQ8Kv) {
    require(block_elements(call.dtype) == 1, "kv_store: type");
    const std::int64_t n = call.n * call.kv_dim;
    launch(context, "kv_store", store_plain_kernel, dim3(blocks_for(n, 256)), 256, 0, call.keys, n,
           call.dtype, call.key_plane);
    launch(context, "kv_store", store_plain_kernel, dim3(blocks_for(n, 256)), 256, 0, call.values,
           n, call.dtype, call.value_plane);
    return;
  }
  auto* key_scales = static_cast<float*>(call.key_plane);
  auto* value_scales = static_cast<float*>(call.value_plane);
  launch(context, "kv_store", store_q8_keys_kernel, dim3(blocks_for(call.kv_dim, kWarp)),
         kKeyWarps * kWarp, 0, call.keys, call.n, call.kv_dim, key_scales,
         reinterpret_cast<std::int8_t*>(key_scales + call.kv_dim));
  launch(context, "kv_store", store_q8_values_kernel, dim3(blocks_for(call.n, kWarps)),
         kWarps * kWarp, 0, call.values, call.n, call.kv_dim, value_scales,
         reinterpret_cast<std::int8_t*>(value_scales + call.n));
}

}  // namespace kvlink::cuda
