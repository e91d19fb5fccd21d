#include "dagrad/core/tape.h"

#include <gtest/gtest.h>
#include <thread>

#include "dagrad/core/allocator.h"
#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/operators.h"

namespace dagrad {
namespace {

// Sanitizers multiply memory and time by ten.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::int64_t kLong = 300'000;
#else
constexpr std::int64_t kLong = 10'000'000;
#endif

TEST(Tape, ListsTheNodesThatAreAlive) {
  const std::size_t before = Tape::current().size();
  const Tensor x = scalar(2).requires_grad_();
  {
    const Tensor y = tanh(x * 3);
    EXPECT_EQ(Tape::current().size(), before + 3);
    std::vector<std::string> names;
    Tape::current().for_each([&](const Node& node) { names.emplace_back(node.name()); });
    ASSERT_GE(names.size(), 3u);
    EXPECT_EQ(std::vector(names.end() - 3, names.end()), (std::vector<std::string>{"leaf", "mul_number", "tanh"}));
  }
  EXPECT_EQ(Tape::current().size(), before + 1);  // a graph that nobody holds is gone, backward or not
}

TEST(Tape, RemembersWhereAnOpWasCalled) {
  const Tensor x = scalar(2).requires_grad_();
  const Tensor y = x * 3;
  const std::uint32_t line = __LINE__ - 1;
  EXPECT_EQ(y.node()->where().line, line);
  EXPECT_NE(std::string(y.node()->where().file).find("tape_test.cpp"), std::string::npos);
  const Tensor first = grad(tanh(y), x, {.create_graph = true});
  const std::uint32_t recorded = __LINE__ - 1;
  EXPECT_TRUE(first.node()->where().line == recorded || first.node()->where().line == line);
}

TEST(Tape, NumbersNodesAboveTheirInputsAlsoAcrossThreads) {
  const Tensor x = scalar(2).requires_grad_();
  Tensor y = x;
  for (int i = 0; i < 100; ++i) y = y * 1.01;
  std::thread([&] { y = tanh(y); }).join();
  EXPECT_GT(y.node()->sequence(), y.node()->edges()[0].node->sequence());
  y.backward();
  EXPECT_TRUE(x.grad().defined());
}

TEST(Tape, FreesALongChainWithoutRecursion) {
  const Tensor a = full({16}, 1e-7).requires_grad_();
  const std::size_t nodes = Tape::current().size();
  const std::size_t live = allocator_statistics().live_bytes;
  {
    Tensor t = a;
    for (std::int64_t i = 0; i < kLong; ++i) t = t + a;
    const std::size_t bytes = allocator_statistics().live_bytes - live;
    EXPECT_LT(bytes / static_cast<std::size_t>(kLong), 250u);
    t.backward(ones({16}));
  }
  EXPECT_EQ(a.grad().to_vector<float>()[3], static_cast<float>(kLong + 1));
  EXPECT_EQ(Tape::current().size(), nodes);
  empty_cache();
}

TEST(Tape, LeaksNothingWhenBackwardIsNeverCalled) {
  const Tensor a = full({16}, 1.0).requires_grad_();
  const std::size_t live = allocator_statistics().live_bytes;
  for (int i = 0; i < 10; ++i) {
    Tensor t = a;
    for (int k = 0; k < 1000; ++k) t = tanh(t * t + a);
  }
  EXPECT_EQ(allocator_statistics().live_bytes, live);
}

TEST(Tape, AsksNothingOfTheSystemOnceWarm) {
  const Tensor a = full({16}, 0.1).requires_grad_();
  const auto step = [&] {
    Tensor t = a;
    for (int k = 0; k < 200; ++k) t = tanh(t * t + a);
    t.backward(ones({16}));
    a.zero_grad();
  };
  step();
  const auto before = allocator_statistics().system_allocations;
  for (int i = 0; i < 20; ++i) step();
  EXPECT_EQ(allocator_statistics().system_allocations, before);
}

}  // namespace
}  // namespace dagrad
