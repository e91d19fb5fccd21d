#include <numbers>

#include "dagrad/ops/special.h"
#include "op_table/elementwise.h"

namespace dagrad::op_table {
namespace {

using Two = std::array<Rounded, 2>;

// Units: glibc's for exp2 and erfc, Highway's for log10; erfinv is computed in f64 and rounded.
Rounded exp2_of(Rounded x) { return kernel(x, std::exp2(x.value), std::exp2(x.value), 1); }
Rounded log10_of(Rounded x) { return kernel(x, std::log10(x.value), 0.4343 / x.value, 2); }
Rounded erfc_of(Rounded x) { return kernel(x, std::erfc(x.value), 1.1284 * std::exp(-x.value * x.value), 3); }
Rounded logit_of(Rounded x) {
  const Rounded rest = 1 - x;
  return std::fabs(x.value - 0.5) > 0.25 ? log(x / rest) : log1p((x + x - 1) / rest);
}
/// By bisection, which is slow and sure.
Rounded erfinv_of(Rounded y) {
  double low = -6, high = 6;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    const bool below = y.value > 0.5 ? std::erfc(middle) > 1 - y.value : std::erf(middle) < y.value;
    (below ? low : high) = middle;
  }
  // In f64 bisection ends where erf's own units do.
  return kernel({}, (low + high) / 2, 0, 4);
}
Rounded logaddexp_of(Rounded a, Rounded b) {
  const Rounded larger = a.value > b.value ? a : b;
  return larger + log1p(exp(-abs(a - b)));
}
Rounded sigmoid_of(Rounded x) { return 1 / (exp(-x) + 1); }

Row row_for(const Unary& op, std::vector<Edge> edges) {
  Row row = unary_row(op);
  row.bad = {not_of_i64(op.name, op.function)};
  row.edges = std::move(edges);
  return row;
}

std::vector<Row> of_one() {
  Row with_eps =
      unary_row({"logit_eps",
                 "log(x / (1 - x)) of x held to [1/8, 7/8]",
                 [](const Tensor& x) { return logit(x, 0.125); },
                 [](Rounded x) { return logit_of(std::clamp(x.value, 0.125, 0.875)); },
                 [](Rounded x, Rounded g) { return std::fabs(x.value - 0.5) <= 0.375 ? g / (x * (1 - x)) : Rounded(); },
                 {.low = 0.15, .high = 1.5, .kink = 0.875, .gap = 0.05}});
  with_eps.covers = {"logit", "clamp"};
  with_eps.edges = {{"outside_the_bounds",
                     {row_of({0, 2, kNan})},
                     {row_of({-std::log(7), std::log(7), kNan})},
                     {row_of({0, 0, kNan})}}};
  return {
      row_for({"exp2", "2^x", on(dagrad::exp2), exp2_of,
               [](Rounded x, Rounded g) { return g * exp2_of(x) * std::numbers::ln2; }},
              {{"infinite_and_nan", {row_of({0, kInf, -kInf, kNan, 3, -1})}, {row_of({1, kInf, 0, kNan, 8, 0.5})}}}),
      row_for({"log10",
               "log to base 10",
               on(dagrad::log10),
               log10_of,
               [](Rounded x, Rounded g) { return g / (x * std::numbers::ln10); },
               {.low = 0.05, .high = 3}},
              {{"outside_the_domain", {row_of({0, -1, kNan, kInf, 1})}, {row_of({-kInf, kNan, kNan, kInf, 0})}}}),
      row_for({"logit",
               "log(x / (1 - x))",
               on(dagrad::logit),
               logit_of,
               [](Rounded x, Rounded g) { return g / (x * (1 - x)); },
               {.low = 0.05, .high = 0.95}},
              {{"limits", {row_of({0, 1, 0.5, -1, 2, kNan})}, {row_of({-kInf, kInf, 0, kNan, kNan, kNan})}},
               {"gradient_at_the_ends", {row_of({0, 1})}, {row_of({-kInf, kInf})}, {row_of({kInf, kInf})}}}),
      with_eps,
      row_for({"erfc", "1 - erf(x)", on(dagrad::erfc), erfc_of,
               [](Rounded x, Rounded g) { return g * (exp(-square(x)) * -1.12837916709551257); }},
              {{"infinite_and_nan", {row_of({0, kInf, -kInf, kNan})}, {row_of({1, 0, 2, kNan})}}}),
      row_for({"erfinv",
               "y with erf(y) = x",
               on(dagrad::erfinv),
               erfinv_of,
               [](Rounded x, Rounded g) { return g * (exp(square(erfinv_of(x))) * 0.88622692545275801); },
               {.low = -0.95, .high = 0.95}},
              {{"limits", {row_of({0, 1, -1, 2, kNan})}, {row_of({0, kInf, -kInf, kNan, kNan})}},
               {"keeps_digits_near_0",
                {row_of({0x1p-60})},
                {row_of({0x1p-60 * 0.88622692545275801})},
                {row_of({0.88622692545275801})}}})};
}

Row logaddexp_row() {
  Row row = binary_row({"logaddexp", "log(e^a + e^b)", on(dagrad::logaddexp), logaddexp_of,
                        [](Rounded a, Rounded b, Rounded g) {
                          return Two{g * sigmoid_of(a - b), g * sigmoid_of(b - a)};
                        },
                        kAny, kAny});
  row.bad.push_back(not_of_i64("logaddexp", [](const Tensor& x) { return logaddexp(x, x); }));
  row.edges = {{"without_overflow",
                {row_of({1e4, -1e4, 0}), row_of({0, -1e4, 0})},
                {row_of({1e4, std::numbers::ln2 - 1e4, std::numbers::ln2})},
                {row_of({1, 0.5, 0.5}), row_of({0, 0.5, 0.5})}},
               {"infinite_and_nan",
                {row_of({kInf, -kInf, kInf, -kInf, kNan}), row_of({kInf, -kInf, -kInf, 2, 1})},
                {row_of({kInf, -kInf, kInf, 2, kNan})},
                {row_of({0.5, 0.5, 1, 0, kNan}), row_of({0.5, 0.5, 0, 1, kNan})}}};
  return row;
}

}  // namespace

std::vector<Row> special_rows() {
  std::vector<Row> result = of_one();
  result.push_back(logaddexp_row());
  return result;
}

}  // namespace dagrad::op_table
