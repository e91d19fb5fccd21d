#include "op_table/loss_cases.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace dagrad::op_table {
namespace {

struct Shaped {
  const char* name;
  Shape shape;
  Reduction reduction;
};

const std::vector<Shaped>& shapes() {
  static const std::vector<Shaped> list{{"scalar", {}, Reduction::mean},
                                        {"one_none", {1}, Reduction::none},
                                        {"empty_none", {0}, Reduction::none},
                                        {"empty_sum_2x0x3", {2, 0, 3}, Reduction::sum},
                                        {"tail_17", {17}, Reduction::mean},
                                        {"tail_sum_67", {67}, Reduction::sum},
                                        {"tail_none_3x17", {3, 17}, Reduction::none},
                                        {"2x3x4", {2, 3, 4}, Reduction::mean},
                                        {"blocks_4099", {4099}, Reduction::mean},
                                        {"blocks_none_2x1031", {2, 1031}, Reduction::none},
                                        {"threads_64x1031", {64, 1031}, Reduction::mean},
                                        {"threads_none_64x1031", {64, 1031}, Reduction::none}};
  return list;
}

Reduction reduction_of(const std::string& name) {
  for (const Shaped& s : shapes()) {
    if (name == s.name) return s.reduction;
  }
  return Reduction::mean;
}

/// 1 / n for a mean, else 1.
double scale_of(Reduction reduction, const Array& x) {
  return reduction == Reduction::mean ? 1 / static_cast<double>(x.size()) : 1;
}

/// How often a term is added to at most, in blocks of 1024 and then these: see losses::total.
double additions(const Array& x) {
  const auto n = static_cast<double>(x.size());
  return std::min(n, 1024.0) + n / 1024;
}

/// f(i) for the elements of x.
template <class F>
Array each(const Array& x, const F& f) {
  Array result(x.shape);
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(x.size()); ++i) result[i] = f(i);
  return result;
}

Rounded exact(const Array& x, std::int64_t i) { return {x[i], 0}; }

/// The errors of results whose elements are the errors and values of single losses.
Array error_of(Reduction reduction, const Array& values, const Array& errors) {
  if (reduction == Reduction::none) return errors;
  double total = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    total += errors.values[i] + (additions(values) + 2) * std::fabs(values.values[i]);
  return Array(Shape{}, scale_of(reduction, values) * total);
}

/// Of diff_dst, scaled, at element i: 1 / n is rounded, and its product.
Rounded scaled(Reduction reduction, const Array& diff, const Array& x, std::int64_t i) {
  const double g = diff[reduction == Reduction::none ? i : 0] * scale_of(reduction, x);
  return {g, 2 * std::fabs(g)};
}

std::vector<Benchmark> benchmarks(const std::function<Sample(const Shaped&)>& sample) {
  std::vector<Benchmark> result;
  for (const auto& [name, count] : {std::pair{"small", 64}, {"medium", 16 << 10}, {"large", 4 << 20}}) {
    result.push_back({sample({name, {count}, Reduction::mean})});
  }
  return result;
}

Sample loss_sample(const PointwiseLoss& loss, const Shaped& s) {
  Sample sample{s.name, {{s.shape, loss.x}, {s.shape, loss.y}}};
  sample.call = [loss, s](std::span<const Tensor> in) {
    return std::vector{loss.function(in[0], in[1], {.reduction = s.reduction})};
  };
  sample.reference = [loss, s](std::span<const Array> in) {
    const Array values =
        each(in[0], [&](std::int64_t i) { return loss.value(exact(in[0], i), exact(in[1], i)).value; });
    return Arrays{reduced(values, s.reduction)};
  };
  return sample;
}

}  // namespace

Array reduced(const Array& losses, Reduction reduction, const Array* weight) {
  if (reduction == Reduction::none)
    return weight == nullptr ? losses : zip(losses, *weight, [](double l, double w) { return l * w; });
  double total = 0, weights = 0;
  std::int64_t i = 0;
  for (const Index& index : indices(losses.shape)) {
    const double w = weight == nullptr ? 1 : (*weight)[flat(weight->shape, index)];
    total += w * losses[i++];
    weights += w;
  }
  return Array(Shape{}, reduction == Reduction::mean ? total / weights : total);
}

Edge pair_edge(const char* name, const Loss& loss, const LossOptions& options, const Arrays& in, const Array& want,
               const Arrays& gradients) {
  return {name, in, {want}, gradients, [loss, options](std::span<const Tensor> t) {
            return std::vector{loss(t[0], t[1], options)};
          }};
}

Row pointwise_loss_row(const PointwiseLoss& loss) {
  Row row{.name = loss.name, .formula = loss.formula};
  for (const Shaped& s : shapes()) row.samples.push_back(loss_sample(loss, s));
  row.roundings = row.gradient_roundings = 1;  // the terms are errors
  row.terms = [loss](const Sample& sample, std::span<const Array> in) {
    const auto of = [&](std::int64_t i) { return loss.value(exact(in[0], i), exact(in[1], i)); };
    return Arrays{error_of(reduction_of(sample.name), each(in[0], [&](std::int64_t i) { return of(i).value; }),
                           each(in[0], [&](std::int64_t i) { return of(i).error; }))};
  };
  row.gradient_terms = [loss](const Sample& sample, std::span<const Array> in, std::span<const Array> diff) {
    Arrays result;
    for (std::size_t k = 0; k < 2; ++k) {
      result.push_back(each(in[0], [&](std::int64_t i) {
        const Rounded g = scaled(reduction_of(sample.name), diff[0], in[0], i);
        return (g * loss.slopes(exact(in[0], i), exact(in[1], i))[k]).error;
      }));
    }
    return result;
  };
  const std::string name = loss.called;
  row.bad = {bad<ShapeError>(
                 "shapes",
                 [f = loss.function] {
                   f(zeros_of({32, 1}), zeros_of({32}), {});
                 },
                 name + ": target is [32], input is [32, 1] (want equal shapes)"),
             bad<DTypeError>(
                 "types", [f = loss.function] { f(zeros_of({2}), zeros_of({2}, f64), {}); },
                 name + ": element types differ: f32 and f64 (want one type; cast with to())"),
             bad<DTypeError>(
                 "i64", [f = loss.function] { f(zeros_of({2}, i64), zeros_of({2}, i64), {}); },
                 name + ": i64 (want f32, bf16 or f64)"),
             bad<ShapeError>(
                 "weight",
                 [f = loss.function] {
                   f(zeros_of({4, 3}), zeros_of({4, 3}), {.weight = zeros_of({4})});
                 },
                 name + ": weight is [4], losses are [4, 3] (want weight to broadcast to it)")};
  row.edges = {{"mean_of_nothing", {Array({0}), Array({0})}, {Array(Shape{}, kNan)}, {}, [loss](auto in) {
                  return std::vector{loss.function(in[0], in[1], {})};
                }}};
  row.benchmarks = benchmarks([loss](const Shaped& s) { return loss_sample(loss, s); });
  return row;
}

Row pointwise_loss_backward_row(const PointwiseLoss& loss, const char* name) {
  Row row{.name = name, .formula = fmt::format("diff_dst times the derivative of {}", loss.formula)};
  const auto make = [loss](const Shaped& s) {
    Sample sample{s.name, {{s.reduction == Reduction::none ? s.shape : Shape{}}, {s.shape, loss.x}, {s.shape, loss.y}}};
    sample.call = gradient_of(loss_sample(loss, s).call, 0);
    sample.reference = [loss, s](std::span<const Array> in) {
      return Arrays{each(in[1], [&](std::int64_t i) {
        return (scaled(s.reduction, in[0], in[1], i) * loss.slopes(exact(in[1], i), exact(in[2], i))[0]).value;
      })};
    };
    // In the way of diff_dst lies a sum of all elements.
    sample.gradient_roundings = 40 + (s.reduction == Reduction::none ? 0 : static_cast<double>(count_of(s.shape)));
    return sample;
  };
  for (const Shaped& s : shapes()) row.samples.push_back(make(s));
  row.roundings = 1;
  row.terms = [loss](const Sample& sample, std::span<const Array> in) {
    return Arrays{each(in[1], [&](std::int64_t i) {
      const Rounded g = scaled(reduction_of(sample.name), in[0], in[1], i);
      return (g * loss.slopes(exact(in[1], i), exact(in[2], i))[0]).error;
    })};
  };
  row.gradient_terms = [loss](const Sample& sample, std::span<const Array> in, std::span<const Array> diff) {
    Arrays result = gradients_by_largest(sample, in, diff);
    const Reduction reduction = reduction_of(sample.name);
    const Array products = each(in[1], [&](std::int64_t i) {
      const Rounded slope = loss.slopes(exact(in[1], i), exact(in[2], i))[0];
      return std::fabs(diff[0][i]) * scale_of(reduction, in[1]) * (std::fabs(slope.value) + slope.error);
    });
    result[0] = reduced(products, reduction == Reduction::none ? Reduction::none : Reduction::sum);
    return result;
  };
  row.benchmarks = benchmarks(make);
  return row;
}

}  // namespace dagrad::op_table
