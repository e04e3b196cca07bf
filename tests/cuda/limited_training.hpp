// Training where memory has an end: of the emulated device alone, whose end can be set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "tests/cuda/device_training.hpp"

namespace avss::testing {

template <class Host>
class limited_training : public device_training<Host> {
 protected:
  void expect_skips_what_does_not_fit() {
    struct limited {
      ~limited() { emulated::device_memory::all().limit(unlimited); }
    } restored;
    const auto net = this->twin(this->training());
    net->train_step(this->batch_of(0, 1), 1);
    net->discard();
    auto& memory = emulated::device_memory::all();
    memory.limit(memory.total() - memory.free());
    try {
      this->run(*net, "fails", "", 1000);
      FAIL() << "more memory than there is";
    } catch (const out_of_device_memory& e) {
      EXPECT_TRUE(std::string(e.what()).starts_with("out of device memory: ")) << e.what();
    }
    lift_ = true;  // before the second step
    ASSERT_EQ(this->run(*net, "goes on", "", 1000, true), 0);
    EXPECT_EQ(this->skipped_, 1);
    EXPECT_NE(this->said_.find("step 1 is left out: out of device memory: "), std::string::npos) << this->said_;
  }

 private:
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

  void before_batch(std::uint64_t first) override {
    if (first >= 2 && lift_) emulated::device_memory::all().limit(unlimited);
  }

  bool lift_ = false;  // the limit, where the second batch is made
};

}  // namespace avss::testing
