// SPDX-License-Identifier: Apache-2.0
// The table of api.h: every call checks that the device is there, does its work and turns what is
// thrown into a Status.
#include <cstdio>
#include <cstring>
#include <new>

#include "kernels/cuda/blas.h"
#include "kernels/cuda/context.h"

namespace kvlink::cuda {

struct Event {
  cudaEvent_t event;
};
struct Graph {
  cudaGraphExec_t graph;
};

namespace {

template <typename Work>
Status guarded(Context* context, Work work) {
  try {
    context->touch();
    work(*context);
    return Status::kOk;
  } catch (const DeviceError& error) {
    note_loss(*context, error);
    return error.status();
  } catch (const std::bad_alloc&) {
    context->error = "not enough memory in the computer";
    return Status::kFailed;
  } catch (const std::exception& error) {
    context->error = error.what();
    return Status::kFailed;
  }
}

template <typename Work>
Status guarded(ErrorText* text, Work work) {
  try {
    work();
    return Status::kOk;
  } catch (const DeviceError& error) {
    std::snprintf(text->text, sizeof(text->text), "%s", error.what());
    return error.status();
  } catch (const std::exception& error) {
    std::snprintf(text->text, sizeof(text->text), "%s", error.what());
    return Status::kFailed;
  }
}

/// An op of context.h as a function of the table.
template <auto kOp, typename Call>
Status op(Context* context, const Call* call) {
  return guarded(context, [call](Context& c) { kOp(c, *call); });
}

std::size_t size(std::int64_t bytes) { return static_cast<std::size_t>(bytes); }

Status device_count(std::int32_t* n, ErrorText* error) {
  return guarded(error, [n] {
    int count = 0;
    check(cudaGetDeviceCount(&count), "looking for devices");
    *n = count;
  });
}

Status device_info(std::int32_t device, DeviceInfo* info, ErrorText* error) {
  return guarded(error, [=] {
    cudaDeviceProp properties = {};
    check(cudaGetDeviceProperties(&properties, device), "reading the device's properties");
    *info = {};
    std::snprintf(info->name, sizeof(info->name), "%.*s", static_cast<int>(sizeof(info->name)) - 1,
                  properties.name);
    info->total_bytes = static_cast<std::int64_t>(properties.totalGlobalMem);
    const auto attribute = [device](cudaDeviceAttr which) {
      int value = 0;
      check(cudaDeviceGetAttribute(&value, which, device), "reading the device's properties");
      return value;
    };
    info->major = attribute(cudaDevAttrComputeCapabilityMajor);
    info->minor = attribute(cudaDevAttrComputeCapabilityMinor);
    info->n_processors = attribute(cudaDevAttrMultiProcessorCount);
    check(cudaDriverGetVersion(&info->driver_version), "asking for the driver's version");
    check(cudaRuntimeGetVersion(&info->runtime_version), "asking for the runtime's version");
  });
}

Status open(const ContextOptions* options, Context** context, ErrorText* error) {
  return guarded(error, [=] { *context = new Context(*options); });
}
void close(Context* context) { delete context; }
const char* error_of(const Context* context) { return context->error.c_str(); }
const char* describe_blas(const Context* context) { return context->blas_words.c_str(); }

Status memory(Context* context, std::int64_t* used, std::int64_t* free_bytes) {
  return guarded(context, [=](Context& c) {
    std::size_t free_now = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&free_now, &total), "asking for the device's memory");
    const std::int64_t below_limit = c.limit_bytes - c.used_bytes;
    *used = c.used_bytes;
    *free_bytes = static_cast<std::int64_t>(free_now) < below_limit
                      ? static_cast<std::int64_t>(free_now)
                      : below_limit;
  });
}

Status allocate(Context* context, std::int64_t bytes, void** result) {
  return guarded(context, [=](Context& c) { *result = c.allocate(bytes); });
}
void release(Context* context, void* m) { context->release(m); }

Status allocate_pinned(Context* context, std::int64_t bytes, void** result) {
  return guarded(context, [=](Context&) {
    check(cudaHostAlloc(result, size(bytes), cudaHostAllocDefault), "taking pinned memory");
  });
}
void release_pinned(Context*, void* m) { cudaFreeHost(m); }

Status pin(Context* context, void* m, std::int64_t bytes) {
  return guarded(context, [=](Context&) {
    check(cudaHostRegister(m, size(bytes), cudaHostRegisterDefault), "pinning memory");
  });
}
void unpin(Context*, void* m) { cudaHostUnregister(m); }

Status is_pinned(Context* context, const void* m, std::int32_t* pinned) {
  return guarded(context, [=](Context&) {
    cudaPointerAttributes attributes = {};
    check(cudaPointerGetAttributes(&attributes, m), "asking about memory");
    *pinned = attributes.type == cudaMemoryTypeHost ? 1 : 0;
  });
}

Status clear(Context* context, void* m, std::int64_t bytes) {
  return guarded(context, [=](Context& c) {
    check(cudaMemsetAsync(m, 0, size(bytes), c.compute()), "clearing memory");
  });
}

Status copy_on(Context* context, Lane lane, void* to, const void* from, std::int64_t bytes,
               cudaMemcpyKind kind) {
  return guarded(context, [=](Context& c) {
    check(cudaMemcpyAsync(to, from, size(bytes), kind, c.lanes[static_cast<int>(lane)]), "copying");
  });
}
Status upload(Context* context, Lane lane, void* to, const void* from, std::int64_t bytes) {
  return copy_on(context, lane, to, from, bytes, cudaMemcpyHostToDevice);
}
Status copy(Context* context, Lane lane, void* to, const void* from, std::int64_t bytes) {
  return copy_on(context, lane, to, from, bytes, cudaMemcpyDeviceToDevice);
}
Status fetch(Context* context, Lane lane, void* to, const void* from, std::int64_t bytes) {
  return copy_on(context, lane, to, from, bytes, cudaMemcpyDeviceToHost);
}
Status synchronize(Context* context) {
  return guarded(context, [](Context& c) {
    for (const cudaStream_t lane : c.lanes) check(cudaStreamSynchronize(lane), "waiting");
  });
}
Status download(Context* context, void* to, const void* from, std::int64_t bytes) {
  const Status status = copy_on(context, Lane::kCompute, to, from, bytes, cudaMemcpyDeviceToHost);
  if (status != Status::kOk) return status;
  return guarded(context, [](Context& c) {
    check(cudaStreamSynchronize(c.compute()), "waiting for a result");
  });
}

Status create_event(Context* context, Event** event) {
  return guarded(context, [=](Context&) {
    cudaEvent_t made = nullptr;
    check(cudaEventCreate(&made), "making an event");
    *event = new Event{made};
  });
}
void destroy_event(Context*, Event* event) {
  cudaEventDestroy(event->event);
  delete event;
}
Status record_event(Context* context, Lane lane, Event* event) {
  return guarded(context, [=](Context& c) {
    check(cudaEventRecord(event->event, c.lanes[static_cast<int>(lane)]), "recording an event");
  });
}
Status wait_event(Context* context, Lane lane, Event* event) {
  return guarded(context, [=](Context& c) {
    check(cudaStreamWaitEvent(c.lanes[static_cast<int>(lane)], event->event, 0),
          "waiting for an event");
  });
}
Status wait_event_on_host(Context* context, Event* event) {
  return guarded(context, [=](Context&) {
    check(cudaEventSynchronize(event->event), "waiting for an event");
  });
}
Status elapsed(Context* context, Event* begin, Event* end, float* milliseconds) {
  return guarded(context, [=](Context&) {
    check(cudaEventSynchronize(end->event), "waiting for an event");
    check(cudaEventElapsedTime(milliseconds, begin->event, end->event), "reading a clock");
  });
}

Status begin_graph(Context* context) {
  return guarded(context, [](Context& c) {
    check(cudaStreamBeginCapture(c.compute(), cudaStreamCaptureModeThreadLocal),
          "beginning a graph");
    c.capturing = true;
  });
}
Status end_graph(Context* context, Graph** graph) {
  // Also of a device that is lost: while a thread notes a graph, it cannot give memory back.
  cudaGraph_t captured = nullptr;
  const cudaError_t ended = context->stop_noting(&captured);
  const Status status = guarded(context, [=](Context&) {
    check(ended, "ending a graph");
    require(captured != nullptr, "no graph was begun");
    cudaGraphExec_t executable = nullptr;
    check(cudaGraphInstantiate(&executable, captured, 0), "making a graph");
    *graph = new Graph{executable};
  });
  if (captured != nullptr) cudaGraphDestroy(captured);
  return status;
}
void destroy_graph(Context*, Graph* graph) {
  cudaGraphExecDestroy(graph->graph);
  delete graph;
}
Status launch_graph(Context* context, Graph* graph) {
  return guarded(context, [=](Context& c) {
    check(cudaGraphLaunch(graph->graph, c.compute()), "starting a graph");
  });
}
Status reserve_scratch(Context* context, std::int64_t bytes) {
  return guarded(context, [=](Context& c) { c.scratch(bytes); });
}

std::int64_t matmul_scratch_of(const Context* context, const MatmulCall* call) {
  return matmul_scratch(*context, *call);
}
std::int64_t attention_scratch_of(const Context* context, const AttentionCall* call) {
  return attention_scratch(*context, *call);
}

constexpr Api kApi = {
    .version = kApiVersion,
    .bytes = sizeof(Api),
    .device_count = device_count,
    .device_info = device_info,
    .open = open,
    .close = close,
    .error = error_of,
    .describe_blas = describe_blas,
    .memory = memory,
    .allocate = allocate,
    .release = release,
    .allocate_pinned = allocate_pinned,
    .release_pinned = release_pinned,
    .pin = pin,
    .unpin = unpin,
    .is_pinned = is_pinned,
    .clear = clear,
    .upload = upload,
    .copy = copy,
    .fetch = fetch,
    .download = download,
    .synchronize = synchronize,
    .create_event = create_event,
    .destroy_event = destroy_event,
    .record_event = record_event,
    .wait_event = wait_event,
    .wait_event_on_host = wait_event_on_host,
    .elapsed = elapsed,
    .begin_graph = begin_graph,
    .end_graph = end_graph,
    .destroy_graph = destroy_graph,
    .launch_graph = launch_graph,
    .reserve_scratch = reserve_scratch,
    .embed = op<embed, EmbedCall>,
    .norm = op<norm, NormCall>,
    .matmul = op<matmul, MatmulCall>,
    .rope_table = op<rope_table, RopeTableCall>,
    .finish_projection = op<finish_projection, ProjectionCall>,
    .attention = op<attention, AttentionCall>,
    .attention_mass = op<attention_mass, AttentionMassCall>,
    .swiglu = op<swiglu, SwigluCall>,
    .add = op<add, AddCall>,
    .gelu = op<gelu, GeluCall>,
    .convert = op<convert, ConvertCall>,
    .mask = op<mask, MaskCall>,
    .kv_load = op<kv_load, KvLoadCall>,
    .kv_store = op<kv_store, KvStoreCall>,
    .dequantize = op<dequantize, DequantizeCall>,
    .sample = op<sample, SampleCall>,
    .matmul_scratch = matmul_scratch_of,
    .attention_scratch = attention_scratch_of,
};

}  // namespace
}  // namespace kvlink::cuda

extern "C" __attribute__((visibility("default"))) const kvlink::cuda::Api* kvlink_cuda_api() {
  return &kvlink::cuda::kApi;
}
