#include <numbers>

#include "dagrad/ops/trigonometry.h"
#include "op_table/elementwise.h"

namespace dagrad::op_table {
namespace {

using Two = std::array<Rounded, 2>;

constexpr double kPi = std::numbers::pi;
constexpr Domain kInsideOne{.low = -0.9, .high = 0.9};

// The units are those that Highway's math-inl.h states (acos, atan; for asin it says 2, but 2.3 are found), or glibc's
// manual (asinh, acosh, atanh, atan2, hypot: 2 covers them all); tan, sinh and cosh follow from the formulas of their
// kernels.
Rounded asin_of(Rounded x) { return kernel(x, std::asin(x.value), 1 / std::sqrt(1 - x.value * x.value), 3); }
Rounded acos_of(Rounded x) { return kernel(x, std::acos(x.value), 1 / std::sqrt(1 - x.value * x.value), 2); }
Rounded atan_of(Rounded x) { return kernel(x, std::atan(x.value), 1 / (1 + x.value * x.value), 3); }
Rounded tan_of(Rounded x) { return sin(x) / cos(x); }
Rounded sinh_of(Rounded x) {
  const Rounded y = expm1(x);
  return (y + y / (y + 1)) * 0.5;
}
Rounded cosh_of(Rounded x) {
  const Rounded half = exp(x * 0.5);
  return half * 0.5 * half + 0.5 / (half * half);
}
Rounded asinh_of(Rounded x) { return kernel(x, std::asinh(x.value), 1 / std::sqrt(1 + x.value * x.value), 2); }
Rounded acosh_of(Rounded x) { return kernel(x, std::acosh(x.value), 1 / std::sqrt(x.value * x.value - 1), 2); }
Rounded atanh_of(Rounded x) { return kernel(x, std::atanh(x.value), 1 / (1 - x.value * x.value), 2); }
/// Of exact numbers.
Rounded hypot_of(Rounded a, Rounded b) { return kernel({}, std::hypot(a.value, b.value), 0, 1); }

Row row_for(const Unary& op, std::vector<Edge> edges) {
  Row row = unary_row(op);
  row.bad = {not_of_i64(op.name, op.function)};
  row.edges = std::move(edges);
  return row;
}

std::vector<Row> circular() {
  return {
      row_for({"tan",
               "sin x / cos x",
               on(dagrad::tan),
               tan_of,
               [](Rounded x, Rounded g) { return g * (square(tan_of(x)) + 1); },
               {.low = -1.3, .high = 1.3}},
              {{"infinite_and_nan", {row_of({0, kInf, -kInf, kNan})}, {row_of({0, kNan, kNan, kNan})}}}),
      row_for({"asin", "the angle whose sine is x", on(dagrad::asin), asin_of,
               [](Rounded x, Rounded g) { return g / sqrt((1 - x) * (x + 1)); }, kInsideOne},
              {{"limits", {row_of({0, 1, -1, kNan, kInf, 1.5})}, {row_of({0, kPi / 2, -kPi / 2, kNan, kNan, kNan})}},
               {"gradient_at_the_ends", {row_of({1, -1})}, {row_of({kPi / 2, -kPi / 2})}, {row_of({kInf, kInf})}}}),
      row_for({"acos", "the angle whose cosine is x", on(dagrad::acos), acos_of,
               [](Rounded x, Rounded g) { return -g / sqrt((1 - x) * (x + 1)); }, kInsideOne},
              {{"limits", {row_of({0, 1, -1, kNan, kInf, 1.5})}, {row_of({kPi / 2, 0, kPi, kNan, kNan, kNan})}},
               {"gradient_at_the_ends", {row_of({1, -1})}, {row_of({0, kPi})}, {row_of({-kInf, -kInf})}}}),
      row_for({"atan", "the angle whose tangent is x", on(dagrad::atan), atan_of,
               [](Rounded x, Rounded g) { return g / (square(x) + 1); }},
              {{"infinite_and_nan",
                {row_of({0, kInf, -kInf, kNan})},
                {row_of({0, kPi / 2, -kPi / 2, kNan})},
                {row_of({1, 0, 0, kNan})}}})};
}

std::vector<Row> hyperbolic() {
  return {
      row_for(
          {"sinh", "(e^x - e^-x) / 2", on(dagrad::sinh), sinh_of, [](Rounded x, Rounded g) { return g * cosh_of(x); }},
          {{"infinite_and_nan", {row_of({0, kInf, -kInf, kNan, 1000})}, {row_of({0, kInf, -kInf, kNan, kInf})}},
           {"keeps_digits_near_0", {row_of({0x1p-60, -0x1p-60})}, {row_of({0x1p-60, -0x1p-60})}}}),
      row_for({"cosh",
               "(e^x + e^-x) / 2",
               on(dagrad::cosh),
               cosh_of,
               [](Rounded x, Rounded g) { return g * sinh_of(x); },
               {.gap = 0.25}},
              {{"infinite_and_nan", {row_of({0, kInf, -kInf, kNan, 1000})}, {row_of({1, kInf, kInf, kNan, kInf})}}}),
      row_for({"asinh", "the inverse of sinh", on(dagrad::asinh), asinh_of,
               [](Rounded x, Rounded g) { return g / hypot_of(x, 1); }},
              {{"infinite_and_nan",
                {row_of({0, kInf, -kInf, kNan})},
                {row_of({0, kInf, -kInf, kNan})},
                {row_of({1, 0, 0, kNan})}},
               {"keeps_digits_near_0", {row_of({0x1p-60, -0x1p-60})}, {row_of({0x1p-60, -0x1p-60})}}}),
      row_for({"acosh",
               "the inverse of cosh, from 0 on",
               on(dagrad::acosh),
               acosh_of,
               [](Rounded x, Rounded g) { return g / (sqrt(x - 1) * sqrt(x + 1)); },
               {.low = 1.25, .high = 4}},
              {{"outside_the_domain", {row_of({1, 0.5, -2, kNan, kInf})}, {row_of({0, kNan, kNan, kNan, kInf})}},
               {"gradient_at_1", {row_of({1})}, {row_of({0})}, {row_of({kInf})}}}),
      row_for(
          {"atanh", "the inverse of tanh", on(dagrad::atanh), atanh_of,
           [](Rounded x, Rounded g) { return g / ((1 - x) * (x + 1)); }, kInsideOne},
          {{"outside_the_domain", {row_of({0, 1, -1, 2, kNan, kInf})}, {row_of({0, kInf, -kInf, kNan, kNan, kNan})}},
           {"gradient_at_the_ends", {row_of({1, -1})}, {row_of({kInf, -kInf})}, {row_of({kInf, kInf})}}})};
}

std::vector<Row> of_two() {
  Row angle = binary_row({"atan2", "the angle of the point (x, y), for y and x", on(dagrad::atan2),
                          [](Rounded y, Rounded x) { return kernel({}, std::atan2(y.value, x.value), 0, 2); },
                          [](Rounded y, Rounded x, Rounded g) {
                            const Rounded r = hypot_of(y, x);
                            return Two{g / r * (x / r), -(g / r * (y / r))};
                          },
                          kAny, kAwayFromZero});
  angle.bad.push_back(not_of_i64("atan2", [](const Tensor& x) { return atan2(x, x); }));
  angle.edges = {{"axes_and_infinities",
                  {row_of({0, 0, 1, -1, kInf, kInf, kNan, 1}), row_of({1, -1, 0, 0, kInf, -kInf, 1, kNan})},
                  {row_of({0, kPi, kPi / 2, -kPi / 2, kPi / 4, 3 * kPi / 4, kNan, kNan})}},
                 {"gradient_at_the_origin",
                  {row_of({0, 0}), row_of({0, 2})},
                  {row_of({0, 0})},
                  {row_of({0, 0.5}), row_of({0, 0})}}};
  Row length = binary_row({"hypot", "sqrt(a^2 + b^2)", on(dagrad::hypot), hypot_of,
                           [](Rounded a, Rounded b, Rounded g) {
                             const Rounded h = hypot_of(a, b);
                             return Two{g * (a / h), g * (b / h)};
                           },
                           kAny, kAwayFromZero});
  length.bad.push_back(not_of_i64("hypot", [](const Tensor& x) { return hypot(x, x); }));
  length.edges = {
      {"infinite_and_nan",
       {row_of({kInf, kNan, kNan, 3}), row_of({kNan, -kInf, 1, -4})},
       {row_of({kInf, kInf, kNan, 5})}},
      {"without_overflow", {row_of({3 * 0x1p124}), row_of({4 * 0x1p124})}, {row_of({5 * 0x1p124})}},
      {"gradient_at_0", {row_of({0, 3}), row_of({0, 4})}, {row_of({0, 5})}, {row_of({0, 0.6}), row_of({0, 0.8})}}};
  return {angle, length};
}

Row hypot_number_row() {
  const auto with = [](double number) { return [number](const Tensor& x) { return hypot(x, number); }; };
  Row row = unary_row({"hypot_number", "sqrt(x^2 + c^2)", with(1.5), [](Rounded x) { return hypot_of(x, 1.5); },
                       [](Rounded x, Rounded g) { return g * (x / hypot_of(x, 1.5)); }});
  const auto call = [](auto f) { return [f](std::span<const Tensor> in) { return std::vector{f(in[0])}; }; };
  row.bad = {not_of_i64("hypot", with(1.5))};
  row.edges = {{"infinite_and_nan", {row_of({kInf, -kInf, kNan})}, {row_of({kInf, kInf, kNan})}},
               {"infinite_number", {row_of({1, kNan})}, {row_of({kInf, kInf})}, {}, call(with(-kInf))},
               {"without_overflow", {row_of({3 * 0x1p124})}, {row_of({5 * 0x1p124})}, {}, call(with(4 * 0x1p124))},
               {"gradient_at_0", {row_of({0, 3})}, {row_of({0, 3})}, {row_of({0, 1})}, call(with(0))},
               {"number_first", {row_of({3})}, {row_of({5})}, {row_of({0.6})}, call([](const Tensor& x) {
                  return hypot(4, x);
                })}};
  return row;
}

}  // namespace

std::vector<Row> trigonometry_rows() {
  std::vector<Row> result;
  for (const auto& family : {circular, hyperbolic, of_two}) {
    for (Row& row : family()) result.push_back(std::move(row));
  }
  result.push_back(hypot_number_row());
  return result;
}

}  // namespace dagrad::op_table
