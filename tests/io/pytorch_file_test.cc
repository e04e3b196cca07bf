#include <gtest/gtest.h>

#include <avss/io/npz.hpp>
#include <avss/io/pickle.hpp>
#include <avss/io/pytorch_file.hpp>
#include <avss/io/state_dict.hpp>
#include <avss/io/zip_writer.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/io/golden.hpp"

namespace avss {
namespace {

using testing::expect_error;
using testing::formula;
using testing::fresh_folder;
using testing::golden;
using testing::read_text;
using testing::truncated;

std::vector<double> picked(const std::vector<double>& from, const std::vector<std::size_t>& places) {
  std::vector<double> v;
  for (std::size_t p : places) v.push_back(from[p]);
  return v;
}

class checkpoint : public ::testing::TestWithParam<const char*> {};

TEST_P(checkpoint, weights) {
  const pytorch_file file(golden(GetParam()));
  const tensor_dict w = weights_of(file);
  ASSERT_EQ(w.entries.size(), 20u);
  EXPECT_EQ(w.entries[0].name, "rnn.first");
  EXPECT_EQ(w.entries[19].name, "tied");
  const auto check = [&](const char* name, dtype type, std::vector<dim_t> shape, const std::vector<double>& values) {
    const tensor* t = w.find(name);
    ASSERT_NE(t, nullptr) << name;
    EXPECT_EQ(t->type, type) << name;
    EXPECT_EQ(t->shape, shape) << name;
    EXPECT_EQ(t->values<double>(), values) << name;
  };
  const std::vector<double> flat = formula("flat", 24), cube = formula("cube", 24);
  check("rnn.first", dtype::f32, {2, 3}, picked(flat, {0, 1, 2, 3, 4, 5}));
  check("rnn.second", dtype::f32, {4, 3}, picked(flat, {6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}));
  std::vector<std::size_t> turned, permuted;
  for (std::size_t c = 0; c < 6; ++c)
    for (std::size_t r = 0; r < 4; ++r) turned.push_back(r * 6 + c);
  for (std::size_t k = 0; k < 4; ++k)
    for (std::size_t i = 0; i < 6; ++i) permuted.push_back(i * 4 + k);
  check("turned", dtype::f32, {6, 4}, picked(flat, turned));
  check("strided", dtype::f32, {12}, picked(flat, {1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23}));
  check("repeated", dtype::f32, {2, 3}, picked(flat, {3, 3, 3, 4, 4, 4}));
  check("cube", dtype::f32, {4, 2, 3}, picked(cube, permuted));
  check("types.f64", dtype::f64, {5}, formula("types.f64", 5));
  check("types.f16", dtype::f16, {5}, formula("types.f16", 5));
  check("types.bf16", dtype::bf16, {5}, formula("types.bf16", 5));
  check("types.i64", dtype::i64, {5}, truncated(formula("types.i64", 5)));
  check("types.i32", dtype::i32, {5}, truncated(formula("types.i32", 5)));
  check("types.i16", dtype::i16, {5}, truncated(formula("types.i16", 5)));
  check("types.i8", dtype::i8, {5}, truncated(formula("types.i8", 5)));
  std::vector<double> bytes = formula("types.u8", 5);
  for (double& b : bytes) b += 2;
  check("types.u8", dtype::u8, {5}, truncated(bytes));
  check("types.boolean", dtype::boolean, {3}, {1, 0, 1});
  check("norm.num_batches_tracked", dtype::i64, {}, {41});
  check("scalar", dtype::f32, {}, {-1.5});
  check("empty", dtype::f32, {3, 0}, {});
  check("parameter", dtype::f32, {2, 2}, formula("parameter", 4));
  check("tied", dtype::f32, {2, 2}, formula("parameter", 4));
}

TEST_P(checkpoint, everything_else) {
  const pytorch_file file(golden(GetParam()));
  const auto at = [](const checkpoint_value* v, std::initializer_list<const char*> keys) -> const checkpoint_value& {
    static const checkpoint_value nothing = checkpoint_value::opaque("missing");
    for (const char* key : keys) v = v ? v->find(key) : nullptr;
    return v ? *v : nothing;
  };
  const checkpoint_value* root = &file.root();
  EXPECT_EQ(at(root, {"arch"}).text(), "TinyNet");
  EXPECT_EQ(at(root, {"epoch"}).integer(), 7);
  EXPECT_TRUE(at(root, {"state_dict"}).ordered());
  EXPECT_FALSE(at(root, {"optimizer"}).ordered());
  EXPECT_EQ(at(root, {"monitor_best"}).number(), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(at(root, {"large"}).integer(), std::int64_t{1} << 40);
  EXPECT_EQ(at(root, {"huge"}).type(), checkpoint_value::kind::opaque);
  EXPECT_EQ(at(root, {"negative"}).integer(), -70000);
  EXPECT_TRUE(at(root, {"none"}).is_none());
  const checkpoint_value& group = at(root, {"optimizer", "param_groups"}).items()[0];
  EXPECT_EQ(group.find("lr")->number(), 5e-5);
  EXPECT_EQ(group.find("betas")->type(), checkpoint_value::kind::tuple);
  EXPECT_EQ(group.find("betas")->items()[1].number(), 0.999);
  EXPECT_EQ(group.find("amsgrad")->boolean(), false);
  EXPECT_EQ(group.find("params")->items().size(), 2u);
  const auto state = at(root, {"optimizer", "state"}).fields();
  ASSERT_EQ(state.size(), 1u);
  EXPECT_EQ(state[0].first.integer(), 0);
  EXPECT_EQ(state[0].second.find("exp_avg")->tensor_view()->load().values<double>(), formula("exp_avg", 6));
  // OmegaConf's cyclic objects come out as the plain tree that they stand for.
  const checkpoint_value& config = at(root, {"config"});
  ASSERT_TRUE(config.is_dict());
  EXPECT_EQ(at(&config, {"model", "_target_"}).text(), "TinyNet");
  EXPECT_EQ(at(&config, {"lr"}).number(), 1e-3);
  const checkpoint_value& dims = at(&config, {"model", "dims"});
  ASSERT_EQ(dims.type(), checkpoint_value::kind::list);
  EXPECT_EQ(dims.items()[1].integer(), 16);
  EXPECT_EQ(dims.items()[2].items()[0].boolean(), true);
  EXPECT_TRUE(dims.items()[2].items()[1].is_none());
  // Unknown classes keep their names, keys and attributes.
  const checkpoint_value& schedule = at(root, {"lr_scheduler"});
  EXPECT_EQ(schedule.type(), checkpoint_value::kind::opaque);
  EXPECT_EQ(schedule.text(), "somewhere.schedule Scheduler");
  EXPECT_EQ(schedule.find("parameters")->items().size(), 3u);
  EXPECT_EQ(schedule.find("me")->text(), "cycle");
  EXPECT_EQ(at(root, {"hyper_parameters"}).text(), "pytorch_lightning.utilities.parsing AttributeDict");
  EXPECT_EQ(at(root, {"hyper_parameters", "n_src"}).integer(), 2);
}

INSTANTIATE_TEST_SUITE_P(formats, checkpoint,
                         ::testing::Values("checkpoint.pth", "checkpoint_legacy.pth", "checkpoint_protocol4.pth"));

TEST(pytorch_file, other_roots) {
  const pytorch_file bare(golden("tensor_bare.pt"));
  ASSERT_TRUE(bare.root().is_tensor());
  const tensor t = bare.root().tensor_view()->load();
  EXPECT_EQ(t.shape, (std::vector<dim_t>{2, 3}));
  const std::vector<double> all = formula("bare", 12);
  EXPECT_EQ(t.values<double>(), std::vector<double>(all.begin() + 3, all.begin() + 9));
  expect_error([&] { weights_of(bare); }, "it holds a single tensor where a state_dict is expected");

  for (const char* name : {"state_bare.pth", "state_bare_numbers.pth", "attack_system.pth"}) {
    tensor_dict w = weights_of(pytorch_file(golden(name)));
    ASSERT_EQ(w.entries.size(), 3u) << name;
    EXPECT_EQ(w.entries[0].name, "module.a.weight");
    EXPECT_EQ(strip_prefixes(w), "module.");
    EXPECT_EQ(w.find("a.weight")->values<double>(), formula("a.weight", 6));
    EXPECT_EQ(strip_prefixes(w), "");
  }
}

TEST(pytorch_file, weights_of_other_types_are_named) {
  expect_error([] { weights_of(pytorch_file(golden("state_complex.pth"))); }, "weight 'complex' is complex, sparse, quantised");
}

TEST(pytorch_file, calls_stay_calls) {
  const pytorch_file file(golden("attack_system.pth"));
  const checkpoint_value* extra = file.find("extra");
  ASSERT_NE(extra, nullptr);
  EXPECT_EQ(extra->type(), checkpoint_value::kind::opaque);
  EXPECT_EQ(extra->text(), "posix system");
  EXPECT_EQ(extra->items()[0].items()[0].text(), "touch avss_was_here");
  EXPECT_FALSE(std::filesystem::exists("avss_was_here"));
}

TEST(strip_prefixes, needs_every_name) {
  const tensor t{dtype::u8, {}, std::vector<std::byte>(1)};
  tensor_dict some{{{"model.a", t}, {"loss", t}}};
  EXPECT_EQ(strip_prefixes(some), "");
  EXPECT_EQ(some.entries[0].name, "model.a");
  tensor_dict all{{{"model.module.rtfs_net.a", t}, {"model.module.rtfs_net.b", t}}};
  EXPECT_EQ(strip_prefixes(all), "model.module.rtfs_net.");
  EXPECT_EQ(all.entries[1].name, "b");
  tensor_dict only{{{"model.", t}}};
  EXPECT_EQ(strip_prefixes(only), "");
  tensor_dict none;
  EXPECT_EQ(strip_prefixes(none), "");
}

// ---- pickles by hand ----
std::string text_op(std::string_view t) {
  std::string out = "X";
  store_le(out, static_cast<std::uint32_t>(t.size()));
  return out += t;
}
std::string integer_op(std::int64_t v) {
  std::string out = "\x8a\x08";
  store_le(out, v);
  return out;
}
// A storage of `count` floats under key "0".
std::string storage_op(std::int64_t count, std::string_view key = "0", std::string_view type = "FloatStorage") {
  std::string op = "(" + text_op("storage");
  op += "ctorch\n";
  op += type;
  op += "\n" + text_op(key);
  op += text_op("cpu") + integer_op(count) + "tQ";
  return op;
}
std::string tuple_op(const std::vector<std::int64_t>& v) {
  std::string op = "(";
  for (std::int64_t i : v) op += integer_op(i);
  return op += "t";
}
std::string tensor_op(const std::string& storage, std::int64_t offset, const std::vector<std::int64_t>& shape,
                      const std::vector<std::int64_t>& strides) {
  std::string op = "ctorch._utils\n_rebuild_tensor_v2\n(";
  op += storage + integer_op(offset) + tuple_op(shape) + tuple_op(strides);
  return op += "\x89}tR";
}

checkpoint_value read_archive(const std::string& pickle, std::size_t storage_bytes = 16) {
  const std::string path = fresh_folder() + "a.pth", zeros(storage_bytes, '\0');
  atomic_file file(path);
  zip_writer zip(file);
  zip.add("any/data.pkl", as_bytes_of("\x80\x02" + pickle + "."));
  zip.add("any/data/0", as_bytes_of(zeros), 64);
  zip.finish();
  file.commit();
  return pytorch_file(path).root();
}

TEST(pytorch_file, refuses_tensors_outside_their_storage) {
  const auto refuses = [](const std::string& pickle, std::string_view why) {
    expect_error([&] { read_archive(pickle); }, why);
  };
  EXPECT_TRUE(read_archive(tensor_op(storage_op(4), 0, {2, 2}, {2, 1})).is_tensor());
  EXPECT_TRUE(read_archive(tensor_op(storage_op(4), 3, {1, 7}, {9, 0})).is_tensor());
  EXPECT_TRUE(read_archive(tensor_op(storage_op(4), 99, {0, 7}, {9, 9})).is_tensor());
  constexpr std::string_view outside = "reaches past its storage of 16 bytes";
  constexpr std::int64_t large = std::int64_t{1} << 62;
  refuses(tensor_op(storage_op(4), 1, {2, 2}, {2, 1}), outside);
  refuses(tensor_op(storage_op(4), 0, {2, 2}, {3, 1}), outside);
  refuses(tensor_op(storage_op(4), 0, {5}, {1}), outside);
  refuses(tensor_op(storage_op(4), large, {1}, {1}), outside);
  refuses(tensor_op(storage_op(4), 0, {5, 5}, {large, large}), outside);
  refuses(tensor_op(storage_op(4), 0, {large, large}, {0, 0}), outside);
  refuses(tensor_op(storage_op(4), 0, {large, large, 0}, {0, 0, 0}), outside);
  refuses(tensor_op(storage_op(4), large, {3, 3}, {large, large}), outside);
  refuses(tensor_op(storage_op(4), 0, {1 << 30}, {0}), "repeats its storage more than 64 times");
  refuses(tensor_op(storage_op(4), -1, {1}, {1}), "offset is negative");
  refuses(tensor_op(storage_op(4), 0, {-1}, {1}), "size is negative");
  refuses(tensor_op(storage_op(4), 1, {2}, {-1}), "stride is negative");
  refuses(tensor_op(storage_op(4), 0, {2, 2}, {1}), "differ in length");
  refuses(tensor_op(storage_op(4), 0, std::vector<std::int64_t>(65, 1), std::vector<std::int64_t>(65, 1)), "more than 64 axes");
  refuses(tensor_op(storage_op(5), 0, {1}, {1}), "has 16 bytes where 5 elements of float32 are declared");
  refuses(tensor_op(storage_op(large), 0, {1}, {1}), "has 16 bytes where");
  refuses(tensor_op(storage_op(4, "../../0"), 0, {1}, {1}), "storage '../../0' is missing");
  refuses(tensor_op("N", 0, {1}, {1}), "a tensor without a storage");
  refuses("ctorch._utils\n_rebuild_tensor_v2\n)R", "too few arguments");
  // Negative and unknown storages make an opaque value, which is nobody's weight.
  EXPECT_EQ(read_archive(tensor_op(storage_op(-4), 0, {1}, {1})).type(), checkpoint_value::kind::opaque);
  EXPECT_EQ(read_archive(tensor_op(storage_op(2, "0", "ComplexFloatStorage"), 0, {1}, {1})).type(),
            checkpoint_value::kind::opaque);
}

TEST(pytorch_file, newer_tensors) {
  // _rebuild_tensor_v3: an untyped storage, counted in bytes, and a dtype.
  std::string v3 = "ctorch._utils\n_rebuild_tensor_v3\n(";
  v3 += "(" + text_op("storage") + "ctorch.storage\nUntypedStorage\n";
  v3 += text_op("0") + text_op("cpu") + integer_op(16) + "tQ";
  v3 += integer_op(0) + tuple_op({2}) + tuple_op({1}) + "\x89}ctorch\nfloat64\ntR";
  const checkpoint_value v = read_archive(v3);
  ASSERT_TRUE(v.is_tensor());
  EXPECT_EQ(v.tensor_view()->type, dtype::f64);
  EXPECT_THROW(read_archive(v3, 15), error);
  // A tensor subclass.
  std::string subclass =
      "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nctorch.nn.parameter\nBuffer\n(";
  subclass += storage_op(4) + integer_op(0) + tuple_op({2}) + tuple_op({1}) + "\x89}t}tR";
  EXPECT_TRUE(read_archive(subclass).is_tensor());
}

checkpoint_value read_pickle(const std::string& text) {
  byte_cursor in(as_bytes_of(text), "a", "pickle");
  const pickle_graph graph = pickle_reader::read(in, "a");
  const auto none = [](const storage_id&) -> storage_bytes { fail("no storage"); };
  return pickle_translator("a", none).translate(*graph.root);
}

TEST(pickle, refuses_damage) {
  const auto refuses = [](const std::string& text, std::string_view why) { expect_error([&] { read_pickle(text); }, why); };
  refuses("", "truncated pickle");
  refuses("N", "truncated pickle");
  refuses(".", "the stack is empty");
  refuses("(.", "the stack is empty");
  refuses("t.", "no mark");
  refuses("Na.", "the stack is empty");
  refuses("NNa.", "elements added to what is no list");
  refuses("NNNs.", "keys set in what is no dict");
  refuses("}(Nu.", "a key without a value");
  refuses("h\x05.", "memo entry 5 is not set");
  refuses(std::string("Nr\xff\xff\xff\xff.", 7), "memo index 4294967295");
  refuses("\x80\x09.", "protocol 9");
  refuses("\xff.", "opcode 255 is unknown");
  refuses(std::string("X\xff\xff\xff\xff", 5) + "abc.", "4294967295 bytes expected");
  refuses(std::string("\x8d") + std::string(8, '\xff') + ".", "18446744073709551615 bytes expected");
  refuses(std::string("\x8b") + std::string(4, '\xff') + ".", "4294967295 bytes expected");
  refuses("cos\nsystem", "truncated");
  refuses("c" + std::string(2000, 'm') + "\nx\n.", "class name of more than 1000 bytes");
  refuses("NN\x93.", "a global whose name is no string");
}

TEST(pickle, survives_cycles_depth_and_repetition) {
  // A list that holds itself.
  const checkpoint_value own = read_pickle(
      "]q\x01h\x01"
      "a.");
  ASSERT_EQ(own.type(), checkpoint_value::kind::list);
  EXPECT_EQ(own.items()[0].text(), "cycle");
  // A hundred thousand lists, one in another.
  const int deep = 100000;
  const checkpoint_value nested = read_pickle(std::string(deep, ']') + std::string(deep - 1, 'a') + ".");
  EXPECT_LE(nested.height(), 200);
  // Levels that pile up through shared parts: each list holds the previous one, all are listed in order.
  std::string piled = "](";
  piled += "]q\x01";
  for (int i = 0; i < 50000; ++i)
    piled +=
        "]h\x01"
        "aq\x01";
  EXPECT_LE(read_pickle(piled + "e.").height(), 200);
  // A billion laughs: thirty levels of ten times the previous one stay thirty nodes.
  std::string laughs = text_op("ha") + "q\x01";
  for (int i = 0; i < 30; ++i) {
    laughs += "](";
    for (int k = 0; k < 10; ++k) laughs += "h\x01";
    laughs += "eq\x01";
  }
  EXPECT_EQ(read_pickle(laughs + ".").height(), 30);
  // list(x) of the same large list, again and again.
  std::string copies = "c__builtin__\nlist\nq\x01](" + std::string(10000, 'N') + "eq\x02";
  for (int i = 0; i < 5000; ++i) copies += "h\x01h\x02\x85R0";
  expect_error([&] { read_pickle(copies + "h\x02."); }, "too many elements copied");
}

TEST(pickle, values) {
  EXPECT_EQ(read_pickle("\x8a\x01\x80.").integer(), -128);
  EXPECT_EQ(read_pickle(std::string("\x8a\x00.", 3)).integer(), 0);
  EXPECT_EQ(read_pickle(integer_op(std::numeric_limits<std::int64_t>::min()) + ".").integer(),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read_pickle(std::string("G\x3f\xf8\0\0\0\0\0\0.", 10)).number(), 1.5);
  // The last value of a repeated key counts, in the first one's place.
  const checkpoint_value d = read_pickle("}(" + text_op("a") + "K\x01" + text_op("b") + "K\x02" + text_op("a") + "K\x03u.");
  ASSERT_EQ(d.fields().size(), 2u);
  EXPECT_EQ(d.find("a")->integer(), 3);
  EXPECT_EQ(d.find("c"), nullptr);
}

// The trainer's files that lie beside the specifications; not part of the repository.
TEST(pytorch_file, reference_checkpoints) {
  const char* shared = std::getenv("AVSS_SHARED");
  if (!shared) GTEST_SKIP() << "set AVSS_SHARED to the folder that holds golden/reference_ckpt_*.pth";
  for (const std::string stem : {"small_convtasnet", "views"}) {
    const std::string base = std::string(shared) + "/golden/reference_ckpt_" + stem;
    testing::expect_equal(weights_of(pytorch_file(base + ".pth")), read_npz(base + ".npz"));
  }
  const pytorch_file file(std::string(shared) + "/golden/reference_ckpt_small_convtasnet.pth");
  const checkpoint_value* config = file.find("config");
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->find("model")->find("_target_")->text(), "src.model.ConvTasNet");
  EXPECT_EQ(config->find("model")->find("encoder_dim")->integer(), 8);
  EXPECT_EQ(config->find("writer")->find("run_id")->text(), "abc123");
}

}  // namespace
}  // namespace avss
