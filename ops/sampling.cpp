#include "dagrad/ops/sampling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <span>
#include <utility>
#include <vector>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/index_at.h"
#include "dagrad/core/op.h"
#include "dagrad/core/parallel.h"
#include "dagrad/core/philox.h"
#include "dagrad/ops/pointwise_op.h"

namespace dagrad {
namespace {

/// Two words as a number from U[0, 1) with 53 bits.
double uniform_of(std::uint32_t low, std::uint32_t high) {
  return static_cast<double>((static_cast<std::uint64_t>(high) << 32 | low) >> 11) * 0x1p-53;
}

/// Each block of the stream makes two such numbers.
constexpr std::int64_t kPerBlock = 2;

std::uint64_t blocks_for(std::int64_t numbers) {
  return static_cast<std::uint64_t>((numbers + kPerBlock - 1) / kPerBlock);
}

/// Number `i` of the stream that begins at a block.
double uniform_at(std::uint64_t seed, std::uint64_t position, std::int64_t i) {
  const auto words = Generator::block(seed, position + static_cast<std::uint64_t>(i / kPerBlock));
  const auto first = static_cast<std::size_t>(i % kPerBlock * 2);
  return uniform_of(words[first], words[first + 1]);
}

// --- bernoulli ---

/// Element i is 1 when number i of the generator's stream is below its probability.
struct Bernoulli {
  static constexpr std::string_view name = "bernoulli";
  std::uint64_t seed;
  std::uint64_t position;

  Spec infer(const Tensor& probabilities) const {
    pointwise::check_type(name, probabilities.dtype(), false);
    return probabilities.spec();
  }
  void forward(Forward&, const Tensor& probabilities, Tensor& dst) const {
    const Tensor p = contiguous_data(probabilities);
    visit_dtype(p.dtype(), [&]<class T>(T) {
      if constexpr (is_floating(dtype_of<T>)) {
        check(p.data<T>(), p.shape(), p.numel());
        draw(p.data<T>(), dst.mutable_data<T>(), p.numel());
      }
    });
  }

 private:
  template <class T>
  static void check(const T* p, const Shape& shape, std::int64_t count) {
    const T* const bad = std::find_if(p, p + count, [](T x) {
      const auto value = static_cast<double>(x);
      return !(value >= 0 && value <= 1);
    });
    if (bad == p + count) return;
    throw UsageError(fmt::format("bernoulli: probability {} at position {} (want 0 to 1)", static_cast<double>(*bad),
                                 index_at(shape, bad - p).str()));
  }

  template <class T>
  void draw(const T* p, T* dst, std::int64_t count) const {
    constexpr std::int64_t unit = philox::kWords / 2,
                           kGrain = 16;  // numbers of one call; calls that are worth a thread
    parallel_for((count + unit - 1) / unit, kGrain, [&](std::int64_t begin, std::int64_t end) {
      std::array<std::uint32_t, philox::kWords> words;
      for (std::int64_t call = begin; call < end; ++call) {
        philox::words(seed, position + static_cast<std::uint64_t>(call * philox::kBlocks), words.data());
        const std::int64_t first = call * unit, here = std::min(unit, count - first);
        for (std::int64_t i = 0; i < here; ++i) {
          const auto k = static_cast<std::size_t>(2 * i);
          const bool one = uniform_of(words[k], words[k + 1]) < static_cast<double>(p[first + i]);
          dst[first + i] = convert_to<T>(one ? 1.0F : 0.0F);
        }
      }
    });
  }
};

// --- multinomial ---

struct Multinomial {
  static constexpr std::string_view name = "multinomial";
  std::int64_t count;
  bool replacement;
  std::uint64_t seed;
  std::uint64_t position;

  std::string attributes() const { return fmt::format("count={}{}", count, replacement ? ", replacement" : ""); }

  Spec infer(const Tensor& probabilities) const {
    Shape shape = probabilities.shape();
    shape[shape.rank() - 1] = count;
    checked_numel(name, shape, item_size(i64));
    return {shape, i64};
  }
  void forward(Forward&, const Tensor& probabilities, Tensor& dst) const {
    Tensor rows = Tensor::allocate({probabilities.shape(), f64});
    copy_elements(probabilities, rows);
    const std::int64_t classes = rows.shape().back(), row_count = rows.dim() == 1 ? 1 : rows.size(0);
    const auto* const p = rows.data<double>();
    check_elements(p, rows.shape(), rows.numel());
    const auto row = [&](std::int64_t n) { return std::span(p + n * classes, static_cast<std::size_t>(classes)); };
    for (std::int64_t n = 0; n < row_count; ++n) check_row(row(n), n);
    auto* const to = dst.mutable_data<std::int64_t>();
    constexpr std::int64_t kGrain = 2048;  // elements that are worth a thread
    parallel_for(row_count, std::max<std::int64_t>(1, kGrain / (classes + count)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t n = begin; n < end; ++n)
                     replacement ? draw_any(row(n), n, to + n * count) : draw_others(row(n), n, to + n * count);
                 });
  }

 private:
  static void check_elements(const double* p, const Shape& shape, std::int64_t elements) {
    const double* const bad = std::find_if(p, p + elements, [](double x) { return !(x >= 0 && std::isfinite(x)); });
    if (bad == p + elements) return;
    throw UsageError(fmt::format("multinomial: probability {} at position {} (want finite numbers of at least 0)", *bad,
                                 index_at(shape, bad - p).str()));
  }
  void check_row(std::span<const double> p, std::int64_t n) const {
    const auto possible = std::count_if(p.begin(), p.end(), [](double x) { return x > 0; });
    if (possible == 0) throw UsageError(fmt::format("multinomial: row {} is all 0 (want a class of more than 0)", n));
    if (!replacement && count > possible) {
      throw UsageError(
          fmt::format("multinomial: {} draws without replacement from row {}, where {} of {} classes are "
                      "more than 0 (want at most so many draws)",
                      count, n, possible, p.size()));
    }
  }

  /// By where numbers from [0, total) fall in the running sums; each draw has a number of its own.
  void draw_any(std::span<const double> p, std::int64_t n, std::int64_t* dst) const {
    const double largest = *std::max_element(p.begin(), p.end());  // by which the sums stay finite
    std::vector<double> sums(p.size());
    double total = 0;
    for (std::size_t c = 0; c < p.size(); ++c) sums[c] = total += p[c] / largest;
    for (std::int64_t k = 0; k < count; ++k) {
      // Below the total also when rounded; a class of 0 ends where it begins, so that no number falls into it.
      const double at = uniform_at(seed, position, n * count + k) * total;
      dst[k] = std::upper_bound(sums.begin(), sums.end(), at) - sums.begin();
    }
  }

  /// By a race: class c arrives after an exponential time of rate p[c], and who arrives next among those under way is c
  /// with probability p[c] / their sum (Efraimidis and Spirakis 2006); each class has a number of its own.
  void draw_others(std::span<const double> p, std::int64_t n, std::int64_t* dst) const {
    std::vector<std::pair<double, std::int64_t>> arrivals;
    arrivals.reserve(p.size());
    for (std::size_t c = 0; c < p.size(); ++c) {
      if (p[c] == 0) continue;
      const auto number = static_cast<std::int64_t>(c);
      const double u = uniform_at(seed, position, n * static_cast<std::int64_t>(p.size()) + number);
      arrivals.emplace_back(-std::log1p(-u) / p[c], number);
    }
    std::partial_sort(arrivals.begin(), arrivals.begin() + count, arrivals.end());
    for (std::int64_t k = 0; k < count; ++k) dst[k] = arrivals[static_cast<std::size_t>(k)].second;
  }
};

}  // namespace

Tensor bernoulli(const Tensor& probabilities, Generator& generator, Location where) {
  const std::uint64_t seed = generator.seed();
  return apply(Bernoulli{seed, generator.reserve(blocks_for(probabilities.numel()))}, where, probabilities.detach());
}

Tensor multinomial(const Tensor& probabilities, std::int64_t count, bool replacement, Generator& generator,
                   Location where) {
  if (probabilities.dim() != 1 && probabilities.dim() != 2) {
    throw ShapeError(
        fmt::format("multinomial: probabilities are {} (want [C] or [N, C])", probabilities.shape().str()));
  }
  pointwise::check_type("multinomial", probabilities.dtype(), false);
  if (count < 1) throw UsageError(fmt::format("multinomial: count is {} (want at least 1)", count));
  const std::int64_t rows = probabilities.dim() == 1 ? 1 : probabilities.size(0);
  const std::int64_t numbers = replacement ? checked_numel("multinomial", {rows, count}) : probabilities.numel();
  const std::uint64_t seed = generator.seed();
  return apply(Multinomial{count, replacement, seed, generator.reserve(blocks_for(numbers))}, where, probabilities);
}

}  // namespace dagrad
