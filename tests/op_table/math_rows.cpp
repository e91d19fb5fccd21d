#include <numbers>

#include "dagrad/core/creation.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/math.h"
#include "op_table/elementwise.h"

namespace dagrad::op_table {
namespace {

using Two = std::array<Rounded, 2>;

// Between whole numbers and halves, where floor, ceil, round and trunc do not jump.
constexpr Domain kBetween{.low = -3, .high = 3, .integers = true, .shift = 0.25};

Row floating(const Unary& op, std::vector<Edge> edges) {
  Row row = unary_row(op);
  row.bad = {not_of_i64(op.name, op.function)};
  row.edges = std::move(edges);
  return row;
}

Row step(const char* name, const char* formula, Tensor (*f)(const Tensor&, Location), Formula1 value,
         std::vector<Edge> edges) {
  Row row =
      floating({name, formula, on(f), value, [](Rounded, Rounded) { return Rounded(); }, kBetween}, std::move(edges));
  row.exact_on_integers = true;
  row.nonzero_gradients = 0;  // constant between jumps
  return row;
}

std::vector<Row> one_input() {
  Row abs_row = unary_row({"abs",
                           "|x|",
                           on(dagrad::abs),
                           [](Rounded x) { return abs(x); },
                           [](Rounded x, Rounded g) { return x.value > 0 ? g : -g; },
                           {.gap = 0.1}});
  abs_row.exact_on_integers = abs_row.takes_i64 = true;
  abs_row.bad = {not_of_bool("abs", on(dagrad::abs))};
  abs_row.edges = {{"infinite_and_nan", {row_of({kInf, -kInf, kNan})}, {row_of({kInf, kInf, kNan})}},
                   {"gradient_at_0", {row_of({0, -2})}, {row_of({0, 2})}, {row_of({0, -1})}}};
  Row sign_row =
      step("sign", "-1, 0 or 1", dagrad::sign, [](Rounded x) { return Rounded((x.value > 0) - (x.value < 0)); },
           {{"infinite_and_nan", {row_of({kInf, -kInf, kNan, 0, -0.0})}, {row_of({1, -1, kNan, 0, 0})}}});
  sign_row.takes_i64 = true;
  sign_row.bad = {not_of_bool("sign", on(dagrad::sign))};
  return {
      abs_row,
      sign_row,
      floating(
          {"expm1", "e^x - 1", on(dagrad::expm1), [](Rounded x) { return expm1(x); },
           [](Rounded x, Rounded g) { return g * (expm1(x) + 1); }},
          {{"infinite_and_nan", {row_of({0, kInf, -kInf, kNan, 1000, -1000})}, {row_of({0, kInf, -1, kNan, kInf, -1})}},
           {"keeps_digits_near_0", {row_of({0x1p-60, -0x1p-60})}, {row_of({0x1p-60, -0x1p-60})}}}),
      floating({"log1p",
                "ln(1 + x)",
                on(dagrad::log1p),
                [](Rounded x) { return log1p(x); },
                [](Rounded x, Rounded g) { return g / (x + 1); },
                {.low = -0.75, .high = 3}},
               {{"outside_the_domain", {row_of({0, -1, -2, kNan, kInf})}, {row_of({0, -kInf, kNan, kNan, kInf})}},
                {"keeps_digits_near_0", {row_of({0x1p-60, -0x1p-60})}, {row_of({0x1p-60, -0x1p-60})}}}),
      floating({"log2",
                "log to base 2",
                on(dagrad::log2),
                [](Rounded x) { return log2(x); },
                [](Rounded x, Rounded g) { return g / (x * std::numbers::ln2); },
                {.low = 0.05, .high = 3}},
               {{"outside_the_domain", {row_of({0, -1, kNan, kInf, 1})}, {row_of({-kInf, kNan, kNan, kInf, 0})}}}),
      floating({"rsqrt", "1 / x^(1/2)", on(dagrad::rsqrt), [](Rounded x) { return 1 / sqrt(x); },
                [](Rounded x, Rounded g) {
                  const Rounded y = 1 / sqrt(x);
                  return g * (y * y * y) * -0.5;
                },
                kPositive},
               {{"outside_the_domain", {row_of({0, -1, kNan, kInf, 4})}, {row_of({kInf, kNan, kNan, 0, 0.5})}}}),
      floating({"reciprocal", "1 / x", on(dagrad::reciprocal), [](Rounded x) { return 1 / x; },
                [](Rounded x, Rounded g) { return -(g * square(1 / x)); }, kAwayFromZero},
               {{"limits", {row_of({0, kInf, -kInf, kNan, 4})}, {row_of({kInf, 0, 0, kNan, 0.25})}}}),
      floating({"sin", "sin x", on(dagrad::sin), [](Rounded x) { return sin(x); },
                [](Rounded x, Rounded g) { return g * cos(x); }},
               {{"infinite_and_nan", {row_of({0, kInf, -kInf, kNan})}, {row_of({0, kNan, kNan, kNan})}}}),
      floating({"cos", "cos x", on(dagrad::cos), [](Rounded x) { return cos(x); },
                [](Rounded x, Rounded g) { return -(g * sin(x)); }},
               {{"infinite_and_nan", {row_of({0, kInf, -kInf, kNan})}, {row_of({1, kNan, kNan, kNan})}}}),
      floating({"erf", "2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x", on(dagrad::erf),
                [](Rounded x) { return erf(x); },
                [](Rounded x, Rounded g) { return g * (exp(-square(x)) * 1.12837916709551257); }},
               {{"infinite_and_nan", {row_of({0, kInf, -kInf, kNan})}, {row_of({0, 1, -1, kNan})}}}),
      step("floor", "the whole number below", dagrad::floor, [](Rounded x) { return Rounded(std::floor(x.value)); },
           {{"limits", {row_of({kInf, -kInf, kNan, 1.5, -1.5, 2})}, {row_of({kInf, -kInf, kNan, 1, -2, 2})}}}),
      step("ceil", "the whole number above", dagrad::ceil, [](Rounded x) { return Rounded(std::ceil(x.value)); },
           {{"limits", {row_of({kInf, -kInf, kNan, 1.5, -1.5, 2})}, {row_of({kInf, -kInf, kNan, 2, -1, 2})}}}),
      step("round", "the nearest whole number, halves to even", dagrad::round,
           [](Rounded x) { return Rounded(std::nearbyint(x.value)); },
           {{"halves", {row_of({0.5, 1.5, 2.5, -0.5, -1.5, kNan, kInf})}, {row_of({0, 2, 2, 0, -2, kNan, kInf})}}}),
      step("trunc", "the whole number towards 0", dagrad::trunc, [](Rounded x) { return Rounded(std::trunc(x.value)); },
           {{"limits", {row_of({kInf, -kInf, kNan, 1.5, -1.5, 2})}, {row_of({kInf, -kInf, kNan, 1, -1, 2})}}})};
}

Function1 to_the(double exponent) {
  return [exponent](const Tensor& x) { return pow(x, exponent); };
}

std::vector<Row> powers() {
  Row fraction = floating({"pow_number", "x^c", to_the(2.5), [](Rounded x) { return pow(x, 2.5); },
                           [](Rounded x, Rounded g) { return g * (pow(x, 1.5) * 2.5); }, kPositive},
                          {{"to_the_0",
                            {row_of({0, kNan, -1})},
                            {row_of({1, 1, 1})},
                            {row_of({0, 0, 0})},
                            [](std::span<const Tensor> in) { return std::vector{pow(in[0], 0)}; }},
                           {"fraction_of_negative", {row_of({-1, 0, kInf})}, {row_of({kNan, 0, kInf})}}});
  Row whole = unary_row({"pow_number_3", "x^3", to_the(3), [](Rounded x) { return pow(x, 3); },
                         [](Rounded x, Rounded g) { return g * (pow(x, 2) * 3); }, kAwayFromZero});
  whole.covers = {"pow_number"};
  whole.exact_on_integers = true;
  Row inverse = unary_row({"pow_number_minus_1", "x^-1", to_the(-1), [](Rounded x) { return pow(x, -1); },
                           [](Rounded x, Rounded g) { return g * (pow(x, -2) * -1); }, kAwayFromZero});
  inverse.covers = {"pow_number"};
  Row tensors = binary_row({"pow", "a^b", on(dagrad::pow), [](Rounded a, Rounded b) { return pow(a, b); },
                            [](Rounded a, Rounded b, Rounded g) {
                              return Two{g * (b * pow(a, b - 1)), g * pow(a, b) * log(a)};
                            },
                            kPositive, kPositive});
  tensors.bad.push_back(not_of_i64("pow", [](const Tensor& x) { return pow(x, x); }));
  tensors.edges = {
      {"zeros", {row_of({0, 0, 2, -2}), row_of({0, 2, 0, 3})}, {row_of({1, 0, 1, -8})}},
      {"gradients_at_0", {row_of({0, 0}), row_of({0, 2})}, {row_of({1, 0})}, {row_of({0, 0}), row_of({0, 0})}}};
  return {fraction, whole, inverse, tensors};
}

std::vector<Row> two_inputs() {
  // Never nearer to each other than a half.
  constexpr Domain whole{.low = -2, .high = 2, .integers = true},
      half{.low = -2, .high = 2, .integers = true, .shift = 0.5};
  const auto extremum = [&](const char* name, const char* formula, Tensor (*f)(const Tensor&, const Tensor&, Location),
                            Formula2 value, Gradient2 gradient, const Edge& edge, const Edge& ties) {
    Row row = binary_row({name, formula, on(f), value, gradient, whole, half});
    row.exact_on_integers = row.takes_i64 = true;
    row.edges = {edge, ties};
    return row;
  };
  const Arrays nan_sides{row_of({kNan, 1, kInf, -kInf}), row_of({1, kNan, 0, 0})};
  const Arrays equal{row_of({2, 1}), row_of({2, 3})};
  return {extremum(
              "maximum", "the larger of a and b", dagrad::maximum,
              [](Rounded a, Rounded b) { return a.value > b.value ? a : b; },
              [](Rounded a, Rounded b, Rounded g) {
                return a.value > b.value ? Two{g, 0} : Two{0, g};
              },
              {"infinite_and_nan", nan_sides, {row_of({kNan, kNan, kInf, 0})}},
              {"equal_share_the_gradient", equal, {row_of({2, 3})}, {row_of({0.5, 0}), row_of({0.5, 1})}}),
          extremum(
              "minimum", "the smaller of a and b", dagrad::minimum,
              [](Rounded a, Rounded b) { return a.value < b.value ? a : b; },
              [](Rounded a, Rounded b, Rounded g) {
                return a.value < b.value ? Two{g, 0} : Two{0, g};
              },
              {"infinite_and_nan", nan_sides, {row_of({kNan, kNan, 0, -kInf})}},
              {"equal_share_the_gradient", equal, {row_of({2, 1})}, {row_of({0.5, 1}), row_of({0.5, 0})}})};
}

// --- choosing ---

constexpr Domain kBits{.low = 0, .high = 1, .integers = true};

Row where_row() {
  Row row{.name = "where", .formula = "condition ? a : b"};
  row.call = [](std::span<const Tensor> in) { return std::vector{where(in[0], in[1], in[2])}; };
  row.reference = [](std::span<const Array> in) {
    Array result(broadcast(broadcast(in[0].shape, in[1].shape), in[2].shape));
    std::int64_t i = 0;
    for (const Index& index : indices(result.shape)) {
      const Array& taken = in[in[0][flat(in[0].shape, index)] != 0 ? 1 : 2];
      result[i++] = taken[flat(taken.shape, index)];
    }
    return Arrays{result};
  };
  row.exact_on_integers = row.takes_i64 = true;
  row.gradient_terms = gradients_at_absolute_values;
  const auto add = [&](const char* name, const Shape& condition, const Shape& a, const Shape& b) {
    Sample sample{name, {{condition, kBits, boolean}, {a}, {b}}};
    sample.gradient_roundings = broadcast_terms(sample.inputs) - 1;
    row.samples.push_back(sample);
  };
  add("scalars", {}, {}, {});
  add("one", {1}, {1}, {1});
  add("empty", {0}, {0}, {0});
  add("tail_17", {17}, {17}, {17});
  add("same_3x17", {3, 17}, {3, 17}, {3, 17});
  add("numbers_3x17", {3, 17}, {}, {});
  add("broadcast_3x1_5_3x5", {3, 1}, {5}, {3, 5});
  add("threads_64x1031", {64, 1031}, {64, 1031}, {1031});
  row.bad = {bad<DTypeError>(
                 "condition", [] { where(zeros_of({2}), zeros_of({2}), zeros_of({2})); }, "where: f32 (want bool)"),
             bad<DTypeError>(
                 "types", [] { where(zeros_of({2}, boolean), zeros_of({2}), zeros_of({2}, f64)); },
                 "where: element types differ: f32 and f64 (want one type; cast with to())"),
             bad<ShapeError>(
                 "shapes", [] { where(zeros_of({2}, boolean), zeros_of({2}), zeros_of({3})); },
                 "where: shapes do not broadcast: [2] and [3] (want equal sizes or 1 at axis -1: got 2 and 3)")};
  // The condition is false, then true; what is not taken gets a gradient of 0, whatever it is.
  const Call choose = [](std::span<const Tensor> in) {
    return std::vector{where(tensor({0, 1}, boolean), in[0], in[1])};
  };
  const Call choose_results = [](std::span<const Tensor> in) {
    return std::vector{where(tensor({0, 1}, boolean), sqrt(in[0]), log(in[1]))};
  };
  row.edges = {{"takes_one_whatever_the_other_is",
                {row_of({kNan, kNan}), row_of({kInf, kNan})},
                {row_of({kInf, kNan})},
                {row_of({0, 1}), row_of({1, 0})},
                choose},
               {"the_branch_not_taken_gets_0_even_where_it_is_nan",
                {row_of({-1, 4}), row_of({1, -1})},
                {row_of({0, 2})},
                {row_of({0, 0.25}), row_of({1, 0})},
                choose_results},
               {"of_no_elements", {Array({0}), Array({0})}, {Array({0})}, {Array({0}), Array({0})}, [](auto in) {
                  return std::vector{where(zeros_of({0}, boolean), in[0], in[1])};
                }}};
  for (const auto& [name, count] : {std::pair{"small", 64}, {"medium", 16 << 10}, {"large", 4 << 20}}) {
    row.benchmarks.push_back({{name, {{{count}, kBits, boolean}, {{count}}, {{count}}}}, static_cast<double>(count)});
  }
  return row;
}

Row masked_fill_row() {
  Row row{.name = "masked_fill", .formula = "value where mask, else x", .covers = {"where_number"}};
  row.call = [](std::span<const Tensor> in) { return std::vector{masked_fill(in[0], in[1], -2)}; };
  row.reference = [](std::span<const Array> in) {
    return Arrays{zip(in[0], in[1], [](double x, double m) { return m != 0 ? -2 : x; })};
  };
  row.exact_on_integers = row.takes_i64 = true;
  row.samples = {{"scalars", {{{}}, {{}, kBits, boolean}}},
                 {"tail_17", {{{17}}, {{17}, kBits, boolean}}},
                 {"row_3x7_7", {{{3, 7}}, {{7}, kBits, boolean}}},
                 {"empty", {{{0}}, {{0}, kBits, boolean}}},
                 {"threads_64x1031", {{{64, 1031}}, {{64, 1031}, kBits, boolean}}}};
  row.bad = {bad<DTypeError>(
      "mask", [] { masked_fill(zeros_of({2}), zeros_of({2}), 1); }, "where: f32 (want bool)")};
  row.edges = {{"nan_below_the_mask", {row_of({kNan, kNan})}, {row_of({kNan, -2})}, {row_of({1, 0})}, [](auto in) {
                  return std::vector{masked_fill(in[0], tensor({0, 1}, boolean), -2)};
                }}};
  for (const auto& [name, count] : {std::pair{"small", 64}, {"medium", 16 << 10}, {"large", 4 << 20}})
    row.benchmarks.push_back({{name, {{{count}}, {{count}, kBits, boolean}}}, static_cast<double>(count)});
  return row;
}

Row clamp_row(const char* name, const Function1& f) {
  Row row = unary_row({name,
                       "x held to [-1, 1]",
                       f,
                       [](Rounded x) { return x.value < -1  ? -1
                                              : x.value > 1 ? 1
                                                            : x; },
                       [](Rounded x, Rounded g) { return std::fabs(x.value) <= 1 ? g : 0; },
                       {.kink = 1, .gap = 0.1}});
  row.covers = {"clamp"};
  row.exact_on_integers = row.takes_i64 = true;
  row.edges = {{"limits", {row_of({kInf, -kInf, kNan})}, {row_of({1, -1, kNan})}},
               {"gradient_at_the_bounds", {row_of({-1, 1, 2, -2})}, {row_of({-1, 1, 1, -1})}, {row_of({1, 1, 0, 0})}}};
  row.bad = {not_of_bool("clamp", f),
             bad<UsageError>(
                 "bounds", [] { clamp(zeros_of({2}), 1, 0); }, "clamp: low is 1, high is 0 (want low <= high)"),
             bad<UsageError>(
                 "nan_bound", [] { clamp(zeros_of({2}), std::nan(""), 0); },
                 "clamp: low is nan, high is 0 (want low <= high)")};
  return row;
}

Row clamp_min_row() {
  const Function1 f = [](const Tensor& x) { return clamp_min(x, -1); };
  Row row = unary_row({"clamp_min",
                       "x, but at least -1",
                       f,
                       [](Rounded x) { return x.value < -1 ? -1 : x; },
                       [](Rounded x, Rounded g) { return x.value >= -1 ? g : 0; },
                       {.kink = 1, .gap = 0.1}});
  row.covers = {"clamp"};
  row.exact_on_integers = row.takes_i64 = true;
  row.edges = {{"limits", {row_of({kInf, -kInf, kNan})}, {row_of({kInf, -1, kNan})}},
               {"gradient_at_the_bound", {row_of({-1, kInf, -2})}, {row_of({-1, kInf, -1})}, {row_of({1, 1, 0})}}};
  row.bad = {not_of_bool("clamp_min", f),
             bad<UsageError>(
                 "nan_bound", [] { clamp_min(zeros_of({2}), std::nan("")); }, "clamp_min: low is nan (want a number)"),
             bad<DTypeError>(
                 "fraction", [] { clamp_min(zeros_of({2}, i64), 0.5); },
                 "clamp_min: 0.5 with a tensor of i64 (want a whole number, or a floating tensor: cast with to())")};
  return row;
}

Row clamp_max_row() {
  const Function1 f = [](const Tensor& x) { return clamp_max(x, 1); };
  Row row = unary_row({"clamp_max",
                       "x, but at most 1",
                       f,
                       [](Rounded x) { return x.value > 1 ? 1 : x; },
                       [](Rounded x, Rounded g) { return x.value <= 1 ? g : 0; },
                       {.kink = 1, .gap = 0.1}});
  row.covers = {"clamp"};
  row.exact_on_integers = row.takes_i64 = true;
  row.edges = {{"limits", {row_of({kInf, -kInf, kNan})}, {row_of({1, -kInf, kNan})}},
               {"gradient_at_the_bound", {row_of({1, -kInf, 2})}, {row_of({1, -kInf, 1})}, {row_of({1, 1, 0})}}};
  row.bad = {not_of_bool("clamp_max", f),
             bad<UsageError>(
                 "nan_bound", [] { clamp_max(zeros_of({2}), std::nan("")); }, "clamp_max: high is nan (want a number)"),
             bad<DTypeError>(
                 "fraction", [] { clamp_max(zeros_of({2}, i64), 0.5); },
                 "clamp_max: 0.5 with a tensor of i64 (want a whole number, or a floating tensor: cast with to())")};
  return row;
}

Row clamp_backward_row() {
  const Function1 f = [](const Tensor& x) { return clamp(x, -1, 1); };
  constexpr Domain domain{.kink = 1, .gap = 0.1};
  Row row = backward_row({"clamp_backward",
                          "diff_dst where -1 <= x <= 1, else 0",
                          {},
                          [](Rounded g, Rounded x) { return std::fabs(x.value) <= 1 ? g : 0; },
                          [](Rounded, Rounded x, Rounded h) {
                            return Two{std::fabs(x.value) <= 1 ? h : 0, 0};
                          },
                          domain,
                          domain});
  row.call = gradient_of([f](std::span<const Tensor> in) { return std::vector{f(in[0])}; }, 0);
  row.nonzero_gradients = 0.2;  // that of x is 0 everywhere
  return row;
}

// --- what is known of elements, and logic ---

Row test_of_one(const char* name, const char* formula, Tensor (*f)(const Tensor&, Location),
                std::vector<std::string> covers, double (*value)(double), const Edge& edge) {
  Row row{.name = name, .formula = formula, .covers = std::move(covers), .call = call1(f)};
  row.reference = [value](std::span<const Array> in) { return Arrays{map(in[0], value)}; };
  row.orders = 0;
  row.elementwise = row.exact_on_integers = row.takes_i64 = true;
  row.result_type = [](DType) { return boolean; };
  row.samples = unary_samples(kAny);
  row.edges = {edge};
  row.benchmarks = elementwise_benchmarks({kAny});
  return row;
}

std::vector<Row> tests() {
  const Arrays in{row_of({kInf, -kInf, kNan, 0, 3e38})};
  return {test_of_one("isnan", "whether x is NaN", isnan, {"ne"}, [](double) { return 0.0; },
                      {"all_kinds", in, {row_of({0, 0, 1, 0, 0})}}),
          test_of_one("isinf", "whether x is infinite", isinf, {"abs", "eq"}, [](double) { return 0.0; },
                      {"all_kinds", in, {row_of({1, 1, 0, 0, 0})}}),
          test_of_one("isfinite", "whether x is a number", isfinite, {"abs", "lt"}, [](double) { return 1.0; },
                      {"all_kinds", in, {row_of({0, 0, 0, 1, 1})}})};
}

Row logic(const char* name, const char* formula, std::vector<std::string> covers, std::size_t inputs, const Call& call,
          double (*value)(double, double)) {
  Row row{.name = name, .formula = formula, .covers = std::move(covers), .call = call};
  row.reference = [value](std::span<const Array> in) { return Arrays{zip(in[0], in.back(), value)}; };
  row.orders = 0;
  row.result_type = [](DType) { return boolean; };
  const auto of = [&](const Shape& shape) { return std::vector<Input>(inputs, Input{shape, kBits, boolean}); };
  row.samples = {{"scalar", of({})}, {"empty", of({0})}, {"tail_67", of({67})}, {"threads_64x1031", of({64, 1031})}};
  row.bad = {bad<DTypeError>(
      "f32", [call, inputs] { call(std::vector<Tensor>(inputs, zeros_of({2}))); },
      std::string(name) + ": f32 (want bool)")};
  row.benchmarks = {{{"small", of({64})}}, {{"medium", of({16 << 10})}}, {{"large", of({4 << 20})}}};
  return row;
}

std::vector<Row> logical() {
  return {logic("logical_and", "a and b", {"where_number"}, 2, call2(logical_and),
                [](double a, double b) { return a != 0 && b != 0 ? 1.0 : 0.0; }),
          logic("logical_or", "a or b", {"where_number"}, 2, call2(logical_or),
                [](double a, double b) { return a != 0 || b != 0 ? 1.0 : 0.0; }),
          logic("logical_xor", "either a or b", {"ne"}, 2, call2(logical_xor),
                [](double a, double b) { return a != b ? 1.0 : 0.0; }),
          logic("logical_not", "not x", {"eq"}, 1, call1(logical_not),
                [](double a, double) { return a == 0 ? 1.0 : 0.0; })};
}

// --- compositions ---

std::vector<Row> mixtures() {
  constexpr double w = 0.25;
  Row lerp_row = binary_row({"lerp", "a + w (b - a)", [](const Tensor& a, const Tensor& b) { return lerp(a, b, w); },
                             [](Rounded a, Rounded b) { return a + (b - a) * w; },
                             [](Rounded, Rounded, Rounded g) {
                               return Two{g - g * w, g * w};
                             }});
  lerp_row.covers = {"add", "sub", "mul_number"};
  lerp_row.bf16_roundings = 2;  // the results of sub and mul
  lerp_row.primitive = "binary_add";
  lerp_row.bad = {misfit_shapes("sub", [](const Tensor& a, const Tensor& b) { return lerp(b, a, w); })};
  Row addcmul_row{
      .name = "addcmul", .formula = "x + value a b", .primitive = "binary_mul", .covers = {"add", "mul", "mul_number"}};
  addcmul_row.call = [](std::span<const Tensor> in) { return std::vector{addcmul(in[0], in[1], in[2], 0.5)}; };
  addcmul_row.reference = [](std::span<const Array> in) {
    const Array product = zip(in[1], in[2], [](double a, double b) { return 0.5 * a * b; });
    return Arrays{zip(in[0], product, [](double x, double p) { return x + p; })};
  };
  addcmul_row.terms = at_absolute_values;
  addcmul_row.gradient_terms = gradients_at_absolute_values;
  addcmul_row.roundings = 3;
  addcmul_row.bf16_roundings = 2;  // the results of both mul
  addcmul_row.gradient_roundings = 2;
  for (const auto& [name, shape] : std::vector<std::pair<const char*, Shape>>{
           {"scalars", {}}, {"tail_17", {17}}, {"3x7", {3, 7}}, {"empty", {0}}, {"primitive_64x1031", {64, 1031}}})
    addcmul_row.samples.push_back({name, std::vector<Input>(3, Input{shape})});
  addcmul_row.samples.push_back({"broadcast_3x1_7_3x7", {{{3, 1}}, {{7}}, {{3, 7}}}});
  addcmul_row.samples.back().gradient_roundings =
      addcmul_row.gradient_roundings + broadcast_terms(addcmul_row.samples.back().inputs) - 1;
  addcmul_row.benchmarks = elementwise_benchmarks({kAny, kAny, kAny});
  return {lerp_row, addcmul_row};
}

}  // namespace

std::vector<Row> math_rows() {
  std::vector<Row> result{
      where_row(),     masked_fill_row(), clamp_row("clamp", [](const Tensor& x) { return clamp(x, -1, 1); }),
      clamp_min_row(), clamp_max_row(),   clamp_backward_row()};
  for (const auto& family : {one_input, powers, two_inputs, tests, logical, mixtures}) {
    for (Row& row : family()) result.push_back(std::move(row));
  }
  return result;
}

}  // namespace dagrad::op_table
