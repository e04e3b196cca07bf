// Steps that are captured into graphs and replayed, one graph for each shape.
#pragma once

#include <avss/cuda/bounded_cache.hpp>
#include <avss/cuda/graph.cuh>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace avss {

enum class graph_use { direct, captured, replayed };

// Runs a function that gives the backend work, such as a network's forward pass:
//   step_graphs<std::pair<dim_t, dim_t>> graphs(backend);
//   graphs.run({batch, length}, [&] { net.forward(ctx, x, y, saved); });
// The first run with a key is as it is: plans of products are made, modules are loaded. The second is captured, and done by a
// replay, as are all that follow; so the function is called twice. Results are the same bits each time.
//
// Of the function, with one key:
// - It gives the same work each time, on the same memory. The key has the sizes, and whatever else decides on the work; where
//   memory moves (an arena grows), forget() comes before the next run.
// - What it hands over by value - factors, rates, a random stream - is that of the second run in every replay. What
//   changes from step to step lies in device memory and is set before run(): see step_value.cuh.
// - It does not wait for the device (to_host, device_buffer::upload, backend.wait()), and neither takes nor gives back device
//   memory. Copies from and to the host go through pinned memory: see pinned.cuh.
// - What it leaves on the host (views, counters) is left by the first two runs only.
// Where it cannot be captured it is run as it is, in that run once more, and from then on; problem() says why.
//
// Key is ordered by <. One thread at a time; run() is not called within run().
template <class Key>
class step_graphs {
 public:
  // Holds the graphs of the `most` keys last used.
  explicit step_graphs(cuda_backend on, std::size_t most = 16) : on_(std::move(on)), steps_(most) {}

  // Throws what body throws when it is run as it is; then it is as if run() had not been called.
  template <class Body>
  graph_use run(const Key& key, Body&& body) {
    bool first = false;
    step& s = steps_.get(key, [&] {
      body();
      first = true;
      return step{};
    });
    if (first) return graph_use::direct;
    if (s.graph) {
      s.graph->replay(on_);
      return graph_use::replayed;
    }
    std::string why;
    if (!s.refused && (why = capture(s, body)).empty()) {
      s.graph->replay(on_);
      return graph_use::captured;
    }
    body();  // where this throws too, it was not for being captured
    if (!s.refused) problem_ = std::move(why);
    s.refused = true;
    return graph_use::direct;
  }

  // Gives all graphs back: the memory that they use is about to go, or to mean something else.
  void forget() { steps_.clear(); }

  // Keys that are held.
  std::size_t size() const { return steps_.size(); }
  // Why the last step that could not be captured could not; empty if there was none.
  const std::string& problem() const { return problem_; }

 private:
  struct step {
    std::optional<device_graph> graph;
    bool refused = false;
  };
  // Why it cannot be done, or an empty text.
  template <class Body>
  std::string capture(step& s, Body& body) {
    try {
      s.graph.emplace(on_, body);
    } catch (const std::exception& e) {
      const std::string why = e.what();
      return why.empty() ? "an error without a text" : why;
    }
    return {};
  }

  cuda_backend on_;
  bounded_cache<Key, step> steps_;
  std::string problem_;
};

}  // namespace avss
