// What a network is trained for, chosen at run time: behind one virtual interface, so that no network is compiled for each.
#pragma once

#include <avss/cpu/backend.hpp>
#include <avss/loss/objective.hpp>
#include <cstddef>
#include <string>
#include <vector>

namespace avss {

class criterion {
 public:
  virtual ~criterion() = default;
  // The loss; with w.d_estimate, that is assigned `weight` times its gradient. Memory grows to what is needed.
  virtual double run(cpu& backend, arena& memory, const waveforms<float>& w, double weight, loss_detail& detail) const = 0;
  // Bytes of memory that run() takes for losses and gradients of these sizes; nothing is read or written.
  virtual std::size_t planned_bytes(const cpu& backend, waveforms<float> sizes) const = 0;
  // Whether it looks at w.spectra.
  virtual bool takes_spectra() const = 0;
  // Of the parts, in the order of loss_detail; empty where the loss is no sum.
  virtual std::vector<std::string> names() const = 0;
  virtual bool permutes() const = 0;
};

}  // namespace avss
