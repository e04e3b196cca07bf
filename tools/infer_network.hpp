// What separates the items of a run of inference: one network for all, or one that sees each item's faces.
#pragma once

#include <avss/data/mixture_layout.hpp>
#include <avss/model/av_separator.hpp>
#include <avss/model/seen_mixture.hpp>
#include <avss/model/separator.hpp>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

#include "tools/infer_options.hpp"

namespace avss::tools {

class infer_network {
 public:
  virtual ~infer_network() = default;

  virtual const separator_info& info() const = 0;
  // Looks at all items before the first is separated; returns the most voices that one is separated into. Throws error.
  virtual std::size_t check(const mixture_list& list) const = 0;
  // What separates the item; valid until the next call. Throws error.
  virtual part_separator& of(const mixture_item& item, const audio_info& audio) = 0;
};

class heard_network final : public infer_network {
 public:
  explicit heard_network(separator& network) : network_(network) {}

  const separator_info& info() const override { return network_.info(); }
  std::size_t check(const mixture_list& list) const override;
  part_separator& of(const mixture_item&, const audio_info&) override { return network_; }

 private:
  separator& network_;
};

class seen_network final : public infer_network {
 public:
  seen_network(av_separator& network, const face_options& faces) : network_(network), options_(faces) {}

  const separator_info& info() const override { return network_.info(); }
  // Every face of every mixture must have its file.
  std::size_t check(const mixture_list& list) const override;
  part_separator& of(const mixture_item& item, const audio_info& audio) override;

 private:
  std::vector<std::filesystem::path> faces_of(const mixture_item& item) const;

  av_separator& network_;
  const face_options& options_;
  std::optional<seen_mixture> seen_;
};

}  // namespace avss::tools
