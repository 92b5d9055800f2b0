// SPDX-License-Identifier: Apache-2.0
// What libkvlink_cuda.so offers: one table of C functions on plain structs. No CUDA header is
// needed to use it, and nothing of the standard library crosses it.
#pragma once

#include <cstdint>

#include "kernels/base/dtype.h"

namespace kvlink::cuda {

/// Raised whenever a struct or the table below changes: a plugin of another build is refused.
inline constexpr std::uint32_t kApiVersion = 4;
inline constexpr char kApiSymbol[] = "kvlink_cuda_api";

/// Result of every call. Append only.
enum class Status : std::int32_t {
  kOk = 0,
  kOutOfMemory = 1,  ///< of the device, or of the limit that was set; everything still works
  kLost = 2,         ///< the device is gone or its state is unknown: nothing works any more
  kFailed = 3,       ///< this call failed; the text says why
  kUnsupported = 4,  ///< the device or the driver cannot do it
};

struct ErrorText {
  char text[256];
};

struct DeviceInfo {
  char name[128];
  std::int64_t total_bytes;
  std::int32_t major, minor;  ///< compute capability
  std::int32_t n_processors;
  std::int32_t driver_version, runtime_version;  ///< 13000 is CUDA 13.0
};

struct ContextOptions {
  std::int32_t device;
  std::int64_t memory_limit_bytes;  ///< of everything allocated here; 0: what the device has
  const char* blas_library;         ///< file name of cuBLASLt; null: the usual one; "": none
  /// For tests: after so many calls that touch the device, it counts as lost. 0: never.
  std::int64_t fail_after_calls;
};

/// A matrix on the device, row-major. f32, f16 or bf16; row_stride in elements.
struct Matrix {
  void* data;
  std::int64_t rows, cols, row_stride;
  DType dtype;
};

/// Weights [rows = outputs, cols = inputs] on the device, as stored.
struct Weights {
  const void* data;
  const void* wide;  ///< the same as `wide_dtype`, or null: products of many rows then make it anew
  std::int64_t rows, cols;
  DType dtype;
  DType wide_dtype;  ///< kF16 or kBF16: what a product of many rows is computed in
};

/// One layer of KV on the device: [n_kv_heads, capacity, head_dim], keys rotated.
/// kQ8Kv: int8 with one f32 scale per head and row.
struct Arena {
  void* keys;
  void* values;
  float* key_scales;    ///< [n_kv_heads, capacity]; kQ8Kv only
  float* value_scales;  ///< the same
  std::int64_t n_kv_heads, capacity, head_dim;
  DType dtype;  ///< kF32, kF16, kBF16 or kQ8Kv
};

/// Sines and cosines of n positions times the magnitude: {cos, sin} pairs [n, n_frequencies].
struct RopeTable {
  const float* pairs;
  std::int64_t n_frequencies;
  std::int32_t interleaved;
};

struct Context;
struct Event;
struct Graph;
enum class Lane : std::int32_t { kCompute = 0, kCopy = 1 };

struct EmbedCall {
  Weights table;
  const std::int32_t* ids;  ///< >= 0: row of the table; -1 - i: row i of `soft`
  const float* soft;        ///< [n_soft, cols]
  Matrix y;                 ///< f32
};

/// y = norm(x[rows]) * w (+ b); layer norm when b is given, else root-mean-square norm.
struct NormCall {
  Matrix x;                  ///< f32
  const std::int32_t* rows;  ///< rows of x that y takes; null: all in order
  const float* w;
  const float* b;
  float eps;
  Matrix y;
};

/// y = x w^T, or y += x w^T.
struct MatmulCall {
  Matrix x;
  Weights w;
  Matrix y;
  std::int32_t accumulate;  ///< y is then f32
};

/// {cos, sin} of positions[i] * frequencies[j], times magnitude; angles in f64. Also writes
/// positions[i] to arena_positions[rows[i]] where rows is given.
struct RopeTableCall {
  Lane lane;
  const std::int32_t* positions;
  const float* frequencies;
  const std::int32_t* rows;
  std::int32_t* arena_positions;
  float magnitude;
  std::int64_t n, n_frequencies;
  float* pairs;
};

/// Behind the projection: biases, norms of heads, rotation; keys and values into the arena.
struct ProjectionCall {
  Matrix qkv;  ///< [n, (n_heads + 2 n_kv_heads) * head_dim]: q, k, v side by side
  const float* q_bias;
  const float* k_bias;
  const float* v_bias;  ///< each null: none
  const float* q_norm;
  const float* k_norm;  ///< [head_dim]; null: none
  float eps;
  std::int64_t n_heads;
  RopeTable rope;            ///< of the n positions
  const std::int32_t* rows;  ///< arena rows; negative: the row is padding and is not kept
  Arena arena;
  float* captured_keys;    ///< [n - capture_from, kv_dim] without rotation; null: none
  float* captured_values;  ///< [n - capture_from, kv_dim]
  std::int64_t capture_from;
  Matrix q;  ///< [n, n_heads * head_dim]: the rotated queries
};

/// As kernels/attention.h, over the first n_keys rows of the arena. A query that sees no key gives
/// zeros.
struct AttentionCall {
  Matrix q;
  Arena arena;
  const std::int32_t* key_positions;    ///< [capacity]; null: every key is visible (BERT)
  const std::int32_t* query_positions;  ///< [n]
  const float* key_biases;              ///< [capacity]; null: 0
  const std::int32_t* n_keys;           ///< on the device, so that a graph can be used again
  std::int64_t most_keys;               ///< the largest *n_keys that this call may meet
  DType half;                           ///< kF16 or kBF16: what products are computed in
  Matrix y;
};

/// mass[k] += attention weights of all queries and heads on key k.
struct AttentionMassCall {
  Matrix q;  ///< f32
  Arena arena;
  const std::int32_t* key_positions;
  const std::int32_t* query_positions;
  std::int64_t n_keys;
  float* mass;  ///< [n_keys]
};

/// y = silu(gate) * up with x = [gate, up] side by side.
struct SwigluCall {
  Matrix x;  ///< [n, 2 * y.cols]
  Matrix y;
};

/// x += y, or x[r,:] += bias with y null.
struct AddCall {
  Matrix x;
  Matrix y;
  const float* bias;
};

struct GeluCall {
  Matrix x;
};

/// x to another type of activation.
struct ConvertCall {
  Matrix x, y;
};

/// x[r,:] = 0 where skip[r] is not 0.
struct MaskCall {
  Matrix x;  ///< f32
  const std::int32_t* skip;
};

/// One block's part of one layer: planes as kernels/base/kv_block.h describes them.
struct KvSource {
  std::int64_t keys_at, values_at;  ///< bytes from `base`; addresses when that is null
  std::int64_t n_tokens;
  std::int64_t first_token;  ///< of all blocks together
  DType dtype;               ///< of its planes; blocks of one load may differ
};

/// Dequantise, rotate, scatter: every block of one layer in one launch.
struct KvLoadCall {
  Lane lane;
  const void* base;         ///< planes of this layer
  const KvSource* sources;  ///< on the device, ascending first_token
  std::int64_t n_sources, n_tokens;
  RopeTable rope;            ///< of the n_tokens positions
  const std::int32_t* rows;  ///< [n_tokens] arena rows
  Arena arena;
};

/// Unrotated keys and values [n, kv_dim] f32 into the two planes of a block's layer.
struct KvStoreCall {
  const float* keys;
  const float* values;
  std::int64_t n, kv_dim;
  DType dtype;
  void* key_plane;
  void* value_plane;
};

/// w to a matrix of kF16 or kBF16 (or f32) [rows, cols].
struct DequantizeCall {
  Weights w;
  Matrix y;
};

inline constexpr std::int32_t kMostCandidates = 128;

/// What a token is drawn with, on the device: a graph can be used again for the next one.
struct DrawParameters {
  double uniform;  ///< in [0, 1)
  float temperature;
  float top_p;
  float penalty;
  std::int32_t top_k;  ///< 1 to kMostCandidates; counts where the temperature is above 0
  std::int32_t n_seen;
};

/// The next token of one row of logits. temperature <= 0: the best, the lowest index among equals.
/// Else as inference/sampler.h with the same `uniform`.
struct SampleCall {
  float* logits;  ///< [n], changed by the penalty
  std::int64_t n;
  const DrawParameters* parameters;
  const std::int32_t* seen;  ///< ids to penalise, each once
  std::int32_t* token;       ///< -1 when the logits are not numbers, or forbid every token
};
/// Scratch of that call, for reserve_scratch.
inline constexpr std::int64_t kSampleScratchBytes = 64 * (8 * kMostCandidates + 4);

/// The table. Calls on one context come from one thread at a time. Work is queued on a lane; only
/// synchronize, wait_event_on_host and download (which ends with it) wait for the device.
struct Api {
  std::uint32_t version;
  std::uint32_t bytes;  ///< sizeof(Api)

  Status (*device_count)(std::int32_t* n, ErrorText* error);
  Status (*device_info)(std::int32_t device, DeviceInfo* info, ErrorText* error);
  Status (*open)(const ContextOptions* options, Context** context, ErrorText* error);
  void (*close)(Context* context);
  /// Of the last call that did not return kOk; lives until the next such call.
  const char* (*error)(const Context* context);
  /// "cuBLASLt" or why products of many rows do without it.
  const char* (*describe_blas)(const Context* context);

  Status (*memory)(Context*, std::int64_t* used, std::int64_t* free_bytes);
  Status (*allocate)(Context*, std::int64_t bytes, void** memory);
  void (*release)(Context*, void* memory);
  Status (*allocate_pinned)(Context*, std::int64_t bytes, void** memory);
  void (*release_pinned)(Context*, void* memory);
  Status (*pin)(Context*, void* memory, std::int64_t bytes);
  void (*unpin)(Context*, void* memory);
  Status (*is_pinned)(Context*, const void* memory, std::int32_t* pinned);

  Status (*clear)(Context*, void* memory, std::int64_t bytes);
  Status (*upload)(Context*, Lane lane, void* to, const void* from, std::int64_t bytes);
  Status (*copy)(Context*, Lane lane, void* to, const void* from, std::int64_t bytes);
  /// To pinned memory, without waiting.
  Status (*fetch)(Context*, Lane lane, void* to, const void* from, std::int64_t bytes);
  Status (*download)(Context*, void* to, const void* from, std::int64_t bytes);
  Status (*synchronize)(Context*);

  Status (*create_event)(Context*, Event** event);
  void (*destroy_event)(Context*, Event* event);
  Status (*record_event)(Context*, Lane lane, Event* event);
  Status (*wait_event)(Context*, Lane lane, Event* event);
  Status (*wait_event_on_host)(Context*, Event* event);
  Status (*elapsed)(Context*, Event* begin, Event* end, float* milliseconds);

  /// Calls on the compute lane between these two are noted instead of done.
  Status (*begin_graph)(Context*);
  Status (*end_graph)(Context*, Graph** graph);
  void (*destroy_graph)(Context*, Graph* graph);
  Status (*launch_graph)(Context*, Graph* graph);
  /// Memory that products and attention of these sizes need beside their operands; before a graph.
  Status (*reserve_scratch)(Context*, std::int64_t bytes);

  Status (*embed)(Context*, const EmbedCall*);
  Status (*norm)(Context*, const NormCall*);
  Status (*matmul)(Context*, const MatmulCall*);
  Status (*rope_table)(Context*, const RopeTableCall*);
  Status (*finish_projection)(Context*, const ProjectionCall*);
  Status (*attention)(Context*, const AttentionCall*);
  Status (*attention_mass)(Context*, const AttentionMassCall*);
  Status (*swiglu)(Context*, const SwigluCall*);
  Status (*add)(Context*, const AddCall*);
  Status (*gelu)(Context*, const GeluCall*);
  Status (*convert)(Context*, const ConvertCall*);
  Status (*mask)(Context*, const MaskCall*);
  Status (*kv_load)(Context*, const KvLoadCall*);
  Status (*kv_store)(Context*, const KvStoreCall*);
  Status (*dequantize)(Context*, const DequantizeCall*);
  Status (*sample)(Context*, const SampleCall*);
  /// Scratch bytes of a product or an attention, for reserve_scratch.
  std::int64_t (*matmul_scratch)(const Context*, const MatmulCall*);
  std::int64_t (*attention_scratch)(const Context*, const AttentionCall*);
};

}  // namespace kvlink::cuda
