#include "op_table/inputs.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "dagrad/core/backward.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/random.h"

namespace dagrad::op_table {
namespace {

double round_to(double value, DType dtype) {
  if (dtype == bf16) return static_cast<double>(BFloat16(static_cast<float>(value)));
  return static_cast<double>(static_cast<float>(value));  // f64 computes on the same elements as f32
}

double draw_one(const Domain& domain, Generator& generator) {
  if (domain.integers) {
    const auto choices = static_cast<std::uint64_t>(domain.high - domain.low + 1);
    return domain.low + static_cast<double>(generator.next_below(choices)) + domain.shift;
  }
  while (true) {
    const double x = domain.low + generator.next_uniform() * (domain.high - domain.low);
    if (std::fabs(std::fabs(x) - domain.kink) >= domain.gap) return x;
  }
}

Array draw_input(const Input& input, std::string_view name, DType dtype) {
  Generator generator(seed_of(name));
  Array array(input.shape);
  const Domain& domain = input.domain;
  if (domain.distinct) {
    std::iota(array.values.begin(), array.values.end(), 0.0);
    for (std::size_t i = array.size(); i > 1; --i)
      std::swap(array.values[i - 1], array.values[generator.next_below(i)]);
    const double step = (domain.high - domain.low) / static_cast<double>(std::max<std::size_t>(array.size(), 1));
    for (double& value : array.values) value = domain.low + step * value;
  } else {
    for (double& value : array.values) value = draw_one(domain, generator);
  }
  if (input.dtype) return array;  // indices are what they are in whatever type the op computes
  for (double& value : array.values) value = round_to(value, dtype);
  return array;
}

Arrays draw_all(const Row& row, const Sample& sample, DType dtype, const Domain* instead) {
  Arrays result;
  for (std::size_t i = 0; i < sample.inputs.size(); ++i) {
    Input input = sample.inputs[i];
    if (instead != nullptr && !input.dtype) input.domain = *instead;
    result.push_back(draw_input(input, fmt::format("{}/{}/{}", row.name, sample.name, i), dtype));
  }
  return result;
}

/// The elements by the sum of their indices, the first of each.
Array by_sum(const Array& array) {
  std::int64_t sums = 1;
  for (int axis = 0; axis < array.shape.rank(); ++axis) sums += array.shape[axis] - 1;
  Array result(Shape{sums});
  std::vector<bool> seen(static_cast<std::size_t>(sums));
  std::int64_t i = 0;
  for (const Index& index : indices(array.shape)) {
    const auto sum = static_cast<std::size_t>(std::accumulate(index.begin(), index.end(), std::int64_t{0}));
    if (!seen[sum]) result.values[sum] = array[i];
    seen[sum] = true;
    ++i;
  }
  return result;
}

}  // namespace

std::string_view name_of(Layout layout) {
  switch (layout) {
    case Layout::row_major: return "row-major";
    case Layout::transposed: return "transposed";
    case Layout::stepped: return "stepped";
    case Layout::channels_last: return "channels-last";
    case Layout::expanded: return "expanded";
    case Layout::overlapping: break;
  }
  return "overlapping";
}

std::uint64_t seed_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

Arrays draw(const Row& row, const Sample& sample, DType dtype) { return draw_all(row, sample, dtype, nullptr); }

Arrays draw_integers(const Row& row, const Sample& sample) {
  const Domain small_integers{.low = -3, .high = 3, .integers = true};
  return draw_all(row, sample, f32, &small_integers);
}

Array draw_diff(std::string_view name, const Shape& shape, DType dtype) {
  return draw_input({shape, {.low = -1.5, .high = 1.5, .gap = 0.5}}, fmt::format("{}/diff", name), dtype);
}

Tensor to_tensor(const Array& array, DType dtype) {
  Tensor result = empty(array.shape, dtype);
  visit_dtype(dtype, [&]<class T>(T) {
    T* to = result.mutable_data<T>();
    for (std::size_t i = 0; i < array.size(); ++i) to[i] = convert_to<T>(array.values[i]);
  });
  return result;
}

Array repeated(const Array& array) {
  int axis = 0;
  while (axis < array.shape.rank() && array.shape[axis] <= 1) ++axis;
  Array result = array;
  if (axis == array.shape.rank()) return result;
  std::int64_t i = 0;
  for (Index index : indices(array.shape)) {
    index[static_cast<std::size_t>(axis)] = 0;
    result[i++] = array[flat(array.shape, index)];
  }
  return result;
}

Array overlapped(const Array& array) {
  if (array.size() == 0) return array;
  const Array base = by_sum(array);
  Array result(array.shape);
  std::int64_t i = 0;
  for (const Index& index : indices(array.shape))
    result[i++] = base[std::accumulate(index.begin(), index.end(), std::int64_t{0})];
  return result;
}

Tensor to_tensor(const Array& array, DType dtype, Layout layout) {
  const int rank = array.shape.rank();
  if (layout == Layout::row_major || array.size() == 0) return to_tensor(array, dtype);
  if (layout == Layout::transposed && rank >= 2) {
    Array turned;
    turned.shape = array.shape;
    std::swap(turned.shape[rank - 1], turned.shape[rank - 2]);
    for (Index index : indices(turned.shape)) {
      std::swap(index[index.size() - 1], index[index.size() - 2]);
      turned.values.push_back(array[flat(array.shape, index)]);
    }
    const Tensor base = to_tensor(turned, dtype);
    Strides strides = base.strides();
    std::swap(strides[rank - 1], strides[rank - 2]);
    return base.alias(array.shape, strides, 0);
  }
  if (layout == Layout::channels_last) {
    return rank < 3 || rank > 5 ? to_tensor(array, dtype) : channels_last_data(to_tensor(array, dtype));
  }
  if (layout == Layout::overlapping)
    return to_tensor(by_sum(array), dtype).alias(array.shape, Strides::filled(rank, 1), 0);
  if (layout == Layout::expanded) {
    int axis = 0;
    while (axis < rank && array.shape[axis] <= 1) ++axis;
    if (axis < rank) {
      Array one;
      one.shape = array.shape;
      one.shape[axis] = 1;
      for (const Index& index : indices(one.shape)) one.values.push_back(array[flat(array.shape, index)]);
      const Tensor base = to_tensor(one, dtype);
      Strides strides = base.strides();
      strides[axis] = 0;
      return base.alias(array.shape, strides, 0);
    }
  }
  // Every other element of a buffer whose other elements would spoil any result.
  Array wide(Shape{static_cast<std::int64_t>(2 * array.size() + 1)}, is_floating(dtype) ? std::nan("") : 1);
  for (std::size_t i = 0; i < array.size(); ++i) wide.values[2 * i + 1] = array.values[i];
  const Tensor base = to_tensor(wide, dtype);
  Strides strides = contiguous_strides(array.shape);
  for (std::int64_t& stride : strides) stride *= 2;
  return base.alias(array.shape, strides, 1);
}

std::vector<Tensor> to_tensors(const Sample& sample, std::span<const Array> arrays, DType dtype, Layout layout) {
  std::vector<Tensor> result;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    result.push_back(to_tensor(arrays[i], sample.inputs[i].dtype.value_or(dtype), layout));
  }
  return result;
}

std::vector<Tensor> run(const Sample& sample, std::span<const Tensor> inputs) {
  const NoGrad guard;
  std::vector<Tensor> result = sample.call(inputs);
  for (Tensor& t : result) t = t.detach();
  return result;
}

Arrays gradients(const Sample& sample, std::span<const Array> arrays, std::span<const Array> diff, DType dtype,
                 Layout layout) {
  std::vector<Tensor> inputs = to_tensors(sample, arrays, dtype, layout);
  std::vector<Tensor> wanted;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!sample.inputs[i].dtype) wanted.push_back(inputs[i].requires_grad_());
  }
  const std::vector<Tensor> outputs = sample.call(inputs);
  std::vector<Tensor> weights;
  for (std::size_t k = 0; k < outputs.size(); ++k) weights.push_back(to_tensor(diff[k], outputs[k].dtype()));
  const std::vector<Tensor> found = grad(outputs, wanted, weights, {.allow_unused = true});
  Arrays result;
  std::size_t next = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (sample.inputs[i].dtype)
      result.emplace_back();
    else if (const Tensor& t = found[next++]; t.defined())
      result.push_back(to_array(t));
    else
      result.emplace_back(inputs[i].shape());
  }
  return result;
}

}  // namespace dagrad::op_table
