#include "dagrad/ops/dropout.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/dropout_kernels.h"
#include "dagrad/ops/pointwise.h"
#include "dagrad/ops/pointwise_op.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

using dropout_kernels::kSlack;
using dropout_kernels::kUnit;
using dropout_kernels::kUnitBytes;
using dropout_kernels::Outcome;

constexpr std::int64_t kGrain = 16;  // units that are worth a thread: some 8 us

std::int64_t units_of(const Tensor& t) { return (t.numel() + kUnit - 1) / kUnit; }

/// How many words of 2^32 keep an element.
std::uint64_t kept_words(double p) { return static_cast<std::uint64_t>(std::llround((1 - p) * 4294967296.0)); }

/// Calls `bits_of(unit, buffer)` for the bits of each unit, and applies them.
template <class BitsOf>
void apply_mask(const Tensor& src_in, const Outcome& outcome, Tensor& dst, const BitsOf& bits_of) {
  const Tensor src = contiguous_data(src_in);
  visit_dtype(src.dtype(), [&]<class T>(T) {
    if constexpr (is_floating(dtype_of<T>)) {
      const T* from = src.data<T>();
      T* to = dst.mutable_data<T>();
      parallel_for(units_of(src), kGrain, [&](std::int64_t begin, std::int64_t end) {
        std::array<std::uint8_t, kUnitBytes + kSlack> buffer{};
        for (std::int64_t unit = begin; unit < end; ++unit) {
          const std::int64_t first = unit * kUnit;
          dropout_kernels::apply(from + first, bits_of(unit, buffer.data()), outcome, to + first,
                                 std::min(kUnit, src.numel() - first));
        }
      });
    }
  });
}

/// The gradient of dropout from its mask, a bit for each element.
struct DropoutBackward {
  static constexpr std::string_view name = "dropout_backward";
  static constexpr std::string_view zero_gradient = "where the element was dropped";
  double scale;

  std::string attributes() const { return fmt::format("scale={}", scale); }
  static Spec infer(const Tensor& diff_dst, const Tensor&) { return diff_dst.spec(); }
  void forward(Forward& ctx, const Tensor& diff_dst, const Tensor& mask, Tensor& diff_src) const {
    ctx.save_constant(mask);
    const std::uint8_t* bits = mask.data<std::uint8_t>();
    apply_mask(diff_dst, {scale, 0, 0}, diff_src,
               [&](std::int64_t unit, std::uint8_t*) { return bits + unit * kUnitBytes; });
  }
  // f = scale g mask: df/dg = scale mask
  void backward(Backward& ctx, const Tensor& diff) const {
    ctx.give(0, apply(*this, Location::current(), diff, ctx.saved(0)));
  }
};

/// Keeps element i when word i of the generator's stream, whose seed and position are attributes, is below
/// (1 - p) 2^32. The mask is drawn and applied in one pass over the elements, and kept as bits for the backward.
template <class Derived>
struct RandomMask {
  static constexpr std::string_view zero_gradient = "where the element was dropped";
  double p;
  std::uint64_t seed;
  std::uint64_t position;

  std::string attributes() const { return fmt::format("p={}", p); }
  Outcome outcome() const { return kept_words(p) > 0 ? Derived::outcome_of(p) : Outcome{0, 0, 0}; }

  Spec infer(const Tensor& src) const {
    pointwise::check_type(Derived::name, src.dtype(), false);
    return src.spec();
  }
  void forward(Forward& ctx, const Tensor& src, Tensor& dst) const {
    Tensor mask;
    if (ctx.recording()) mask = Tensor::allocate({{units_of(src) * kUnitBytes + kSlack}, DType::u8});
    std::uint8_t* kept = mask.defined() ? mask.mutable_data<std::uint8_t>() : nullptr;
    const std::uint64_t words = kept_words(p);
    apply_mask(src, outcome(), dst, [&](std::int64_t unit, std::uint8_t* buffer) {
      if (words > 0)
        dropout_kernels::draw(seed, position + static_cast<std::uint64_t>(unit * kUnit / 4),
                              static_cast<std::uint32_t>(words - 1), buffer);
      if (kept != nullptr) std::memcpy(kept + unit * kUnitBytes, buffer, kUnitBytes);
      return buffer;
    });
    ctx.save_constant(mask);
  }
  // diff_src = scale diff_dst where the element was kept, else 0
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, apply(DropoutBackward{outcome().scale}, Location::current(), diff_dst, ctx.saved(0)));
  }
};

struct Dropout : RandomMask<Dropout> {
  static constexpr std::string_view name = "dropout";
  static Outcome outcome_of(double p) { return {1 / (1 - p), 0, 0}; }
};

struct AlphaDropout : RandomMask<AlphaDropout> {
  static constexpr std::string_view name = "alpha_dropout";
  static Outcome outcome_of(double p) {
    constexpr double c = 1.7580993408473768599;  // selu's alpha times its scale
    const double a = 1 / std::sqrt((1 - p) * (1 + p * c * c));
    return {a, a * c * p, -a * c * (1 - p)};
  }
};

/// Keeps channel c of sample n when word n C + c of the stream is below (1 - p) 2^32. Its mask is so small that the
/// backward draws it again: it is the same op on the same stream.
struct FeatureDropout {
  static constexpr std::string_view name = "feature_dropout";
  static constexpr std::string_view zero_gradient = "where the channel was dropped";
  double p;
  std::uint64_t seed;
  std::uint64_t position;

  std::string attributes() const { return fmt::format("p={}", p); }

  Spec infer(const Tensor& src) const {
    pointwise::check_type(name, src.dtype(), false);
    return src.spec_with_format();
  }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    Shape shape = Shape::filled(src.dim(), 1);
    shape[0] = src.size(0);
    shape[1] = src.size(1);
    Tensor factors = Tensor::allocate({shape, src.dtype()});
    visit_dtype(src.dtype(), [&]<class T>(T) {
      if constexpr (is_floating(dtype_of<T>)) draw(factors.mutable_data<T>(), factors.numel());
    });
    pointwise::binary(pointwise::Binary::mul_unless_zero, src, factors, dst);
  }
  // diff_src = diff_dst mask / (1 - p)
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, apply(*this, Location::current(), diff_dst));
  }

 private:
  template <class T>
  void draw(T* factors, std::int64_t channels) const {
    const std::uint64_t kept = kept_words(p);
    for (std::int64_t i = 0; i < channels; ++i) {
      const auto block = Generator::block(seed, position + static_cast<std::uint64_t>(i / 4));
      factors[i] = convert_to<T>(block[static_cast<std::size_t>(i % 4)] < kept ? 1 / (1 - p) : 0);
    }
  }
};

void check_probability(std::string_view op, double p) {
  if (!(p >= 0 && p <= 1)) throw UsageError(fmt::format("{}: p is {} (want 0 <= p <= 1)", op, p));
}

/// Op for `decisions` random decisions about src.
template <class Op>
Tensor drop(const Tensor& src, double p, std::int64_t decisions, Generator& generator, Location where) {
  const auto blocks = static_cast<std::uint64_t>((decisions + 3) / 4);
  Op op;
  op.p = p;
  op.seed = generator.seed();
  op.position = generator.reserve(blocks);
  return apply(op, where, src);
}

/// feature_dropout for so many spatial axes, with a batch or without.
Tensor drop_channels(std::string_view name, int spatial, const Tensor& src, double p, Generator& generator,
                     Location where) {
  if (src.dim() != spatial + 1 && src.dim() != spatial + 2) {
    throw ShapeError(fmt::format("{}: {} (want {} or {} dimensions: [N, C, ...] or [C, ...])", name, src.shape().str(),
                                 spatial + 2, spatial + 1));
  }
  check_probability(name, p);
  if (src.dim() == spatial + 2) return feature_dropout(src, p, generator, where);
  return squeeze(feature_dropout(unsqueeze(src, 0, where), p, generator, where), 0, where);
}

}  // namespace

Tensor dropout(const Tensor& src, double p, Generator& generator, Location where) {
  check_probability("dropout", p);
  return drop<Dropout>(src, p, src.numel(), generator, where);
}

Tensor alpha_dropout(const Tensor& src, double p, Generator& generator, Location where) {
  check_probability("alpha_dropout", p);
  return drop<AlphaDropout>(src, p, src.numel(), generator, where);
}

Tensor feature_dropout(const Tensor& src, double p, Generator& generator, Location where) {
  if (src.dim() < 2)
    throw ShapeError(fmt::format("feature_dropout: {} (want 2 or more dimensions: [N, C, ...])", src.shape().str()));
  check_probability("feature_dropout", p);
  return drop<FeatureDropout>(src, p, src.size(0) * src.size(1), generator, where);
}
Tensor dropout1d(const Tensor& src, double p, Generator& generator, Location where) {
  return drop_channels("dropout1d", 1, src, p, generator, where);
}
Tensor dropout2d(const Tensor& src, double p, Generator& generator, Location where) {
  return drop_channels("dropout2d", 2, src, p, generator, where);
}
Tensor dropout3d(const Tensor& src, double p, Generator& generator, Location where) {
  return drop_channels("dropout3d", 3, src, p, generator, where);
}

}  // namespace dagrad
