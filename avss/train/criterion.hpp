// What a network is trained for, chosen at run time: behind one virtual interface, so that no network is compiled for each.
#pragma once

#include <avss/core/placement.hpp>
#include <avss/loss/objective.hpp>
#include <cstddef>
#include <string>
#include <vector>

namespace avss {

struct cpu;

// B: the backend, in whose memory the waveforms lie.
template <class B>
class criterion_on {
 public:
  using T = float;

  virtual ~criterion_on() = default;
  // Values of a loss's parts, on their way to the host.
  using values = typename placement<B>::template report<double>;
  // Executes the loss; with w.d_estimate, that is assigned `weight` times its gradient. Memory grows to what is needed.
  virtual void run(B& backend, arena& memory, const waveforms<T>& w, double weight, values& to) const = 0;
  // The loss that was run, once it has come; its parts without their permutations.
  virtual double look(const B& backend, values& from, loss_detail& detail) const = 0;
  // Bytes of memory that run() takes for losses and gradients of these sizes; nothing is read or written.
  virtual std::size_t planned_bytes(const B& backend, waveforms<T> sizes) const = 0;
  // Whether it looks at w.spectra.
  virtual bool takes_spectra() const = 0;
  // Of the parts, in the order of loss_detail; empty where the loss is no sum.
  virtual std::vector<std::string> names() const = 0;
  virtual bool permutes() const = 0;
};

using criterion = criterion_on<cpu>;

}  // namespace avss
