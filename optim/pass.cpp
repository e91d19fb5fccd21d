#include "dagrad/optim/pass.h"

#include <algorithm>

#include "dagrad/core/parallel.h"

namespace dagrad::optim {
namespace {

// Elements that are worth a thread: Adam over as many takes about 2 us, a fork about 1.
constexpr std::int64_t kGrain = 16 << 10;
// Items begin at multiples of a cache line of f32, so that every part of the range does within its tensor.
constexpr std::int64_t kAlignment = 16;

}  // namespace

void Pass::clear() {
  items_.clear();
  size_ = 0;
}

void Pass::add(PassItem item) {
  if (item.count == 0) return;
  item.begin = size_;
  size_ += (item.count + kAlignment - 1) / kAlignment * kAlignment;
  items_.push_back(item);
}

std::size_t Pass::item_at(std::int64_t position) const {
  const auto after = std::upper_bound(items_.begin(), items_.end(), position,
                                      [](std::int64_t p, const PassItem& item) { return p < item.begin; });
  return static_cast<std::size_t>(after - items_.begin()) - 1;
}

void Pass::run(Kernel kernel) const {
  parallel_for(size_, kGrain, [this, kernel](std::int64_t begin, std::int64_t end) { kernel(*this, begin, end); });
}

}  // namespace dagrad::optim
