#include <gtest/gtest.h>

#include <avss/core/arena.hpp>
#include <cstdint>
#include <cstring>
#include <string>

namespace avss {
namespace {

TEST(arena, is_taken_from_two_ends) {
  arena a(4 * arena::alignment);
  auto* front = static_cast<std::byte*>(a.take_front(1));
  auto* next = static_cast<std::byte*>(a.take_front(65));
  auto* back = static_cast<std::byte*>(a.take_back(64));
  EXPECT_EQ(next - front, 64);
  EXPECT_EQ(back - next, 128);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(front) % arena::alignment, 0u);
  std::memset(front, 1, 256);
  EXPECT_EQ(a.peak(), a.capacity());
}

TEST(arena, gives_scratch_memory_back) {
  arena a(192);
  a.take_front(64);
  const std::size_t mark = a.back_mark();
  void* first = a.take_back(128);
  a.release_back(mark);
  EXPECT_EQ(a.take_back(128), first);
  EXPECT_EQ(a.peak(), 192u);
  a.reset();
  EXPECT_NO_THROW(a.take_front(192));
}

TEST(arena, measures_what_would_be_needed) {
  arena a;
  EXPECT_TRUE(a.measures());
  EXPECT_EQ(a.take_front(100), nullptr);
  const std::size_t mark = a.back_mark();
  EXPECT_EQ(a.take_back(64), nullptr);
  a.release_back(mark);
  a.take_back(1);
  EXPECT_EQ(a.peak(), 192u);
}

TEST(arena, says_when_the_plan_was_too_small) {
  arena a(128);
  EXPECT_FALSE(a.measures());
  a.take_front(64);
  try {
    a.take_back(65);
    FAIL();
  } catch (const error& e) {
    EXPECT_EQ(std::string(e.what()),
              "the working memory was planned for 128 bytes and 192 are asked for: plan for the largest shape");
  }
}

TEST(arena, says_when_there_is_no_memory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizers' allocator ends the program instead";
#else
  try {
    arena a(std::size_t{1} << 62);
    FAIL();
  } catch (const error& e) {
    EXPECT_NE(std::string(e.what()).find("out of memory: the network needs 4611686018427387904 bytes"), std::string::npos);
  }
#endif
}

TEST(arena, moves) {
  arena a(256);
  void* p = a.take_front(1);
  arena b = std::move(a);
  EXPECT_EQ(static_cast<std::byte*>(b.take_front(1)) - static_cast<std::byte*>(p), 64);
  EXPECT_EQ(b.capacity(), 256u);
  EXPECT_TRUE(a.measures());
}

TEST(arena, of_no_bytes_is_still_an_arena) { EXPECT_FALSE(arena(0).measures()); }

}  // namespace
}  // namespace avss
