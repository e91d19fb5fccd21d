#include "op_table/elementwise.h"

#include <fmt/format.h>

namespace dagrad::op_table {
namespace {

/// f(inputs...) at each position of the broadcast shape, as values and errors.
struct Evaluated {
  Array value, error;
};

template <class F>
Evaluated evaluate(const Shape& shape, const F& f) {
  Evaluated result{Array(shape), Array(shape)};
  std::int64_t i = 0;
  for (const Index& index : indices(shape)) {
    const Rounded r = f(index);
    result.value[i] = r.value;
    result.error[i++] = r.error;
  }
  return result;
}

/// An element of an input, which is exact.
Rounded at(const Array& array, const Index& index) { return {array[flat(array.shape, index)], 0}; }

/// The errors of what is summed down to `shape`, and the roundings of the sum itself.
Array error_of_sum(const Evaluated& x, const Shape& shape) {
  if (x.value.shape == shape) return x.error;
  Array result(shape);
  const double additions = x.value.size() == 0 || count_of(shape) == 0
                               ? 0
                               : static_cast<double>(x.value.size()) / static_cast<double>(count_of(shape)) - 1;
  std::int64_t i = 0;
  for (const Index& index : indices(x.value.shape)) {
    result[flat(shape, index)] += x.error[i] + additions * std::fabs(x.value[i]);
    ++i;
  }
  return result;
}

template <class F>
Evaluated evaluate_each(const Shape& shape, const F& f) {
  Evaluated result{Array(shape), Array(shape)};
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(result.value.size()); ++i) {
    const Rounded r = f(i);
    result.value[i] = r.value;
    result.error[i] = r.error;
  }
  return result;
}

Evaluated evaluate1(Formula1 f, const Array& x) {
  return evaluate_each(x.shape, [&](std::int64_t i) { return f({x[i], 0}); });
}
Evaluated evaluate2(Formula2 f, std::span<const Array> in) {
  return evaluate(broadcast(in[0].shape, in[1].shape),
                  [&](const Index& index) { return f(at(in[0], index), at(in[1], index)); });
}

std::vector<Sample> binary_samples(const Domain& of_a, const Domain& of_b) {
  std::vector<Sample> result;
  const auto add = [&](const char* name, const Shape& a, const Shape& b) {
    result.push_back({name, {{a, of_a}, {b, of_b}}});
  };
  add("scalars", {}, {});
  add("one", {1}, {1});
  add("empty", {0}, {0});
  add("empty_broadcast", {0, 3}, {1, 3});
  add("tail_17", {17}, {17});
  add("same_3x17", {3, 17}, {3, 17});
  add("row_3x33_33", {3, 33}, {33});
  add("column_5x1_1x7", {5, 1}, {1, 7});
  add("scalar_2x3", {}, {2, 3});
  add("number_67_1", {67}, {1});
  add("middle_2x3x4_3x1", {2, 3, 4}, {3, 1});
  add("repeats_both_2x1x3x1_4x1x5", {2, 1, 3, 1}, {4, 1, 5});
  add("primitive_4099", {4099}, {4099});
  add("threads_64x1031", {64, 1031}, {64, 1031});
  add("threads_row_64x1031_1031", {64, 1031}, {1031});
  add("threads_column_64x1031_64x1", {64, 1031}, {64, 1});
  return result;
}

/// What rows of two inputs share.
Row two_inputs(const Binary& op) {
  Row row{.name = op.name, .formula = op.formula, .primitive = op.primitive};
  row.call = [f = op.function](std::span<const Tensor> in) { return std::vector{f(in[0], in[1])}; };
  row.reference = [f = op.value](std::span<const Array> in) { return Arrays{evaluate2(f, in).value}; };
  row.terms = [f = op.value](const Sample&, std::span<const Array> in) { return Arrays{evaluate2(f, in).error}; };
  row.roundings = row.gradient_roundings = 1;  // the terms are errors
  if (op.gradient != nullptr) {
    row.gradient_terms = [f = op.gradient](const Sample&, std::span<const Array> in, std::span<const Array> diff) {
      Arrays result;
      for (std::size_t k = 0; k < 2; ++k) {
        const Evaluated gradient = evaluate(diff[0].shape, [&](const Index& index) {
          return f(at(in[0], index), at(in[1], index), at(diff[0], index))[k];
        });
        result.push_back(error_of_sum(gradient, in[k].shape));
      }
      return result;
    };
  }
  row.elementwise = true;
  row.benchmarks = elementwise_benchmarks({op.a, op.b});
  return row;
}

}  // namespace

Array row_of(std::vector<double> values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return {Shape{count}, std::move(values)};
}

Function1 on(Tensor (*f)(const Tensor&, Location)) {
  return [f](const Tensor& x) { return f(x, Location::current()); };
}
Function2 on(Tensor (*f)(const Tensor&, const Tensor&, Location)) {
  return [f](const Tensor& a, const Tensor& b) { return f(a, b, Location::current()); };
}

std::vector<Sample> unary_samples(const Domain& domain) {
  std::vector<Sample> result;
  const auto add = [&](const char* name, const Shape& shape) { result.push_back({name, {{shape, domain}}}); };
  add("scalar", {});
  add("one", {1});
  add("empty", {0});
  add("empty_axis", {2, 0, 3});
  add("tail_17", {17});
  add("tail_3x33", {3, 33});
  add("tail_67", {67});
  add("2x3x4x5", {2, 3, 4, 5});
  add("primitive_4099", {4099});
  add("threads_64x1031", {64, 1031});
  return result;
}

std::vector<Benchmark> elementwise_benchmarks(const std::vector<Domain>& inputs) {
  std::vector<Benchmark> result;
  for (const auto& [name, count] : {std::pair{"small", 64}, {"medium", 16 << 10}, {"large", 4 << 20}}) {
    Sample sample{name, {}};
    for (const Domain& domain : inputs) sample.inputs.push_back({{count}, domain});
    result.push_back({sample, static_cast<double>(count)});
  }
  return result;
}

Row unary_row(const Unary& op) {
  Row row{.name = op.name, .formula = op.formula, .primitive = op.primitive};
  row.call = [f = op.function](std::span<const Tensor> in) { return std::vector{f(in[0])}; };
  row.reference = [f = op.value](std::span<const Array> in) { return Arrays{evaluate1(f, in[0]).value}; };
  row.terms = [f = op.value](const Sample&, std::span<const Array> in) { return Arrays{evaluate1(f, in[0]).error}; };
  row.roundings = row.gradient_roundings = 1;  // the terms are errors
  if (op.gradient != nullptr) {
    row.gradient_terms = [f = op.gradient](const Sample&, std::span<const Array> in, std::span<const Array> diff) {
      return Arrays{evaluate_each(in[0].shape, [&](std::int64_t i) {
                      return f({in[0][i], 0}, {diff[0][i], 0});
                    }).error};
    };
  }
  row.elementwise = true;
  row.samples = unary_samples(op.domain);
  row.benchmarks = elementwise_benchmarks({op.domain});
  return row;
}

Row binary_row(const Binary& op) {
  Row row = two_inputs(op);
  row.samples = binary_samples(op.a, op.b);
  row.bad = {misfit_shapes(op.name, op.function), mixed_types(op.name, op.function)};
  return row;
}

Row backward_row(const Binary& op) {
  Row row = two_inputs(op);
  for (const Sample& sample : unary_samples(op.a))
    row.samples.push_back({sample.name, {{sample.inputs[0].shape, op.a}, {sample.inputs[0].shape, op.b}}});
  return row;
}

Bad mixed_types(const char* name, const Function2& function) {
  return bad<DTypeError>(
      "types", [function] { function(zeros_of({2}), zeros_of({2}, f64)); },
      fmt::format("{}: element types differ: f32 and f64 (want one type; cast with to())", name));
}

Bad misfit_shapes(const char* name, const Function2& function) {
  return bad<ShapeError>(
      "shapes",
      [function] {
        function(zeros_of({2, 3}), zeros_of({2, 4}));
      },
      fmt::format("{}: shapes do not broadcast: [2, 3] and [2, 4] (want equal sizes or 1 at axis -1: got 3 and 4)",
                  name));
}

Bad not_of_i64(const char* name, const Function1& function) {
  return bad<DTypeError>(
      "i64", [function] { function(zeros_of({2}, i64)); }, fmt::format("{}: i64 (want f32, bf16 or f64)", name));
}

Bad not_of_bool(const char* name, const Function1& function) {
  return bad<DTypeError>(
      "bool", [function] { function(zeros_of({2}, boolean)); },
      fmt::format("{}: bool (want f32, bf16, i64 or f64)", name));
}

}  // namespace dagrad::op_table
