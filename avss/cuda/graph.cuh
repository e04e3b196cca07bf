// What a function gives a device to do, kept to be done again at the cost of one launch: a CUDA graph, or the emulator's list.
#pragma once

#include <avss/cuda/launch.cuh>
#include <cstddef>
#include <memory>
#include <type_traits>

namespace avss {

// Holds the launches, products and copies of one run of a function, with their arguments and addresses: a replay reads and
// writes the same memory, and does not call the function. The memory must be there as long as the graph is replayed.
#if defined(__CUDACC__)
class device_graph {
 public:
  // Calls body() once and does nothing of what it gives the backend's stream. Throws what body throws, or one line where it did
  // what cannot be captured: whatever waits for the device, takes or gives back device memory. The stream can be used
  // afterwards.
  template <class Body>
  device_graph(const cuda& on, Body&& body) {
    const cudaStream_t stream = on.stream();
    captured graph;
    cuda_check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "the capture of a graph");
    try {
      body();
    } catch (...) {
      (void)cudaStreamEndCapture(stream, &graph.handle);
      (void)cudaGetLastError();
      throw;
    }
    cuda_check(cudaStreamEndCapture(stream, &graph.handle), "the end of a graph's capture");
    cuda_check(cudaGraphGetNodes(graph.handle, nullptr, &size_), "the size of a graph");
    cudaGraphExec_t made = nullptr;
    cuda_check(cudaGraphInstantiate(&made, graph.handle, 0), "a graph of ", size_, " launches");
    graph_.reset(made);
  }

  // In order with all else on the stream of the backend, which must be that of the capture.
  void replay(const cuda& on) const {
    cuda_check(cudaGraphLaunch(graph_.get(), on.stream()), "the launch of a graph of ", size_, " launches");
  }
  // Launches, products and copies.
  std::size_t size() const { return size_; }

 private:
  struct captured {
    captured() = default;
    captured(const captured&) = delete;
    captured& operator=(const captured&) = delete;
    ~captured() {
      if (handle) (void)cudaGraphDestroy(handle);
    }
    cudaGraph_t handle = nullptr;
  };
  struct release {
    void operator()(cudaGraphExec_t g) const { (void)cudaGraphExecDestroy(g); }  // one that runs ends first
  };
  std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, release> graph_;
  std::size_t size_ = 0;
};
#else
class device_graph {
 public:
  template <class Body>
  device_graph(const emulated_cuda&, Body&& body) {
    list_.capture(body);
  }
  void replay(const emulated_cuda&) const { list_.replay(); }
  std::size_t size() const { return list_.size(); }

 private:
  emulated::recording list_;
};
#endif

}  // namespace avss
