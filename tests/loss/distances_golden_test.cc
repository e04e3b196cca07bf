// Against tests/golden/make_loss_golden.py.
#include <gtest/gtest.h>

#include <avss/loss/distances.hpp>
#include <avss/reference/copy.hpp>
#include <avss/reference/distance_loss.hpp>
#include <avss/reference/spectrum.hpp>
#include <cmath>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string>

#include "tests/loss/signals.hpp"

namespace avss {
namespace {

TEST(distances, have_the_values_and_gradients_of_pytorch) {
  testing::problem<double> p(2, 2, 700, 1);
  const std::vector<double> noise = testing::lcg(78, p.target.size());
  p.target = testing::lcg(77, p.target.size());
  for (std::size_t i = 0; i < noise.size(); ++i) p.estimate[i] = 0.6 * p.target[i] + 0.3 * noise[i];

  std::ifstream file("tests/golden/loss_golden.txt");
  std::string line;
  for (const distance_loss& l : std::initializer_list<distance_loss>{
           waveform_l1{}, waveform_mse{}, complex_spectrum_l1{}, complex_spectrum_mse{}, magnitude_l1{}, magnitude_mse{},
           log_magnitude_l1{}, log_magnitude_mse{}, multi_resolution_stft({{512, 128}, {1024, 256}, {256, 64}})}) {
    SCOPED_TRACE(l.name);
    ASSERT_TRUE(std::getline(file, line));
    std::istringstream in(line);
    std::string name;
    double expected = 0;
    ASSERT_TRUE(in >> name >> expected);
    ASSERT_EQ(name, l.name);
    EXPECT_NEAR(testing::loss_of(reference<double>{}, l, p), expected, 1e-10 * (1 + std::abs(expected)));
    for (std::size_t i = 0; i < p.gradient.size(); i += 97) {
      ASSERT_TRUE(in >> expected);
      EXPECT_NEAR(p.gradient[i], expected, 1e-10) << i;
    }
  }
  EXPECT_FALSE(std::getline(file, line));
}

}  // namespace
}  // namespace avss
