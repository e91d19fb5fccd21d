#include "dagrad/ops/counting.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <memory>
#include <type_traits>
#include <vector>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/indexed_elements.h"
#include "dagrad/ops/indexing.h"
#include "dagrad/ops/order_kernels.h"

namespace dagrad {
namespace {

/// How many bins there have to be for src.
std::int64_t bins_for(const Tensor& src, std::int64_t minlength) {
  if (watched(Watch::capture)) Capture::refuse("bincount: the largest element is looked for", "it outside of the step");
  const Tensor numbers = contiguous_data(src);
  const std::int64_t* const begin = numbers.data<std::int64_t>();
  const std::int64_t* const end = begin + numbers.numel();
  const std::int64_t* const bad = std::find_if(begin, end, [](std::int64_t i) { return i < 0; });
  if (bad != end) throw UsageError(fmt::format("bincount: {} at position {} (want at least 0)", *bad, bad - begin));
  return begin == end ? minlength : std::max(minlength, *std::max_element(begin, end) + 1);
}

struct Bincount {
  static constexpr std::string_view name = "bincount";
  std::int64_t bins;
  std::string attributes() const { return fmt::format("bins={}", bins); }

  Spec infer(const Tensor&) const {
    checked_numel(name, {bins}, item_size(i64));
    return {{bins}, i64};
  }
  void forward(Forward&, const Tensor& src, Tensor& dst) const {
    const Tensor numbers = contiguous_data(src);
    dst.zero_();
    const std::int64_t* const from = numbers.data<std::int64_t>();
    auto* const to = dst.mutable_data<std::int64_t>();
    for (std::int64_t i = 0; i < numbers.numel(); ++i) ++to[from[i]];
  }
};

struct WeightedBincount {
  static constexpr std::string_view name = "weighted_bincount";
  std::int64_t bins;
  std::string attributes() const { return fmt::format("bins={}", bins); }

  Spec infer(const Tensor&, const Tensor& weights) const {
    checked_numel(name, {bins}, item_size(weights.dtype()));
    return {{bins}, weights.dtype()};
  }
  void forward(Forward& ctx, const Tensor& src, const Tensor& weights, Tensor& dst) const {
    dst.zero_();
    scatter_add_elements(weights, 0, src, dst);
    ctx.save(src);
  }
  // diff_weights[i] = diff_dst[src[i]]
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    if (ctx.needs(1)) ctx.give(1, index_select(diff_dst, 0, ctx.saved(0)));
  }
};

/// Whether two elements are one value: bf16 has no == of its own.
template <class T>
bool equal(T a, T b) {
  if constexpr (std::is_same_v<T, BFloat16>)
    return static_cast<float>(a) == static_cast<float>(b);
  else
    return a == b;
}

/// The elements of a tensor in order.
struct Kinds {
  Tensor places;                     // where each stands in the tensor, row-major
  std::vector<std::int64_t> begins;  // of each value among them, and how many they are

  std::int64_t count() const { return static_cast<std::int64_t>(begins.size()) - 1; }
  std::int64_t begin(std::int64_t kind) const { return begins[static_cast<std::size_t>(kind)]; }
};

Kinds kinds_of(const Tensor& src) {
  if (watched(Watch::capture))
    Capture::refuse("unique: what it gives depends on the elements", "it outside of the step");
  const Tensor elements = contiguous_data(src);
  const std::int64_t count = src.numel();
  Tensor sorted = Tensor::allocate({{count}, src.dtype()}), places = Tensor::allocate({{count}, i64});
  if (count > 0) {
    order::order_rows({.first = 0, .count = count}, elements.alias({count}, {1}, elements.offset()), sorted, places);
  }
  Kinds kinds{places, {}};
  visit_dtype(src.dtype(), [&]<class T>(T) {
    const T* const value = sorted.data<T>();
    for (std::int64_t i = 0; i < count; ++i) {
      if (i == 0 || !equal(value[i], value[i - 1])) kinds.begins.push_back(i);
    }
  });
  kinds.begins.push_back(count);
  return kinds;
}

/// Values, the inverse and the counts, of which those that are not wanted have no elements.
struct Unique {
  static constexpr std::string_view name = "unique";
  std::shared_ptr<const Kinds> kinds;
  UniqueOptions options;

  std::array<Spec, 3> infer(const Tensor& src) const {
    const Shape one_each{kinds->count()}, nothing{0};
    return {Spec{one_each, src.dtype()}, Spec{options.return_inverse ? src.shape() : nothing, i64},
            Spec{options.return_counts ? one_each : nothing, i64}};
  }
  void forward(Forward&, const Tensor& src, std::array<Tensor, 3>& dst) const {
    const Tensor elements = contiguous_data(src);
    const std::int64_t* const places = kinds->places.data<std::int64_t>();
    visit_dtype(src.dtype(), [&]<class T>(T) {
      const T* const from = elements.data<T>();
      T* const values = dst[0].mutable_data<T>();
      for (std::int64_t k = 0; k < kinds->count(); ++k) values[k] = from[places[kinds->begin(k)]];
    });
    auto* const inverse = dst[1].mutable_data<std::int64_t>();
    auto* const counts = dst[2].mutable_data<std::int64_t>();
    for (std::int64_t k = 0; k < kinds->count(); ++k) {
      const std::int64_t begin = kinds->begin(k), end = kinds->begin(k + 1);
      for (std::int64_t i = begin; options.return_inverse && i < end; ++i) inverse[places[i]] = k;
      if (options.return_counts) counts[k] = end - begin;
    }
  }
};

void check(const Tensor& src, std::int64_t minlength) {
  if (src.dtype() != i64) throw DTypeError(fmt::format("bincount: src is {} (want i64)", name_of(src.dtype())));
  if (src.dim() != 1) throw ShapeError(fmt::format("bincount: src is {} (want a vector)", src.shape().str()));
  if (minlength < 0) throw UsageError(fmt::format("bincount: minlength is {} (want at least 0)", minlength));
}

}  // namespace

Tensor bincount(const Tensor& src, std::int64_t minlength, Location where) {
  check(src, minlength);
  return apply(Bincount{bins_for(src, minlength)}, where, src);
}

Tensor bincount(const Tensor& src, const Tensor& weights, std::int64_t minlength, Location where) {
  check(src, minlength);
  if (weights.shape() != src.shape()) {
    throw ShapeError(fmt::format("bincount: src is {}, weights are {} (want equal shapes)", src.shape().str(),
                                 weights.shape().str()));
  }
  if (!is_floating(weights.dtype()))
    throw DTypeError(fmt::format("bincount: weights are {} (want f32, bf16 or f64)", name_of(weights.dtype())));
  return apply(WeightedBincount{bins_for(src, minlength)}, where, src, weights);
}

UniqueElements unique(const Tensor& src, const UniqueOptions& options, Location where) {
  const Tensor elements = src.detach();
  const auto kinds = std::make_shared<const Kinds>(kinds_of(elements));
  const auto [values, inverse, counts] = apply(Unique{kinds, options}, where, elements);
  return {values, options.return_inverse ? inverse : Tensor(), options.return_counts ? counts : Tensor()};
}

}  // namespace dagrad
