// A small data set with predictions of several kinds, and the page of their scores.
#pragma once

#include <avss/io/audio.hpp>
#include <avss/io/npz.hpp>
#include <avss/io/tensor.hpp>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/audio_fixture.hpp"
#include "tools/metrics_job.hpp"

namespace avss::testing {

class scores_fixture : public in_folder {
 protected:
  using signal_t = std::vector<float>;

  void store(const std::filesystem::path& relative, const signal_t& x, int rate) const {
    std::filesystem::create_directories((folder / relative).parent_path());
    write_audio(folder / relative, rate, x);
  }
  // data/audio/{mix,s1,s2}, out/{s1,s2}, there/{s1,s2}: two tones in noise of a level. Every third is swapped.
  void store_item(const std::string& name, std::size_t length, std::uint32_t seed, double level, int rate = 8000) const {
    const signal_t a = tone(length, 0.01 + 0.003 * (seed % 7), 0.3), b = tone(length, 0.11 + 0.002 * (seed % 5), 0.2);
    const signal_t hiss = noise(length, seed, level);
    signal_t mix(a), e1(a), e2(b), f1(a), f2(b);
    for (std::size_t i = 0; i < length; ++i)
      mix[i] += b[i], e1[i] += hiss[i], e2[i] -= hiss[i], f1[i] += 0.3f * b[i], f2[i] += 0.2f * a[i];
    if (seed % 3 == 0) std::swap(e1, e2);
    store("data/audio/mix/" + name + ".wav", mix, rate);
    store("data/audio/s1/" + name + ".wav", a, rate), store("data/audio/s2/" + name + ".wav", b, rate);
    store("out/s1/" + name + ".wav", e1, rate), store("out/s2/" + name + ".wav", e2, rate);
    store("there/s1/" + name + ".wav", f1, rate), store("there/s2/" + name + ".wav", f2, rate);
  }
  void store_mouths(const std::string& id) const {
    std::filesystem::create_directories(folder / "data/mouths");
    std::vector<std::uint8_t> grey(30 * 96 * 96);
    for (std::size_t i = 0; i < grey.size(); ++i) grey[i] = static_cast<std::uint8_t>(i % 96 + i / (96 * 96));
    tensor_dict arrays;
    arrays.add("data", tensor::of<std::uint8_t>({30, 96, 96}, grey));
    write_npz((folder / "data/mouths" / (id + ".npz")).string(), arrays);
  }

  static tools::metric_column column(const char* name) { return {name, *find_metric(name), true}; }
  metrics_options options() const {
    metrics_options o;
    o.truth = folder / "data", o.predictions = folder / "out", o.report = folder / "page.html", o.threads = 2;
    o.columns = {column("si_snri"), column("si_snr"), column("snri")};
    o.examples.of_each_kind = 1, o.examples.seconds = 0.5;
    return o;
  }
  std::string page(const metrics_options& o) {
    std::ostringstream out, err;
    EXPECT_EQ(run_metrics(o, out, err), 0) << err.str();
    return bytes_of_file(o.report);
  }
};

}  // namespace avss::testing
