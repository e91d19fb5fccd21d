#include "op_table/normalization_cases.h"

#include <algorithm>
#include <cmath>

#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"

// Note [Roundings of a normalization]. Let u be a rounding, k the number of roundings of a sum over a set, d = x -
// mean, A the mean of |x| over the set, v the variance and r = 1 / sqrt(v + eps). The computed mean is within k u A, so
// that a computed d is within (k + 1) u D, D = |d| + A. So v is within (k + 4) u (2 m(|d| D)), r within (k + 4) u r R,
// R = 1 + r^2 m(|d| D), and n = d r within (2 k + 8) u N, N = r D + |n| R. Where statistics are constants the same
// holds with the roundings of the means left out. From these the terms of results and gradients are made by
// following their formulas, with what they are sums of in place of differences.

namespace dagrad::op_table {
namespace {

std::int64_t product(const Shape& shape, int from, int to) {
  std::int64_t result = 1;
  for (int i = from; i < to; ++i) result *= shape[i];
  return result;
}

/// Sums and means over sets, handed to every element of the set.
struct Over {
  const Sets& sets;

  Array sum(const Array& x) const {
    std::vector<double> total(static_cast<std::size_t>(sets.set_count), 0.0);
    for (std::size_t i = 0; i < x.size(); ++i) total[at(i)] += x.values[i];
    Array result(x.shape);
    for (std::size_t i = 0; i < x.size(); ++i) result.values[i] = total[at(i)];
    return result;
  }
  Array mean(const Array& x) const {
    const Array total = sum(x), count = sum(Array(x.shape, 1.0));
    return zip(total, count, [](double a, double n) { return a / n; });
  }
  /// An array with one value for each set, or each parameter, at every element.
  Array spread(const Array& of_sets, const Shape& shape) const { return gather(of_sets, sets.set, shape); }
  Array parameter(const Array& of_parameters, const Shape& shape) const {
    return gather(of_parameters, sets.parameter, shape);
  }
  /// Summed up for each parameter.
  Array to_parameters(const Array& x) const {
    Array result(sets.parameters);
    for (std::size_t i = 0; i < x.size(); ++i) result[sets.parameter[i]] += x.values[i];
    return result;
  }

 private:
  std::size_t at(std::size_t i) const { return static_cast<std::size_t>(sets.set[i]); }
  static Array gather(const Array& from, const std::vector<std::int64_t>& index, const Shape& shape) {
    Array result(shape);
    for (std::size_t i = 0; i < result.size(); ++i) result.values[i] = from[index[i]];
    return result;
  }
};

Array times(const Array& a, const Array& b) {
  return zip(a, b, [](double x, double y) { return x * y; });
}
Array plus(const Array& a, const Array& b) {
  return zip(a, b, [](double x, double y) { return x + y; });
}
Array minus(const Array& a, const Array& b) {
  return zip(a, b, [](double x, double y) { return x - y; });
}

/// What values, gradients and bounds are made of; see the note for the names.
struct Measures {
  const NormCase& c;
  Over over;
  Array w, b;  // at every element
  Array d, r, n;
  Array big_d, big_r, big_n;  // D, R, N

  Measures(const NormCase& of_case, std::span<const Array> in) : c(of_case), over{of_case.sets} {
    const Array& x = in[0];
    w = c.weight ? over.parameter(in[1], x.shape) : Array(x.shape, 1.0);
    const std::size_t bias_at = c.weight ? 2 : 1;
    b = bias_at < in.size() ? over.parameter(in[bias_at], x.shape) : Array(x.shape, 0.0);
    const bool constant = !c.statistics.empty();
    const Array none(x.shape, 0.0);
    const Array mean = constant ? over.spread(c.statistics[0], x.shape) : c.centered ? over.mean(x) : none;
    const Array of_mean = constant ? absolute(mean) : c.centered ? over.mean(absolute(x)) : none;
    d = minus(x, mean);
    const Array variance = constant ? over.spread(c.statistics[1], x.shape) : over.mean(times(d, d));
    r = map(variance, [this](double v) { return 1 / std::sqrt(v + c.eps); });
    n = times(d, r);
    big_d = plus(absolute(d), of_mean);
    const Array spread = constant ? none : over.mean(times(absolute(d), big_d));
    big_r = zip(r, spread, [](double scale, double s) { return 1 + scale * scale * s; });
    big_n = plus(times(r, big_d), times(absolute(n), big_r));
  }

  Array result() const {
    const Array sum = plus(times(n, w), b);
    return c.relu ? map(sum, [](double v) { return v < 0 ? 0 : v; }) : sum;
  }
  Array result_terms() const { return plus(times(absolute(w), big_n), absolute(b)); }

  /// diff_dst where the relu lets it pass.
  Array passed(const Array& diff) const {
    if (!c.relu) return diff;
    return zip(diff, result(), [](double g, double y) { return y > 0 ? g : 0; });
  }
  /// r (v - m(v) - n m(v n)) and, for each parameter, sum(g n) and sum(g).
  Arrays gradients(const Array& diff) const {
    const Array g = passed(diff), v = times(g, w);
    Array inner = v;
    if (c.statistics.empty()) {
      if (c.centered) inner = minus(inner, over.mean(v));
      inner = minus(inner, times(n, over.mean(times(v, n))));
    }
    return those_there(times(r, inner), over.to_parameters(times(g, n)), over.to_parameters(g));
  }
  Arrays gradient_terms(const Array& diff) const {
    const Array g = absolute(passed(diff)), v = times(g, absolute(w));
    Array inner = v;
    if (c.statistics.empty()) inner = plus(plus(v, over.mean(v)), times(big_n, over.mean(times(v, big_n))));
    return those_there(times(times(r, big_r), inner), over.to_parameters(times(g, big_n)), over.to_parameters(g));
  }
  /// Of the gradients of diff_dst, src and weight, given `diff` for those of src, weight and bias: every term of
  /// Note [Second derivative of a normalization] (ops/norm_derivative.h) at its bound.
  Arrays second_terms(const Array& diff_dst, std::span<const Array> diff) const {
    const Shape& shape = diff_dst.shape;
    const Array g = absolute(passed(diff_dst)), h = absolute(diff[0]), weight = absolute(w), v = times(g, weight);
    const Array scale = times(r, big_r), none(shape, 0.0);
    const Array hw = c.weight ? absolute(over.parameter(diff[1], shape)) : none;
    const Array hb = c.bias ? absolute(over.parameter(diff[c.weight ? 2 : 1], shape)) : none;
    const bool constant = !c.statistics.empty();
    const auto m = [&](const Array& one, const Array& other) { return over.mean(times(one, other)); };
    const auto project = [&](const Array& a) {
      return constant ? a : plus(plus(a, over.mean(a)), times(big_n, m(a, big_n)));
    };
    const Array of_v = times(scale, project(h));
    const Array of_g = plus(plus(times(weight, of_v), times(hw, big_n)), hb);
    Array of_n = times(hw, g), of_x = none;
    if (!constant) {
      of_n = plus(of_n, times(scale, plus(times(h, m(v, big_n)), times(v, m(h, big_n)))));
      of_x = times(times(times(scale, scale), big_n), m(h, project(v)));
    }
    Arrays result{passed(of_g), plus(of_x, times(scale, project(of_n)))};
    if (c.weight) result.push_back(over.to_parameters(times(g, of_v)));
    return result;
  }

 private:
  Arrays those_there(Array of_src, Array of_weight, Array of_bias) const {
    Arrays result{std::move(of_src)};
    if (c.weight) result.push_back(std::move(of_weight));
    if (c.bias) result.push_back(std::move(of_bias));
    return result;
  }
};

const NormCase& find(const std::vector<NormCase>& cases, const std::string& name) {
  return *std::find_if(cases.begin(), cases.end(), [&](const NormCase& c) { return c.name == name; });
}

/// The most values that are added up: of a set, or of a parameter.
double longest_sum(const NormCase& c) {
  std::vector<double> of_set(static_cast<std::size_t>(c.sets.set_count) + 1, 0.0);
  std::vector<double> of_parameter(static_cast<std::size_t>(count_of(c.sets.parameters)) + 1, 0.0);
  for (const std::int64_t i : c.sets.set) ++of_set[static_cast<std::size_t>(i)];
  for (const std::int64_t i : c.sets.parameter) ++of_parameter[static_cast<std::size_t>(i)];
  return std::max(*std::max_element(of_set.begin(), of_set.end()),
                  *std::max_element(of_parameter.begin(), of_parameter.end()));
}

Sample norm_sample(const NormCase& c) {
  Sample sample{c.name, c.inputs(), c};
  sample.reference = [c](std::span<const Array> in) { return Arrays{Measures(c, in).result()}; };
  sample.roundings = 2 * longest_sum(c) + 10;
  sample.gradient_roundings = 5 * longest_sum(c) + 30;  // v n, a sum of it, n again, and r
  return sample;
}

/// Inputs of the backward: diff_dst, which is never taken for src as well (the gradient would vanish), src and weight.
std::vector<Input> backward_inputs(const NormCase& c) {
  std::vector<Input> inputs{{c.shape, {.low = -1.5, .high = 1.5}}, {c.shape}};
  if (c.weight) inputs.push_back({c.sets.parameters});
  return inputs;
}

/// All gradients of a case, as functions of those; the bias is 0.
Call gradients_of(const NormCase& c) {
  return [c](std::span<const Tensor> in) {
    const GradMode recording(true);
    std::vector<Tensor> inputs(in.begin() + 1, in.end());
    if (c.bias) inputs.push_back(zeros(c.sets.parameters, in[0].dtype()));
    for (Tensor& t : inputs) {
      if (!t.requires_grad()) t = t.detach().requires_grad_();
    }
    return grad(c(inputs), inputs, std::vector{in[0]}, {.create_graph = true});
  };
}

Sample norm_backward_sample(const NormCase& c) {
  Sample sample{c.name, backward_inputs(c), gradients_of(c)};
  sample.reference = [c](std::span<const Array> in) { return Measures(c, in.subspan(1)).gradients(in[0]); };
  sample.roundings = norm_sample(c).gradient_roundings;
  sample.gradient_roundings = 2 * sample.roundings;  // of twice as many factors
  return sample;
}

}  // namespace

Sets by_channel(const Shape& shape) {
  Sets sets{{}, {}, shape[1], {shape[1]}};
  for (const Index& index : indices(shape)) sets.set.push_back(index[1]);
  sets.parameter = sets.set;
  return sets;
}

Sets by_row(const Shape& shape, int axes) {
  const int outer = shape.rank() - axes;
  const std::int64_t length = product(shape, outer, shape.rank());
  Sets sets{{}, {}, product(shape, 0, outer), {}};
  for (int i = outer; i < shape.rank(); ++i) sets.parameters.push_back(shape[i]);
  for (std::int64_t i = 0; i < count_of(shape); ++i) {
    sets.set.push_back(i / length);
    sets.parameter.push_back(i % length);
  }
  return sets;
}

Sets by_group(const Shape& shape, std::int64_t groups) {
  Sets sets{{}, {}, shape[0] * groups, {shape[1]}};
  for (const Index& index : indices(shape)) {
    sets.set.push_back(index[0] * groups + index[1] / (shape[1] / groups));
    sets.parameter.push_back(index[1]);
  }
  return sets;
}

std::vector<Input> NormCase::inputs() const {
  std::vector<Input> result{{shape}};
  if (weight) result.push_back({sets.parameters});
  if (bias) result.push_back({sets.parameters});
  return result;
}

std::vector<Tensor> NormCase::operator()(std::span<const Tensor> in) const {
  std::vector<Tensor> all{in[0], weight ? in[1] : Tensor(), bias ? in[weight ? 2 : 1] : Tensor()};
  return call(all);
}

Row norm_row(Row row, const std::vector<NormCase>& cases, const std::vector<NormCase>& benchmarks) {
  for (const NormCase& c : cases) row.samples.push_back(norm_sample(c));
  for (const NormCase& c : benchmarks) row.benchmarks.push_back({{c.name, c.inputs(), c}});
  row.terms = [cases](const Sample& sample, std::span<const Array> in) {
    return Arrays{Measures(find(cases, sample.name), in).result_terms()};
  };
  row.gradient_terms = [cases](const Sample& sample, std::span<const Array> in, std::span<const Array> diff) {
    return Measures(find(cases, sample.name), in).gradient_terms(diff[0]);
  };
  return row;
}

Row norm_backward_row(Row row, const std::vector<NormCase>& cases, const std::vector<NormCase>& benchmarks) {
  for (const NormCase& c : cases) row.samples.push_back(norm_backward_sample(c));
  for (const NormCase& c : benchmarks) row.benchmarks.push_back({{c.name, backward_inputs(c), gradients_of(c)}});
  row.terms = [cases](const Sample& sample, std::span<const Array> in) {
    return Measures(find(cases, sample.name), in.subspan(1)).gradient_terms(in[0]);
  };
  row.gradient_terms = [cases](const Sample& sample, std::span<const Array> in, std::span<const Array> diff) {
    return Measures(find(cases, sample.name), in.subspan(1)).second_terms(in[0], diff);
  };
  return row;
}

}  // namespace dagrad::op_table
