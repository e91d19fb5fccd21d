#include "dagrad/ops/dropout.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/dropout_kernels.h"

namespace dagrad {
namespace {

/// Keeps element i when word i of the generator's stream is below (1 - p) 2^32. The stream's seed and position are
/// attributes, so the backward needs no mask: dropout is linear, and its gradient is the same op on the same stream.
struct Dropout {
  static constexpr std::string_view name = "dropout";
  static constexpr std::string_view zero_gradient = "where the element was dropped";
  double p;
  std::uint64_t seed;
  std::uint64_t position;

  std::string attributes() const { return fmt::format("p={}", p); }

  Spec infer(const Tensor& src) const {
    if (!is_floating(src.dtype()))
      throw DTypeError(fmt::format("dropout: {} (want f32, bf16 or f64)", name_of(src.dtype())));
    return src.spec();
  }

  void forward(Forward&, const Tensor& src_in, Tensor& dst) const {
    const Tensor src = contiguous_data(src_in);
    visit_dtype(src.dtype(), [&]<class T>(T) {
      if constexpr (is_floating(dtype_of<T>)) run(src.data<T>(), dst.mutable_data<T>(), src.numel());
    });
  }

  // diff_src = diff_dst mask / (1 - p)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, apply(*this, Location::current(), diff_dst));
  }

 private:
  template <class T>
  void run(const T* src, T* dst, std::int64_t count) const {
    const auto threshold = static_cast<std::uint64_t>(std::llround((1 - p) * 4294967296.0));
    const double scale = p < 1 ? 1 / (1 - p) : 0;
    constexpr std::int64_t kGrain = 32 << 10;  // elements that are worth a thread: some 20 us
    parallel_for((count + 3) / 4, kGrain / 4, [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t first = begin * 4, some = std::min(end * 4, count) - first;
      dropout_kernels::keep({seed, position + static_cast<std::uint64_t>(begin)}, threshold, scale, src + first, dst + first,
                    some);
    });
  }
};

}  // namespace

Tensor dropout(const Tensor& src, double p, Generator& generator, Location where) {
  if (!(p >= 0 && p <= 1)) throw UsageError(fmt::format("dropout: p is {} (want 0 <= p <= 1)", p));
  const auto blocks = static_cast<std::uint64_t>((src.numel() + 3) / 4);
  return apply(Dropout{p, generator.seed(), generator.reserve(blocks)}, where, src);
}

}  // namespace dagrad
