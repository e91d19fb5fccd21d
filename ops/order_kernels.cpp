#include "dagrad/ops/order_kernels.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "dagrad/core/parallel.h"

namespace dagrad::order {
namespace {

// Note [Sort keys]. A 32-bit float becomes an unsigned number of the same order (the sign bit flipped, and all others
// of negative numbers), which with the position below it makes one 64-bit number: all of them differ, so that any
// method sorts them stably, and positions come out along with the order. Other types are sorted as they are, with
// positions.

/// The order of floats as that of unsigned numbers: every NaN last, -0 as 0. Inverted for descending orders.
std::uint32_t rank_of(float x, std::uint32_t invert) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  std::uint32_t rank = bits ^ (static_cast<std::uint32_t>(static_cast<std::int32_t>(bits) >> 31) | 0x80000000u);
  rank = x == 0 ? 0x80000000u : rank;
  rank = x != x ? 0xffffffffu : rank;
  return rank ^ invert;
}

using Keys = std::vector<std::uint64_t>;

/// Sorts by the upper halves; the lower ones, which ascend, stay in order. Three passes over 11, 11 and 10 bits.
void radix_sort(Keys& keys, Keys& spare) {
  constexpr int kBits = 11, kBins = 1 << kBits;
  std::array<std::array<std::uint32_t, kBins>, 3> starts{};
  for (const std::uint64_t key : keys) {
    ++starts[0][key >> 32 & (kBins - 1)];
    ++starts[1][key >> (32 + kBits) & (kBins - 1)];
    ++starts[2][key >> (32 + 2 * kBits)];
  }
  for (std::size_t pass = 0; pass < 3; ++pass) {
    const auto digit = [shift = 32 + static_cast<int>(pass) * kBits](std::uint64_t key) {
      return key >> shift & (kBins - 1);
    };
    if (starts[pass][digit(keys[0])] == keys.size()) continue;  // all alike
    std::uint32_t sum = 0;
    for (std::uint32_t& start : starts[pass]) {
      const std::uint32_t count = start;
      start = sum;
      sum += count;
    }
    for (const std::uint64_t key : keys) spare[starts[pass][digit(key)]++] = key;
    keys.swap(spare);
  }
}

/// Puts the keys at the places wanted at the front, in order.
void choose(const Want& want, Keys& keys, Keys& spare) {
  constexpr std::size_t kRadixFrom = 512;  // keys; below it comparisons are faster than clearing the bins
  const auto first = static_cast<std::ptrdiff_t>(want.first), count = static_cast<std::ptrdiff_t>(want.count);
  const auto size = static_cast<std::ptrdiff_t>(keys.size());
  if (count == size && keys.size() >= kRadixFrom) {
    spare.resize(keys.size());
    return radix_sort(keys, spare);
  }
  if (first > 0) {
    std::nth_element(keys.begin(), keys.begin() + first, keys.end());
    std::copy(keys.begin() + first, keys.end(), keys.begin());
  }
  const auto end = keys.end() - first;
  if (count < size - first) std::nth_element(keys.begin(), keys.begin() + count, end);
  std::sort(keys.begin(), keys.begin() + count);
}

/// Whether none of 16 elements is ahead of the bound; a NaN is taken for one that is. Without an early end, so that the
/// loop is vectorised.
bool none_ahead(const float* x, float bound, bool descending) {
  int ahead = 0;
  if (descending) {
    for (int i = 0; i < 16; ++i) ahead |= static_cast<int>(!(x[i] <= bound));
  } else {
    for (int i = 0; i < 16; ++i) ahead |= static_cast<int>(!(x[i] >= bound));
  }
  return ahead == 0;
}

/// The keys of the `count` least of a row, or a few more: those that pass a bound that falls as better ones come.
void collect_least(const float* x, std::int64_t length, std::uint32_t invert, std::int64_t count, Keys& keys) {
  const auto room = static_cast<std::size_t>(2 * count + 16);
  keys.clear();
  std::uint64_t bound = ~std::uint64_t{0};
  float bound_value = std::numeric_limits<float>::quiet_NaN();  // which no comparison is true of
  const auto take = [&](std::int64_t i) {
    const std::uint64_t key = std::uint64_t{rank_of(x[i], invert)} << 32 | static_cast<std::uint64_t>(i);
    if (key >= bound) return;
    keys.push_back(key);
    if (keys.size() < room) return;
    std::nth_element(keys.begin(), keys.begin() + count - 1, keys.end());
    bound = keys[static_cast<std::size_t>(count - 1)];
    bound_value = x[bound & 0xffffffffu];
    keys.resize(static_cast<std::size_t>(count));
  };
  std::int64_t i = 0;
  for (; i + 16 <= length; i += 16) {
    // An element equal to the bound comes after it, as it stands further back.
    if (none_ahead(x + i, bound_value, invert != 0)) continue;
    for (std::int64_t k = i; k < i + 16; ++k) take(k);
  }
  for (; i < length; ++i) take(i);
}

/// By 64-bit keys: rows of f32 or bf16.
template <class T>
class FloatRows {
 public:
  FloatRows(const Want& want, std::int64_t length) : want_(want), length_(length) {}

  void run(const T* x, T* values, std::int64_t* indices) {
    const std::uint32_t invert = want_.descending ? 0xffffffffu : 0;
    if constexpr (std::is_same_v<T, float>) {
      if (want_.first == 0 && want_.count > 0 && 4 * want_.count < length_) {
        collect_least(x, length_, invert, want_.count, keys_);
        choose(want_, keys_, spare_);
        return write(x, values, indices);
      }
    }
    keys_.resize(static_cast<std::size_t>(length_));
    for (std::int64_t i = 0; i < length_; ++i) {
      keys_[static_cast<std::size_t>(i)] =
          std::uint64_t{rank_of(static_cast<float>(x[i]), invert)} << 32 | static_cast<std::uint64_t>(i);
    }
    choose(want_, keys_, spare_);
    write(x, values, indices);
  }

 private:
  void write(const T* x, T* values, std::int64_t* indices) const {
    for (std::int64_t i = 0; i < want_.count; ++i) {
      indices[i] = static_cast<std::int64_t>(keys_[static_cast<std::size_t>(i)] & 0xffffffffu);
      values[i] = x[indices[i]];
    }
  }

  Want want_;
  std::int64_t length_;
  Keys keys_, spare_;
};

template <class T>
bool is_nan(T x) {
  if constexpr (std::is_same_v<T, BFloat16>)
    return std::isnan(static_cast<float>(x));
  else if constexpr (std::is_floating_point_v<T>)
    return std::isnan(x);
  else
    return false;
}

/// Whether a comes before b, which none of two equals does; NaN comes last.
template <class T>
bool ahead(T a, T b) {
  if constexpr (std::is_same_v<T, BFloat16>)
    return ahead(static_cast<float>(a), static_cast<float>(b));
  else
    return a < b || (is_nan(b) && !is_nan(a));
}

/// By comparisons: any type, any length.
template <class T>
class ComparedRows {
 public:
  ComparedRows(const Want& want, std::int64_t length) : want_(want), positions_(static_cast<std::size_t>(length)) {}

  void run(const T* x, T* values, std::int64_t* indices) {
    for (std::size_t i = 0; i < positions_.size(); ++i) positions_[i] = static_cast<std::int64_t>(i);
    const auto before = [&](std::int64_t a, std::int64_t b) {
      return want_.descending ? ahead(x[b], x[a]) : ahead(x[a], x[b]);
    };
    std::stable_sort(positions_.begin(), positions_.end(), before);
    for (std::int64_t i = 0; i < want_.count; ++i) {
      indices[i] = positions_[static_cast<std::size_t>(want_.first + i)];
      values[i] = x[indices[i]];
    }
  }

 private:
  Want want_;
  std::vector<std::int64_t> positions_;
};

/// Calls `run(begin, end)` for rows of so much work.
template <class Run>
void for_rows(std::int64_t rows, std::int64_t length, const Run& run) {
  constexpr std::int64_t kGrain = 2 << 10;  // elements that are worth a thread: each costs 5 to 50 ns
  if (rows * length <= kGrain)
    run(0, rows);
  else
    parallel_for(rows, std::max<std::int64_t>(1, kGrain / length), run);
}

}  // namespace

void order_rows(const Want& want, const Tensor& src, Tensor& values, Tensor& indices) {
  const std::int64_t length = src.size(-1), rows = src.numel() / length;
  std::int64_t* to_indices = indices.mutable_data<std::int64_t>();
  visit_dtype(src.dtype(), [&]<class T>(T) {
    const T* from = src.data<T>();
    T* to = values.mutable_data<T>();
    const auto run_with = [&]<class Rows>(Rows) {
      for_rows(rows, length, [&](std::int64_t begin, std::int64_t end) {
        Rows sorter(want, length);
        for (std::int64_t i = begin; i < end; ++i)
          sorter.run(from + i * length, to + i * want.count, to_indices + i * want.count);
      });
    };
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, BFloat16>) {
      if (length < std::int64_t{1} << 32) return run_with(FloatRows<T>({}, 0));
    }
    run_with(ComparedRows<T>({}, 0));
  });
}

void median_rows(const Tensor& src, std::int64_t length, Tensor& dst) {
  const std::int64_t middle = (length - 1) / 2;
  visit_dtype(src.dtype(), [&]<class T>(T) {
    const T* from = src.data<T>();
    T* to = dst.mutable_data<T>();
    for_rows(dst.numel(), length, [&](std::int64_t begin, std::int64_t end) {
      const auto row = std::make_unique<T[]>(static_cast<std::size_t>(length));
      for (std::int64_t i = begin; i < end; ++i) {
        std::copy_n(from + i * length, length, row.get());
        const T* nan = std::find_if(row.get(), row.get() + length, is_nan<T>);
        if (nan != row.get() + length) {
          to[i] = *nan;
          continue;
        }
        std::nth_element(row.get(), row.get() + middle, row.get() + length, ahead<T>);
        to[i] = row[static_cast<std::size_t>(middle)];
      }
    });
  });
}

}  // namespace dagrad::order
