#include "dagrad/core/parallel.h"

#include <atomic>
#include <gtest/gtest.h>
#include <stdexcept>
#include <vector>

#include "dagrad/core/error.h"
#include "expect_error.h"

namespace dagrad {
namespace {

TEST(Parallel, VisitsEachIndexOnce) {
  std::vector<std::atomic<int>> visits(10007);
  parallel_for(10007, 64, [&](std::int64_t begin, std::int64_t end) {
    EXPECT_EQ(begin % 64, 0);
    for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
  });
  for (const auto& count : visits) ASSERT_EQ(count.load(), 1);
}

TEST(Parallel, PassesExceptionsOn) {
  EXPECT_THROW(parallel_for(1000, 1,
                            [](std::int64_t begin, std::int64_t) {
                              if (begin == 0) throw std::runtime_error("stop");
                            }),
               std::runtime_error);
}

TEST(Parallel, LimitsThreadsForAScope) {
  const int before = num_threads();
  {
    const ThreadLimit limit(1);
    EXPECT_EQ(num_threads(), 1);
  }
  EXPECT_EQ(num_threads(), before);
  expect_error<UsageError>([] { set_num_threads(0); }, "set_num_threads: got 0 (want at least 1)");
}

}  // namespace
}  // namespace dagrad
