#include "dagrad/ops/activation.h"
#include "op_table/elementwise.h"

namespace dagrad::op_table {
namespace {

using Two = std::array<Rounded, 2>;

// The formulas are those of the kernels, so that roundings are counted as they happen.

Rounded sigmoid_of(Rounded x) { return 1 / (1 + exp(-x)); }
Rounded softplus_of(Rounded x) { return (x.value > 0 ? x : 0) + log1p(exp(-abs(x))); }

/// An activation f with its first and second derivative, in terms of which both its rows are written.
struct Activation {
  const char* name;
  const char* formula;
  const char* slope_formula;
  Function1 function;
  Formula1 value, slope, second;
  Domain domain = kAny;
  std::vector<Edge> edges = {};
  double nonzero_second = 0.3;  // of the gradients of the backward: 0.2 where the second derivative is 0 in large parts
};

Row forward_row(const Activation& a) {
  Row row{unary_row({a.name, a.formula, a.function, a.value, nullptr, a.domain})};
  row.gradient_terms = [slope = a.slope](const Sample&, std::span<const Array> in, std::span<const Array> diff) {
    return Arrays{
        zip(in[0], diff[0], [slope](double x, double g) { return (Rounded(g, 0) * slope(Rounded(x, 0))).error; })};
  };
  row.bad = {not_of_i64(a.name, a.function)};
  row.edges = a.edges;
  return row;
}

Row backward(const Activation& a) {
  const std::string name = std::string(a.name) + "_backward",
                    formula = std::string("diff_dst times ") + a.slope_formula;
  Row row{.name = name, .formula = formula};
  const auto value = [slope = a.slope](double g, double x) { return Rounded(g, 0) * slope(Rounded(x, 0)); };
  row.call = gradient_of([f = a.function](std::span<const Tensor> in) { return std::vector{f(in[0])}; }, 0);
  row.reference = [value](std::span<const Array> in) {
    return Arrays{zip(in[0], in[1], [value](double g, double x) { return value(g, x).value; })};
  };
  row.terms = [value](const Sample&, std::span<const Array> in) {
    return Arrays{zip(in[0], in[1], [value](double g, double x) { return value(g, x).error; })};
  };
  row.gradient_terms = [slope = a.slope, second = a.second](const Sample&, std::span<const Array> in,
                                                            std::span<const Array> diff) {
    const Array of_g =
        zip(diff[0], in[1], [slope](double h, double x) { return (Rounded(h, 0) * slope(Rounded(x, 0))).error; });
    const Array hg = zip(diff[0], in[0], [](double h, double g) { return h * g; });
    const Array of_x = zip(hg, in[1], [second](double product, double x) {
      return (Rounded(product, std::fabs(product)) * second(Rounded(x, 0))).error;
    });
    return Arrays{of_g, of_x};
  };
  row.roundings = row.gradient_roundings = 1;  // the terms are errors
  row.elementwise = true;
  row.nonzero_gradients = a.nonzero_second;
  for (const Sample& sample : unary_samples(a.domain))
    row.samples.push_back({sample.name, {sample.inputs[0], sample.inputs[0]}});
  row.benchmarks = elementwise_benchmarks({a.domain, a.domain});
  return row;
}

constexpr double kSlope = 0.125, kAlpha = 0.75;
constexpr double kPhi0 = 0.39894228040143267794, kRootHalf = 0.70710678118654752440,
                 kRoot2OverPi = 0.79788456080286535588;

Rounded gelu_inner(Rounded x) { return kRoot2OverPi * x * (1 + 0.044715 * x * x); }
Rounded gelu_inner_slope(Rounded x) { return kRoot2OverPi * (1 + 0.134145 * x * x); }

std::vector<Activation> activations() {
  const Domain broken{.gap = 0.1};                                 // a kink at 0
  const Domain hard{.low = -5, .high = 5, .kink = 3, .gap = 0.1};  // kinks at -3 and 3
  const Array limits = row_of({kInf, -kInf, kNan, 0});
  return {{"leaky_relu",
           "x above 0, c x below",
           "1 above 0, c below",
           [](const Tensor& x) { return leaky_relu(x, kSlope); },
           [](Rounded x) { return x.value > 0 ? x : kSlope * x; },
           [](Rounded x) { return x.value > 0 ? 1 : Rounded(kSlope); },
           [](Rounded) { return Rounded(); },
           broken,
           {{"limits", {limits}, {row_of({kInf, -kInf, kNan, 0})}},
            {"gradient_at_0", {row_of({0, 1})}, {row_of({0, 1})}, {row_of({kSlope, 1})}}}},
          {"elu",
           "x above 0, c (e^x - 1) below",
           "1 above 0, c e^x below",
           [](const Tensor& x) { return elu(x, kAlpha); },
           [](Rounded x) { return x.value > 0 ? x : kAlpha * expm1(x); },
           [](Rounded x) { return x.value > 0 ? 1 : kAlpha * exp(x); },
           [](Rounded x) { return x.value > 0 ? 0 : kAlpha * exp(x); },
           broken,
           {{"limits", {limits}, {row_of({kInf, -kAlpha, kNan, 0})}}}},
          {"gelu",
           "x Phi(x)",
           "Phi(x) + x phi(x)",
           [](const Tensor& x) { return gelu(x); },
           [](Rounded x) { return 0.5 * x * (1 + erf(kRootHalf * x)); },
           [](Rounded x) { return 0.5 * (1 + erf(kRootHalf * x)) + x * (kPhi0 * exp(-0.5 * x * x)); },
           [](Rounded x) { return exp(square(x) * -0.5) * (2 - square(x)) * kPhi0; },
           kAny,
           {{"limits", {row_of({kInf, kNan, 0, 100, -100})}, {row_of({kInf, kNan, 0, 100, 0})}}}},
          {"gelu_tanh",
           "0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))",
           "its derivative",
           [](const Tensor& x) { return gelu_tanh(x); },
           [](Rounded x) { return 0.5 * x * (1 + tanh(gelu_inner(x))); },
           [](Rounded x) {
             const Rounded t = tanh(gelu_inner(x));
             return 0.5 * (1 + t + x * (1 - t * t) * gelu_inner_slope(x));
           },
           [](Rounded x) {
             const Rounded t = tanh(gelu_inner(x)), slope = gelu_inner_slope(x);
             return (1 - t * t) * (slope + x * (x * (0.134145 * kRoot2OverPi) - t * square(slope)));
           },
           kAny,
           {{"limits", {row_of({kInf, kNan, 0, 100, -100})}, {row_of({kInf, kNan, 0, 100, 0})}}}},
          {"silu",
           "x sigmoid(x)",
           "s (1 + x (1 - s)), s = sigmoid(x)",
           [](const Tensor& x) { return silu(x); },
           [](Rounded x) { return x * sigmoid_of(x); },
           [](Rounded x) {
             const Rounded s = sigmoid_of(x);
             return s * (1 + x * (1 - s));
           },
           [](Rounded x) {
             const Rounded s = sigmoid_of(x);
             return s * (1 - s) * (x * (1 - s * 2) + 2);
           },
           kAny,
           {{"limits", {row_of({kInf, kNan, 0})}, {row_of({kInf, kNan, 0})}}}},
          {"mish",
           "x tanh(softplus(x))",
           "t + x (1 - t^2) sigmoid(x), t = tanh(softplus(x))",
           [](const Tensor& x) { return mish(x); },
           [](Rounded x) { return x * tanh(softplus_of(x)); },
           [](Rounded x) {
             const Rounded t = tanh(softplus_of(x));
             return t + x * (1 - t * t) * sigmoid_of(x);
           },
           [](Rounded x) {
             const Rounded t = tanh(softplus_of(x)), s = sigmoid_of(x);
             return s * (1 - t * t) * (x * (1 - s - t * s * 2) + 2);
           },
           kAny,
           {{"limits", {row_of({kInf, kNan, 0})}, {row_of({kInf, kNan, 0})}}}},
          {"softplus",
           "ln(1 + e^(2 x)) / 2",
           "sigmoid(2 x)",
           [](const Tensor& x) { return softplus(x, 2); },
           [](Rounded x) { return softplus_of(2 * x) / 2; },
           [](Rounded x) { return sigmoid_of(2 * x); },
           [](Rounded x) {
             const Rounded s = sigmoid_of(2 * x);
             return s * (1 - s) * 2;
           },
           kAny,
           {{"limits", {row_of({kInf, -kInf, kNan, 1000, -1000})}, {row_of({kInf, 0, kNan, 1000, 0})}}}},
          {"log_sigmoid",
           "ln sigmoid(x)",
           "sigmoid(-x)",
           [](const Tensor& x) { return log_sigmoid(x); },
           [](Rounded x) { return -softplus_of(-x); },
           [](Rounded x) { return sigmoid_of(-x); },
           [](Rounded x) {
             const Rounded s = sigmoid_of(x);
             return s * (s - 1);
           },
           kAny,
           {{"limits", {row_of({kInf, -kInf, kNan, 1000, -1000})}, {row_of({0, -kInf, kNan, 0, -1000})}}}},
          {"hard_sigmoid",
           "x + 3 held to [0, 6], / 6",
           "1/6 between -3 and 3",
           [](const Tensor& x) { return hard_sigmoid(x); },
           [](Rounded x) { return x.value < -3  ? 0
                                  : x.value > 3 ? 1
                                                : (x + 3) / 6; },
           [](Rounded x) { return std::fabs(x.value) < 3 ? Rounded(1) / 6 : 0; },
           [](Rounded) { return Rounded(); },
           hard,
           {{"limits", {limits}, {row_of({1, 0, kNan, 0.5})}},
            {"gradient_at_the_kinks", {row_of({-3, 3})}, {row_of({0, 1})}, {row_of({0, 0})}}}},
          {"hard_swish",
           "x hard_sigmoid(x)",
           "0 below -3, 1 above 3, x / 3 + 1/2 between",
           [](const Tensor& x) { return hard_swish(x); },
           [](Rounded x) { return x.value < -3  ? 0
                                  : x.value > 3 ? x * 6 / 6
                                                : x * (x + 3) / 6; },
           [](Rounded x) { return x.value < -3  ? 0
                                  : x.value > 3 ? 1
                                                : x / 3 + 0.5; },
           [](Rounded x) { return std::fabs(x.value) < 3 ? Rounded(1) / 3 : 0; },
           hard,
           {{"limits", {row_of({kInf, kNan, 0, 100, -100})}, {row_of({kInf, kNan, 0, 100, 0})}}}}};
}

Row selu_row() {
  constexpr double alpha = 1.6732632423543772848, scale = 1.0507009873554804934;
  Row row = unary_row({"selu",
                       "s x above 0, s a (e^x - 1) below",
                       [](const Tensor& x) { return selu(x); },
                       [](Rounded x) { return scale * (x.value > 0 ? x : alpha * expm1(x)); },
                       [](Rounded x, Rounded g) { return scale * (x.value > 0 ? g : alpha * g * exp(x)); },
                       {.gap = 0.1}});
  row.covers = {"elu"};
  row.edges = {{"limits", {row_of({kInf, kNan, 0})}, {row_of({kInf, kNan, 0})}}};
  return row;
}

Row hard_tanh_row() {
  Row row = unary_row({"hard_tanh",
                       "x held to [-1, 1]",
                       [](const Tensor& x) { return hard_tanh(x); },
                       [](Rounded x) { return x.value < -1  ? -1
                                              : x.value > 1 ? 1
                                                            : x; },
                       [](Rounded x, Rounded g) { return std::fabs(x.value) <= 1 ? g : 0; },
                       {.kink = 1, .gap = 0.1}});
  row.covers = {"clamp"};
  return row;
}

Sample prelu_sample(const char* name, const Shape& x, std::int64_t channels) {
  Sample sample{name, {{x, {.gap = 0.1}}, {{channels}, {.low = 0.05, .high = 0.5}}}};
  sample.gradient_roundings = 2 + broadcast_terms({{x}, {{channels}}}) - 1;
  return sample;
}

Row prelu_row() {
  Row row{.name = "prelu",
          .formula = "x above 0, slope[channel] x below",
          .covers = {"relu", "mul", "clamp", "add", "reshape"}};
  row.call = call2(prelu);
  row.reference = [](std::span<const Array> in) {
    Array result(in[0].shape);
    std::int64_t i = 0;
    for (const Index& index : indices(in[0].shape)) {
      const double x = in[0][i], slope = in[1][in[1].size() == 1 ? 0 : index[1]];
      result[i++] = x > 0 ? x : slope * x;
    }
    return Arrays{result};
  };
  row.roundings = 1;  // one of the two sums' terms is 0
  // Of x: diff_dst times 1 or the slope. Of a slope: the sum of diff_dst x over the elements below 0.
  row.gradient_terms = [](const Sample&, std::span<const Array> in, std::span<const Array> diff) {
    Array of_x(in[0].shape), of_slope(in[1].shape);
    std::int64_t i = 0;
    for (const Index& index : indices(in[0].shape)) {
      const std::int64_t channel = in[1].size() == 1 ? 0 : index[1];
      of_x[i] = std::fabs(diff[0][i]) * (in[0][i] > 0 ? 1 : in[1][channel]);
      if (in[0][i] < 0) of_slope[channel] += std::fabs(diff[0][i] * in[0][i]);
      ++i;
    }
    return Arrays{of_x, of_slope};
  };
  row.samples = {prelu_sample("one_slope_17", {17}, 1), prelu_sample("channels_5x7", {5, 7}, 7),
                 prelu_sample("channels_2x3x4", {2, 3, 4}, 3), prelu_sample("empty_0x3", {0, 3}, 3),
                 prelu_sample("threads_64x1031", {64, 1031}, 1031)};
  row.bad = {bad<ShapeError>(
      "slope",
      [] {
        prelu(zeros_of({2, 3}), zeros_of({2}));
      },
      "prelu: slope is [2], x is [2, 3] (want slope of [1], or of [C] for x of [N, C, ...])")};
  row.primitive = "binary_add";
  row.benchmarks = {{prelu_sample("small", {8, 8}, 8)},
                    {prelu_sample("medium", {128, 128}, 128)},
                    {prelu_sample("large", {2048, 2048}, 2048)}};
  return row;
}

}  // namespace

std::vector<Row> activation_rows() {
  std::vector<Row> result{selu_row(), hard_tanh_row(), prelu_row()};
  for (Activation a : activations()) {
    result.push_back(forward_row(a));
    const std::string name = a.name;
    if (name == "leaky_relu" || name == "hard_sigmoid" || name == "elu")
      a.nonzero_second = 0.2;  // f'' is 0 in large parts
    result.push_back(backward(a));
  }
  return result;
}

}  // namespace dagrad::op_table
