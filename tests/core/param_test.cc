#include <gtest/gtest.h>

#include <avss/core/param.hpp>
#include <string>
#include <vector>

namespace avss {
namespace {

struct leaf {
  param<3, 5> weight;
  absent bias;
  state<2> running;
  template <class V>
  void visit(V&& v) {
    v("weight", weight);
    v("bias", bias);
    v("running", running);
  }
};

struct net {
  leaf first;
  std::vector<leaf> more{2};
  param<> scale;
  template <class V>
  void visit(V&& v) {
    v("", first);  // its names stand for themselves
    for (std::size_t i = 0; i < more.size(); ++i) v("more." + std::to_string(i), more[i]);
    v("scale", scale);
  }
};

TEST(param, offsets_are_multiples_of_64_bytes) {
  net n;
  EXPECT_EQ(n.first.weight.offset, -1);
  const param_extent e = assign_offsets(n);
  EXPECT_EQ(n.first.weight.offset, 0);
  EXPECT_EQ(n.more[0].weight.offset, 16);
  EXPECT_EQ(n.more[1].weight.offset, 32);
  EXPECT_EQ(n.scale.offset, 48);
  EXPECT_EQ(e.values, 64);
  EXPECT_EQ(n.more[1].running.offset, 32);  // in a buffer of its own
  EXPECT_EQ(e.state, 48);
}

TEST(param, is_listed_by_dotted_name_in_order) {
  net n;
  assign_offsets(n);
  n.more[1].weight.trained = false;
  const std::vector<param_info> list = list_params(n);
  std::string names;
  for (const param_info& p : list) names += p.name + " ";
  EXPECT_EQ(names, "weight running more.0.weight more.0.running more.1.weight more.1.running scale ");
  EXPECT_EQ(list[0].shape, (std::vector<dim_t>{3, 5}));
  EXPECT_EQ(list[0].size, 15);
  EXPECT_TRUE(list[0].trained);
  EXPECT_FALSE(list[0].is_state);
  EXPECT_TRUE(list[1].is_state);
  EXPECT_FALSE(list[1].trained);
  EXPECT_FALSE(list[4].trained);
  EXPECT_EQ(list[4].offset, 32);
  EXPECT_EQ(list[6].shape, std::vector<dim_t>{});
  EXPECT_EQ(list[6].size, 1);
  EXPECT_EQ(count_params(n), 46);
}

}  // namespace
}  // namespace avss
