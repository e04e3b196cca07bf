#include <gtest/gtest.h>

#include <avss/metric/permutation.hpp>

#include "tests/support/audio_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
using order = std::vector<std::size_t>;
constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double sum_of(const std::vector<double>& score, const order& p) {
  double sum = 0;
  for (std::size_t t = 0; t < p.size(); ++t) sum += score[p[t] * p.size() + t];
  return sum;
}

TEST(permutation, maximises_the_sum) {
  EXPECT_EQ(best_permutation(std::vector<double>{-10.8, 10.8, 7.9, -18.2}, 2), (order{1, 0}));
  // rows are estimates: estimate 2 is target 0, estimate 0 target 1, estimate 1 target 2
  EXPECT_EQ(best_permutation(std::vector<double>{0, 9, 0, 0, 0, 9, 9, 0, 0}, 3), (order{2, 0, 1}));
  EXPECT_EQ(best_permutation(std::vector<double>{3}, 1), (order{0}));
  EXPECT_EQ(best_permutation(std::vector<double>{}, 0), order{});
}

TEST(permutation, takes_the_first_of_equals) {
  EXPECT_EQ(best_permutation(std::vector<double>(9, 1.), 3), (order{0, 1, 2}));
  EXPECT_EQ(best_permutation(std::vector<double>{0, 1, 1, 1, 0, 1, 1, 1, 0}, 3), (order{1, 2, 0}));
}

TEST(permutation, both_searches_agree) {
  lcg random(1);
  for (std::size_t n = 1; n <= 7; ++n)
    for (int i = 0; i < 40; ++i) {
      std::vector<double> score(n * n);
      for (double& s : score) s = i % 2 ? 30 * random() : std::round(2 * random());  // with ties, too
      const order a = detail::best_permutation_exhaustive(score, n), b = detail::best_permutation_by_prices(score, n);
      ASSERT_NEAR(sum_of(score, a), sum_of(score, b), 1e-10) << n;
    }
}

TEST(permutation, both_searches_agree_on_values_that_are_not_finite) {
  lcg random(2);
  for (std::size_t n = 2; n <= 6; ++n)
    for (int i = 0; i < 100; ++i) {
      std::vector<double> score(n * n);
      for (double& s : score) {
        const double u = random();
        s = u < -0.6 ? -inf : u < -0.4 ? nan : u > 0.8 ? inf : 30 * random();
      }
      const auto key = [&](const order& p) {
        int worst = 0, perfect = 0;
        double sum = 0;
        for (std::size_t t = 0; t < n; ++t) {
          const double s = score[p[t] * n + t];
          if (s == inf)
            ++perfect;
          else if (std::isfinite(s))
            sum += s;
          else
            ++worst;
        }
        return std::tuple(worst, perfect, std::round(sum * 1e6));
      };
      ASSERT_EQ(key(detail::best_permutation_exhaustive(score, n)), key(detail::best_permutation_by_prices(score, n)));
    }
  EXPECT_EQ(best_permutation(std::vector<double>(4, nan), 2), (order{0, 1}));
  EXPECT_EQ(best_permutation(std::vector<double>{nan, 1, 1, 1}, 2), (order{1, 0}));
}

TEST(permutation, finds_a_hidden_order_among_many) {
  constexpr std::size_t n = 120;
  lcg random(3);
  order hidden(n);
  for (std::size_t t = 0; t < n; ++t) hidden[t] = (t * 37 + 11) % n;
  std::vector<double> score(n * n);
  for (double& s : score) s = random();
  for (std::size_t t = 0; t < n; ++t) score[hidden[t] * n + t] += 2;
  EXPECT_EQ(best_permutation(score, n), hidden);
}

TEST(permutation, refuses_a_matrix_that_is_not_square) {
  EXPECT_TRUE(says(error_of([] { best_permutation(std::vector<double>(5), 2); }), "needs 4 scores, not 5"));
}

}  // namespace
}  // namespace avss
