#include "dagrad/ops/interpolation_kernel.h"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "dagrad/core/parallel.h"

namespace dagrad::interpolation {
namespace {

constexpr std::int64_t kGrain = 32 << 10;  // elements that are worth a thread

/// bf16 is summed in f32.
template <class T>
using Sum = std::conditional_t<std::is_same_v<T, double>, double, float>;

/// into = weight from, or into += weight from.
template <class S, class T>
void add_line(bool first, S weight, const T* from, std::int64_t count, S* into) {
  if (first) {
    for (std::int64_t i = 0; i < count; ++i) into[i] = weight * static_cast<S>(from[i]);
  } else {
    for (std::int64_t i = 0; i < count; ++i) into[i] += weight * static_cast<S>(from[i]);
  }
}

/// The taps of elements that are made of one or two each, in columns: a loop over them has no branches and no casts.
template <class S>
struct Pairs {
  std::vector<std::int32_t> low, high;
  std::vector<S> low_weight, high_weight;

  /// Empty where some element is made of none or of more.
  static Pairs of(const Taps& taps) {
    if (taps.sources() > std::numeric_limits<std::int32_t>::max()) return {};
    for (std::int64_t x = 0; x < taps.results(); ++x) {
      if (taps.of(x).empty() || taps.of(x).size() > 2) return {};
    }
    Pairs pairs;
    for (std::int64_t x = 0; x < taps.results(); ++x) {
      // One alone counts as two halves: with a weight of 0 for the second, an infinity would become NaN.
      // They add up to the element itself, but for the last bit of one below the normal numbers.
      const std::span<const Tap> along = taps.of(x);
      const Tap &first = along.front(), &last = along.back();
      const double share = along.size() == 1 ? 0.5 : 1;
      pairs.low.push_back(static_cast<std::int32_t>(first.source));
      pairs.high.push_back(static_cast<std::int32_t>(last.source));
      pairs.low_weight.push_back(static_cast<S>(share * first.weight));
      pairs.high_weight.push_back(static_cast<S>(share * last.weight));
    }
    return pairs;
  }
};

/// A tensor as `batch` blocks of z, y, x and channels. Row-major planes are blocks of one channel.
template <class T>
struct Resampling {
  const std::array<Taps, 3>& taps;
  const T* src;
  T* dst;
  std::int64_t channels;
  const Pairs<Sum<T>>& pairs;  // of x, for single channels

  std::int64_t lines() const { return taps[0].results() * taps[1].results(); }  // of a block of dst
  std::int64_t src_line() const { return taps[2].sources() * channels; }
  std::int64_t dst_line() const { return taps[2].results() * channels; }

  /// Lines `begin` to `end - 1` of all blocks of dst.
  void run(std::int64_t begin, std::int64_t end) const {
    std::vector<Sum<T>> line(static_cast<std::size_t>(src_line())), pixel(static_cast<std::size_t>(channels));
    for (std::int64_t i = begin; i < end; ++i) {
      T* const to = dst + i * dst_line();
      if (const T* const whole = the_only_line(i))
        pixels(whole, pixel.data(), to);
      else if (sum_lines(i, line.data()))
        pixels(line.data(), pixel.data(), to);
      else
        std::fill_n(to, dst_line(), T());
    }
  }

 private:
  const T* src_line_at(std::int64_t block, std::int64_t z, std::int64_t y) const {
    return src + ((block * taps[0].sources() + z) * taps[1].sources() + y) * src_line();
  }
  std::span<const Tap> of_z(std::int64_t i) const { return taps[0].of(i % lines() / taps[1].results()); }
  std::span<const Tap> of_y(std::int64_t i) const { return taps[1].of(i % taps[1].results()); }

  /// The line of src that line `i` of dst is made of alone, if it is.
  const T* the_only_line(std::int64_t i) const {
    const auto z = of_z(i), y = of_y(i);
    const bool is_only = z.size() == 1 && y.size() == 1 && z[0].weight == 1 && y[0].weight == 1;
    return is_only ? src_line_at(i / lines(), z[0].source, y[0].source) : nullptr;
  }

  /// The weighted sum of the lines of src that line `i` of dst is made of; false when there are none.
  bool sum_lines(std::int64_t i, Sum<T>* line) const {
    bool first = true;
    for (const Tap& z : of_z(i)) {
      for (const Tap& y : of_y(i)) {
        const T* const from = src_line_at(i / lines(), z.source, y.source);
        add_line(first, static_cast<Sum<T>>(z.weight * y.weight), from, src_line(), line);
        first = false;
      }
    }
    return !first;
  }

  /// The elements of a line of dst, each a pixel of all channels, from the one line that they are made of.
  template <class From>
  void pixels(const From* line, Sum<T>* pixel, T* to) const {
    if (channels == 1) return points(line, to);
    for (std::int64_t x = 0; x < taps[2].results(); ++x, to += channels) {
      const std::span<const Tap> along = taps[2].of(x);
      if (along.size() == 1 && along[0].weight == 1) {
        const From* const from = line + along[0].source * channels;
        for (std::int64_t c = 0; c < channels; ++c) to[c] = static_cast<T>(from[c]);
      } else if (along.size() == 2) {
        const From *const low = line + along[0].source * channels, *const high = line + along[1].source * channels;
        const auto a = static_cast<Sum<T>>(along[0].weight), b = static_cast<Sum<T>>(along[1].weight);
        for (std::int64_t c = 0; c < channels; ++c)
          to[c] = static_cast<T>(a * static_cast<Sum<T>>(low[c]) + b * static_cast<Sum<T>>(high[c]));
      } else {
        sum_pixels(along, line, pixel, to);
      }
    }
  }

  /// The same where pixels are single elements.
  template <class From>
  void points(const From* line, T* to) const {
    if (taps[2].picks()) {
      for (std::int64_t x = 0; x < taps[2].results(); ++x) to[x] = static_cast<T>(line[taps[2].of(x)[0].source]);
      return;
    }
    if (!pairs.low.empty()) {
      const std::int32_t *const low = pairs.low.data(), *const high = pairs.high.data();
      const Sum<T>*const a = pairs.low_weight.data(), *const b = pairs.high_weight.data();
      for (std::int64_t x = 0, count = taps[2].results(); x < count; ++x)
        to[x] = static_cast<T>(a[x] * static_cast<Sum<T>>(line[low[x]]) + b[x] * static_cast<Sum<T>>(line[high[x]]));
      return;
    }
    for (std::int64_t x = 0; x < taps[2].results(); ++x) {
      Sum<T> sum = 0;
      for (const Tap& tap : taps[2].of(x))
        sum += static_cast<Sum<T>>(tap.weight) * static_cast<Sum<T>>(line[tap.source]);
      to[x] = static_cast<T>(sum);
    }
  }

  template <class From>
  void sum_pixels(std::span<const Tap> along, const From* line, Sum<T>* pixel, T* to) const {
    if (along.empty()) std::fill_n(pixel, channels, Sum<T>(0));
    for (std::size_t k = 0; k < along.size(); ++k)
      add_line(k == 0, static_cast<Sum<T>>(along[k].weight), line + along[k].source * channels, channels, pixel);
    for (std::int64_t c = 0; c < channels; ++c) to[c] = static_cast<T>(pixel[c]);
  }
};

}  // namespace

void resample(const std::array<Taps, 3>& taps, const Tensor& src, Tensor& dst) {
  if (dst.numel() == 0) return;
  const bool planes = dst.is_contiguous();
  visit_dtype(src.dtype(), [&]<class T>(T) {
    if constexpr (is_floating(dtype_of<T>)) {
      const Pairs<Sum<T>> pairs = planes && !taps[2].picks() ? Pairs<Sum<T>>::of(taps[2]) : Pairs<Sum<T>>{};
      const Resampling<T> work{taps, src.data<T>(), dst.mutable_data<T>(), planes ? 1 : src.size(1), pairs};
      const std::int64_t blocks = planes ? src.size(0) * src.size(1) : src.size(0);
      const std::int64_t line = std::max(work.src_line(), work.dst_line());
      parallel_for(blocks * work.lines(), std::max<std::int64_t>(1, kGrain / line),
                   [&](std::int64_t begin, std::int64_t end) { work.run(begin, end); });
    }
  });
}

}  // namespace dagrad::interpolation
