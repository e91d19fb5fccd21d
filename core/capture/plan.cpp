#include "dagrad/core/capture/plan.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

namespace dagrad {
namespace {

/// The free parts of a piece of memory that grows at its end.
class Gaps {
 public:
  std::size_t take(std::size_t bytes) {
    const auto fit = by_size_.lower_bound({bytes, 0});
    if (fit != by_size_.end()) {
      const auto [size, offset] = *fit;
      remove(offset, size);
      if (size > bytes) add(offset + bytes, size - bytes);
      return offset;
    }
    std::size_t offset = end_;
    if (!by_offset_.empty()) {
      const auto [last, size] = *by_offset_.rbegin();
      if (last + size == end_) {  // the gap at the end grows
        remove(last, size);
        offset = last;
      }
    }
    end_ = offset + bytes;
    return offset;
  }

  void give_back(std::size_t offset, std::size_t bytes) {
    const auto next = by_offset_.lower_bound(offset);
    if (next != by_offset_.end() && next->first == offset + bytes) {
      bytes += next->second;
      remove(offset + bytes - next->second, next->second);
    }
    const auto after = by_offset_.lower_bound(offset);
    if (after != by_offset_.begin()) {
      const auto [before, size] = *std::prev(after);
      if (before + size == offset) {
        remove(before, size);
        offset = before;
        bytes += size;
      }
    }
    add(offset, bytes);
  }

  std::size_t end() const { return end_; }

 private:
  void add(std::size_t offset, std::size_t bytes) {
    by_offset_.emplace(offset, bytes);
    by_size_.emplace(bytes, offset);
  }
  void remove(std::size_t offset, std::size_t bytes) {
    by_offset_.erase(offset);
    by_size_.erase({bytes, offset});
  }

  std::map<std::size_t, std::size_t> by_offset_;
  std::set<std::pair<std::size_t, std::size_t>> by_size_;
  std::size_t end_ = 0;
};

std::vector<std::size_t> numbers_up_to(std::size_t count) {
  std::vector<std::size_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  return numbers;
}

}  // namespace

MemoryPlan plan_memory(std::span<const Tenure> blocks) {
  const auto rounded = [&](std::size_t i) { return (std::max<std::size_t>(blocks[i].bytes, 1) + 63) / 64 * 64; };
  std::vector<std::size_t> begins = numbers_up_to(blocks.size()), ends = begins;
  // Of those that begin together the largest is the hardest to place.
  std::sort(begins.begin(), begins.end(), [&](std::size_t a, std::size_t b) {
    return std::tuple(blocks[a].first, blocks[b].bytes, a) < std::tuple(blocks[b].first, blocks[a].bytes, b);
  });
  std::sort(ends.begin(), ends.end(), [&](std::size_t a, std::size_t b) {
    return std::tuple(blocks[a].last, a) < std::tuple(blocks[b].last, b);
  });

  MemoryPlan plan;
  plan.offsets.resize(blocks.size());
  Gaps gaps;
  std::size_t in_use = 0;
  auto ended = ends.begin();
  for (const std::size_t i : begins) {
    for (; ended != ends.end() && blocks[*ended].last < blocks[i].first; ++ended) {
      gaps.give_back(plan.offsets[*ended], rounded(*ended));
      in_use -= rounded(*ended);
    }
    plan.offsets[i] = gaps.take(rounded(i));
    in_use += rounded(i);
    plan.least = std::max(plan.least, in_use);
  }
  plan.bytes = gaps.end();
  return plan;
}

}  // namespace dagrad
