#include "dagrad/core/random.h"

#include <Random123/philox.h>
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <memory>
#include <numbers>

#include "dagrad/core/capture/capture.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "dagrad/core/philox.h"
#include "dagrad/core/random_log.h"
#include "dagrad/core/rehearsal.h"

namespace dagrad {
namespace {

constexpr std::int64_t kGrain = 16;  // units of philox::kWords, of some 0.5 us each and what is made of them

std::uint32_t low(std::uint64_t word) { return static_cast<std::uint32_t>(word); }
std::uint32_t high(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }
std::uint64_t join(std::uint32_t low_word, std::uint32_t high_word) {
  return std::uint64_t{high_word} << 32 | low_word;
}

/// U[0, 1) with 24 or 53 random bits.
float unit(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }
double unit(std::uint64_t word) { return static_cast<double>(word >> 11) * 0x1p-53; }

/// Four uniform numbers (f32) or two (f64) of the four words of a block.
void uniforms(const std::uint32_t* words, float* u) {
  for (std::size_t k = 0; k < 4; ++k) u[k] = unit(words[k]);
}
void uniforms(const std::uint32_t* words, double* u) {
  u[0] = unit(join(words[0], words[1]));
  u[1] = unit(join(words[2], words[3]));
}

/// A pair of standard normal numbers from a pair of uniform ones (Box and Muller 1958), in the precision of T.
template <class T>
void box_muller(T* pair) {
  const T radius = std::sqrt(T{-2} * std::log(T{1} - pair[0]));  // 1 - u is never 0
  const T angle = T{2} * std::numbers::pi_v<T> * pair[1];
  pair[0] = radius * std::cos(angle);
  pair[1] = radius * std::sin(angle);
}

template <class T>
T next_down(T x) {
  return std::nextafter(x, -std::numeric_limits<T>::infinity());
}
BFloat16 next_down(BFloat16 x) {
  const bool is_zero = (x.bits & 0x7fff) == 0, is_negative = x.bits >> 15 != 0;
  x.bits = static_cast<std::uint16_t>(is_zero ? 0x8001 : is_negative ? x.bits + 1 : x.bits - 1);
  return x;
}

/// What numbers of [low, high) become that T would round to `high`, or above: the largest T below it. In bf16 one of
/// 512 numbers of [0, 1) would be 1.
template <class T>
T largest_below(double high, double low) {
  if (!(low < high)) return convert_to<T>(std::numeric_limits<double>::infinity());
  T largest = convert_to<T>(high);
  if (!(convert_to<double>(largest) < high)) largest = next_down(largest);
  return convert_to<double>(largest) < low ? convert_to<T>(low) : largest;
}

/// The type that elements of type T are computed in.
template <class T>
using Computed = std::conditional_t<std::is_same_v<T, double>, double, float>;

/// How many of them a block gives.
template <class T>
constexpr std::int64_t kPerBlock = std::is_same_v<Computed<T>, double> ? 2 : 4;

template <class T>
std::int64_t blocks_for(std::int64_t elements) {
  return (elements + kPerBlock<T> - 1) / kPerBlock<T>;
}

/// Fills `dst` with `transform`ed uniform numbers of the stream from `start` on, at most `largest`; element i comes
/// from block start + i / kPerBlock, whoever computes it.
template <class T, class Transform>
void fill(Tensor& dst, std::uint64_t seed, std::uint64_t start, const Transform& transform, T largest) {
  const auto most = convert_to<Computed<T>>(largest);
  constexpr std::int64_t per_block = kPerBlock<T>;
  const std::int64_t count = dst.numel();
  const std::int64_t blocks = blocks_for<T>(count);
  T* to = dst.mutable_data<T>();
  if (detail::rehearsal != nullptr) detail::rehearsal->changed(*dst.storage());
  parallel_for((blocks + philox::kBlocks - 1) / philox::kBlocks, kGrain, [&](std::int64_t begin, std::int64_t end) {
    std::array<std::uint32_t, philox::kWords> words;
    for (std::int64_t unit = begin; unit < end; ++unit) {
      const std::int64_t first = unit * philox::kBlocks;
      philox::words(seed, start + static_cast<std::uint64_t>(first), words.data());
      for (std::int64_t b = first; b < std::min(first + philox::kBlocks, blocks); ++b) {
        std::array<Computed<T>, per_block> values;
        uniforms(&words[static_cast<std::size_t>(4 * (b - first))], values.data());
        transform(values);
        for (std::int64_t k = 0; k < per_block && b * per_block + k < count; ++k) {
          const T value = convert_to<T>(values[static_cast<std::size_t>(k)]);
          to[b * per_block + k] = convert_to<Computed<T>>(value) > most ? largest : value;
        }
      }
    }
  });
}

/// What a captured step runs in place of a fill: with the position that it draws then.
struct Fill {
  std::uint64_t position;
  std::function<void(Tensor& dst, std::uint64_t position)> run;
};

void capture_fill(std::string_view name, Tensor& dst, std::uint64_t seed, Fill now) {
  const auto fill = std::make_shared<Fill>(std::move(now));
  CapturedCall call{.name = name, .where = {}, .run = {}};
  call.run = [fill](std::span<const Tensor>, std::span<Tensor> out) { fill->run(out[0], fill->position); };
  call.seed = seed;
  call.position = fill->position;
  call.redraw = [fill](std::uint64_t position) { fill->position = position; };
  Capture::run(std::move(call), {}, {&dst, 1}, [&] { fill->run(dst, fill->position); });
}

template <class F>
void with_floating(std::string_view op, const Tensor& dst, const F& run) {
  if (!dst.is_contiguous())
    throw ShapeError(fmt::format("{}: the tensor is not contiguous (want row-major elements)", op));
  switch (dst.dtype()) {
    case DType::f32: return run(float{});
    case DType::f64: return run(double{});
    case DType::bf16: return run(BFloat16{});
    default: throw DTypeError(fmt::format("{}: {} (want f32, bf16 or f64)", op, name_of(dst.dtype())));
  }
}

/// Fills `dst` with numbers of `generator` that lie in [low, high) when they are `transform`ed, and lets a captured
/// step do so with others.
template <class Transform>
void fill_with(std::string_view name, Tensor& dst, Generator& generator, const Transform& transform, double low,
               double high) {
  with_floating(name, dst, [&]<class T>(T) {
    const T largest = largest_below<T>(high, low);
    const std::uint64_t seed = generator.seed();
    const std::uint64_t first = generator.reserve(static_cast<std::uint64_t>(blocks_for<T>(dst.numel())));
    if (!watched(Watch::capture)) [[likely]]
      return fill<T>(dst, seed, first, transform, largest);
    capture_fill(name, dst, seed,
                 {first, [=](Tensor& t, std::uint64_t position) { fill<T>(t, seed, position, transform, largest); }});
  });
}

}  // namespace

std::uint64_t Generator::reserve(std::uint64_t blocks) {
  std::uint64_t& position = detail::rehearsal == nullptr ? position_ : detail::rehearsal->random_position();
  const std::uint64_t before = position;
  std::uint64_t first = position;
  if (detail::random_logging != nullptr)
    first = detail::random_logging->reserve(seed_, position, blocks);
  else
    position += blocks;
  if (watched(Watch::capture) && position != before) [[unlikely]]
    Capture::draw(*this, blocks, first);
  return first;
}

std::array<std::uint32_t, 4> Generator::block(std::uint64_t seed, std::uint64_t position) {
  const r123::Philox4x32::key_type key{{low(seed), high(seed)}};
  const r123::Philox4x32::ctr_type counter{{low(position), high(position), 0, 0}};
  const auto words = r123::Philox4x32()(counter, key);
  return {words[0], words[1], words[2], words[3]};
}

std::uint64_t Generator::next_u64() {
  const auto words = block(seed_, reserve(1));
  return join(words[0], words[1]);
}

double Generator::next_uniform() { return unit(next_u64()); }

std::uint64_t Generator::next_below(std::uint64_t bound) {
  if (bound == 0) throw UsageError("next_below: bound is 0 (want at least 1)");
  // Draws from the last, incomplete run of `bound` values are thrown away.
  const std::uint64_t rest = (0 - bound) % bound;
  std::uint64_t word = next_u64();
  while (word < rest) word = next_u64();
  return word % bound;
}

Generator Generator::fork(std::uint64_t stream) const {
  const r123::Philox4x32::key_type key{{low(seed_), high(seed_)}};
  const r123::Philox4x32::ctr_type counter{{low(stream), high(stream), 0x666f726bu, 0}};  // off the line of block()
  const auto words = r123::Philox4x32()(counter, key);
  return Generator(join(words[0], words[1]));
}

Generator& default_generator() {
  thread_local Generator generator;
  return generator;
}

void manual_seed(std::uint64_t seed) { default_generator().manual_seed(seed); }

void fill_uniform(Tensor& dst, double low_bound, double high_bound, Generator& generator) {
  fill_with(
      "fill_uniform", dst, generator,
      [=]<class C, std::size_t n>(std::array<C, n>& u) {
        for (C& value : u) value = static_cast<C>(low_bound) + value * static_cast<C>(high_bound - low_bound);
      },
      low_bound, high_bound);
}

void fill_normal(Tensor& dst, double mean, double std, Generator& generator) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  fill_with(
      "fill_normal", dst, generator,
      [=]<class C, std::size_t n>(std::array<C, n>& u) {
        for (std::size_t k = 0; k < n; k += 2) box_muller(&u[k]);
        for (C& value : u) value = static_cast<C>(mean) + value * static_cast<C>(std);
      },
      kInfinity, kInfinity);
}

}  // namespace dagrad
