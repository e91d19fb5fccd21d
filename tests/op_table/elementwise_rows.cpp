#include "dagrad/ops/elementwise.h"
#include "op_table/elementwise.h"

namespace dagrad::op_table {
namespace {

// In these formulas op_table's functions on Rounded hide dagrad's on tensors of the same names.

// --- one input ---

Row neg_row() {
  Row row = unary_row({"neg", "-x", on(neg), [](Rounded x) { return -x; }, [](Rounded, Rounded g) { return -g; }});
  row.exact_on_integers = row.takes_i64 = true;
  row.bad = {not_of_bool("neg", on(neg))};
  row.edges = {{"infinite_and_nan", {row_of({kInf, -kInf, kNan, 0})}, {row_of({-kInf, kInf, kNan, 0})}}};
  return row;
}

Row exp_row() {
  Row row = unary_row({"exp", "e^x", on(dagrad::exp), [](Rounded x) { return exp(x); },
                       [](Rounded x, Rounded g) { return g * exp(x); }});
  row.bad = {not_of_i64("exp", on(dagrad::exp))};
  row.edges = {{"infinite_and_nan",
                {row_of({0, -0.0, kInf, -kInf, kNan, 1000, -1000})},
                {row_of({1, 1, kInf, 0, kNan, kInf, 0})}}};
  return row;
}

Row log_row() {
  Row row = unary_row({"log",
                       "ln x",
                       on(dagrad::log),
                       [](Rounded x) { return log(x); },
                       [](Rounded x, Rounded g) { return g / x; },
                       {.low = 0.05, .high = 3}});
  row.bad = {not_of_i64("log", on(dagrad::log))};
  row.edges = {{"outside_the_domain",
                {row_of({0, -0.0, -1, -kInf, kNan, kInf, 1})},
                {row_of({-kInf, -kInf, kNan, kNan, kNan, kInf, 0})}},
               {"gradient_at_0", {row_of({0, 2})}, {row_of({-kInf, std::log(2.0)})}, {row_of({kInf, 0.5})}}};
  return row;
}

Row sqrt_row() {
  Row row = unary_row({"sqrt", "x^(1/2)", on(dagrad::sqrt), [](Rounded x) { return sqrt(x); },
                       [](Rounded x, Rounded g) { return g / (2 * sqrt(x)); }, kPositive, "eltwise_sqrt"});
  row.bad = {not_of_i64("sqrt", on(dagrad::sqrt))};
  row.edges = {
      {"outside_the_domain", {row_of({0, -1, -kInf, kNan, kInf, 4})}, {row_of({0, kNan, kNan, kNan, kInf, 2})}},
      {"gradient_at_0", {row_of({0, 4})}, {row_of({0, 2})}, {row_of({kInf, 0.25})}}};
  return row;
}

Row square_row() {
  Row row = unary_row({"square", "x^2", on(dagrad::square), [](Rounded x) { return x * x; },
                       [](Rounded x, Rounded g) { return 2 * x * g; }, kAny, "eltwise_square"});
  row.exact_on_integers = row.takes_i64 = true;
  row.bad = {not_of_bool("square", on(dagrad::square))};
  row.edges = {{"infinite_and_nan", {row_of({kInf, -kInf, kNan, 0, -3})}, {row_of({kInf, kInf, kNan, 0, 9})}}};
  return row;
}

Row tanh_row() {
  Row row = unary_row({"tanh", "(e^x - e^-x) / (e^x + e^-x)", on(dagrad::tanh), [](Rounded x) { return tanh(x); },
                       [](Rounded x, Rounded g) { return g * (1 - square(tanh(x))); }, kAny, "eltwise_tanh"});
  row.bad = {not_of_i64("tanh", on(dagrad::tanh))};
  row.edges = {{"infinite_and_nan", {row_of({0, kInf, -kInf, kNan, 100, -100})}, {row_of({0, 1, -1, kNan, 1, -1})}},
               {"gradient_far_out", {row_of({100, -100, 0})}, {row_of({1, -1, 0})}, {row_of({0, 0, 1})}}};
  return row;
}

Rounded sigmoid_of(Rounded x) { return 1 / (1 + exp(-x)); }

Row sigmoid_row() {
  Row row = unary_row({"sigmoid", "1 / (1 + e^-x)", on(dagrad::sigmoid), sigmoid_of,
                       [](Rounded x, Rounded g) { return g * sigmoid_of(x) * (1 - sigmoid_of(x)); }, kAny,
                       "eltwise_logistic"});
  row.bad = {not_of_i64("sigmoid", on(dagrad::sigmoid))};
  row.edges = {{"infinite_and_nan", {row_of({0, kInf, -kInf, kNan, 100, -1000})}, {row_of({0.5, 1, 0, kNan, 1, 0})}}};
  return row;
}

Row relu_row() {
  Row row = unary_row({"relu",
                       "max(x, 0)",
                       on(relu),
                       [](Rounded x) { return x.value > 0 ? x : 0; },
                       [](Rounded x, Rounded g) { return x.value > 0 ? g : 0; },
                       {.gap = 0.1}});
  row.exact_on_integers = true;
  row.bad = {not_of_i64("relu", on(relu))};
  row.edges = {{"infinite_and_nan", {row_of({kInf, -kInf, kNan})}, {row_of({kInf, 0, kNan})}},
               {"gradient_at_0", {row_of({0, -0.0, 1, -1})}, {row_of({0, 0, 1, 0})}, {row_of({0, 0, 1, 0})}}};
  return row;
}

// --- two inputs ---

using Two = std::array<Rounded, 2>;

Row add_row() {
  Row row = binary_row({"add", "a + b", on(add), [](Rounded a, Rounded b) { return a + b; },
                        [](Rounded, Rounded, Rounded g) {
                          return Two{g, g};
                        },
                        kAny, kAny, "binary_add"});
  row.exact_on_integers = row.takes_i64 = true;
  row.bad.push_back(not_of_bool("add", [](const Tensor& x) { return add(x, x); }));
  row.edges = {{"infinite_and_nan",
                {row_of({kInf, kInf, kNan, 1}), row_of({1, -kInf, 1, kNan})},
                {row_of({kInf, kNan, kNan, kNan})}}};
  return row;
}

Row sub_row() {
  Row row = binary_row({"sub", "a - b", on(sub), [](Rounded a, Rounded b) { return a - b; },
                        [](Rounded, Rounded, Rounded g) {
                          return Two{g, -g};
                        },
                        kAny, kAny, "binary_sub"});
  row.exact_on_integers = row.takes_i64 = true;
  row.bad.push_back(not_of_bool("sub", [](const Tensor& x) { return sub(x, x); }));
  row.edges = {{"infinite_and_nan",
                {row_of({kInf, kInf, kNan, 1}), row_of({1, kInf, 1, kNan})},
                {row_of({kInf, kNan, kNan, kNan})}}};
  return row;
}

Row mul_row() {
  Row row = binary_row({"mul", "a b", on(mul), [](Rounded a, Rounded b) { return a * b; },
                        [](Rounded a, Rounded b, Rounded g) {
                          return Two{g * b, g * a};
                        },
                        kAny, kAny, "binary_mul"});
  row.exact_on_integers = row.takes_i64 = true;
  row.bad.push_back(not_of_bool("mul", [](const Tensor& x) { return mul(x, x); }));
  row.edges = {{"infinite_and_nan",
                {row_of({0, kInf, kNan, -2}), row_of({kInf, -2, 0, kInf})},
                {row_of({kNan, -kInf, kNan, -kInf})}}};
  return row;
}

Row div_row() {
  Row row = binary_row({"div", "a / b", on(div), [](Rounded a, Rounded b) { return a / b; },
                        [](Rounded a, Rounded b, Rounded g) {
                          return Two{g / b, -(g / b * (a / b))};
                        },
                        kAwayFromZero, kAwayFromZero, "binary_div"});
  row.bad.push_back(not_of_i64("div", [](const Tensor& x) { return div(x, x); }));
  row.edges = {{"by_zero",
                {row_of({1, -1, 0, kNan, kInf}), row_of({0, 0, 0, 1, kInf})},
                {row_of({kInf, -kInf, kNan, kNan, kNan})}}};
  return row;
}

// --- a tensor and a number ---

constexpr double kNumber = 19.0 / 64;  // every type holds it

Row with_number(const char* op, const Unary& what) {
  Row row = unary_row(what);
  row.covers = {op};
  return row;
}

Bad fraction_with_i64(const char* op, const Function1& function) {
  return bad<DTypeError>(
      "fraction_with_i64", [function] { function(zeros_of({2}, i64)); },
      std::string(op) + ": 0.296875 with a tensor of i64 (want a whole number, or a floating tensor: cast with to())");
}

Row add_number_row() {
  const auto f = [](const Tensor& x) { return add(x, kNumber); };
  Row row = with_number("add_number", {"add_number", "x + c", f, [](Rounded x) { return x + kNumber; },
                                       [](Rounded, Rounded g) { return g; }});
  row.bad = {fraction_with_i64("add_number", f), not_of_bool("add_number", f)};
  return row;
}

Row sub_number_row() {
  const auto f = [](const Tensor& x) { return sub(x, kNumber); };
  Row row = with_number("add_number", {"sub_number", "x - c", f, [](Rounded x) { return x - kNumber; },
                                       [](Rounded, Rounded g) { return g; }});
  row.bad = {not_of_bool("add_number", f)};
  return row;
}

Row number_sub_row() {
  const auto f = [](const Tensor& x) { return sub(kNumber, x); };
  Row row = with_number("number_sub", {"number_sub", "c - x", f, [](Rounded x) { return kNumber - x; },
                                       [](Rounded, Rounded g) { return -g; }});
  row.bad = {fraction_with_i64("number_sub", f), not_of_bool("number_sub", f)};
  return row;
}

Row mul_number_row() {
  const auto f = [](const Tensor& x) { return mul(x, kNumber); };
  Row row = with_number("mul_number", {"mul_number", "c x", f, [](Rounded x) { return kNumber * x; },
                                       [](Rounded, Rounded g) { return kNumber * g; }});
  row.bad = {fraction_with_i64("mul_number", f), not_of_bool("mul_number", f)};
  row.edges = {{"infinite_and_nan", {row_of({kInf, -kInf, kNan})}, {row_of({kInf, -kInf, kNan})}}};
  return row;
}

Row div_number_row() {
  const auto f = [](const Tensor& x) { return div(x, kNumber); };
  Row row = with_number("div_number", {"div_number", "x / c", f, [](Rounded x) { return x / kNumber; },
                                       [](Rounded, Rounded g) { return g / kNumber; }});
  row.bad = {not_of_i64("div_number", f)};
  row.edges = {
      {"by_zero", {row_of({1, -1, 0, kNan})}, {row_of({kInf, -kInf, kNan, kNan})}, {}, [](std::span<const Tensor> in) {
         return std::vector{div(in[0], 0)};
       }}};
  return row;
}

Row number_div_row() {
  const auto f = [](const Tensor& x) { return div(kNumber, x); };
  Row row = with_number("number_div", {"number_div", "c / x", f, [](Rounded x) { return kNumber / x; },
                                       [](Rounded x, Rounded g) { return -(g * (kNumber / x) / x); }, kAwayFromZero});
  row.bad = {not_of_i64("number_div", f)};
  row.edges = {{"by_zero", {row_of({0, kInf, kNan})}, {row_of({kInf, 0, kNan})}}};
  return row;
}

// --- gradients that are ops of their own: of diff_dst, here a, and what the forward kept, here b ---

Row backward(const Binary& op) {
  Row row = backward_row(op);
  row.bad = {bad<ShapeError>(
                 "shapes",
                 [f = op.function] {
                   f(zeros_of({2, 3}), zeros_of({3}));
                 },
                 std::string(op.name) +
                     ": shapes differ: diff_dst is [2, 3], the forward's tensor is [3] (want equal shapes)"),
             mixed_types(op.name, op.function)};
  return row;
}

Row tanh_backward_row() {
  constexpr Domain domain{.low = -0.9, .high = 0.9, .gap = 0.1};
  return backward({"tanh_backward", "diff_dst (1 - dst^2)", on(tanh_backward),
                   [](Rounded g, Rounded y) { return g * (1 - y * y); },
                   [](Rounded g, Rounded y, Rounded h) {
                     return Two{h * (1 - y * y), h * g * y * -2};
                   },
                   domain, domain});
}

Row sigmoid_backward_row() {
  constexpr Domain domain{.low = 0.1, .high = 0.9};
  return backward({"sigmoid_backward", "diff_dst dst (1 - dst)", on(sigmoid_backward),
                   [](Rounded g, Rounded y) { return g * y * (1 - y); },
                   [](Rounded g, Rounded y, Rounded h) {
                     return Two{h * y * (1 - y), h * g * (1 - y * 2)};
                   },
                   domain, domain});
}

Row relu_backward_row() {
  constexpr Domain domain{.gap = 0.1};
  Row row = backward({"relu_backward", "diff_dst where dst > 0, else 0", on(relu_backward),
                      [](Rounded g, Rounded y) { return y.value > 0 ? g : 0; },
                      [](Rounded, Rounded y, Rounded h) {
                        return Two{y.value > 0 ? h : 0, 0};
                      },
                      domain, domain});
  row.exact_on_integers = true;
  row.nonzero_gradients = 0.2;  // that of dst is 0 everywhere, and of diff_dst at half of the elements
  row.edges = {{"stops_what_is_not_a_number", {row_of({kInf, kNan, 3}), row_of({0, 0, 0})}, {row_of({0, 0, 0})}}};
  return row;
}

Row sqrt_backward_row() {
  // Domains that differ: of one tensor passed twice it is constant, and its derivatives are nothing but noise.
  constexpr Domain diff{.low = 0.5, .high = 2.5};
  Row row = backward({"sqrt_backward", "diff_dst / (2 dst), and 0 where diff_dst is 0", on(sqrt_backward),
                      [](Rounded g, Rounded y) { return g / (2 * y); },
                      [](Rounded g, Rounded y, Rounded h) {
                        return Two{h / (2 * y), -(h * g / (2 * (y * y)))};
                      },
                      diff, kPositive});
  row.edges = {{"nothing_flows_into_0", {row_of({0, 1, 0}), row_of({0, 0, 2})}, {row_of({0, kInf, 0})}}};
  return row;
}

Row square_backward_row() {
  Row row = backward({"square_backward", "2 diff_dst src", on(square_backward),
                      [](Rounded g, Rounded x) { return g * (2 * x); },
                      [](Rounded g, Rounded x, Rounded h) {
                        return Two{h * (2 * x), h * (2 * g)};
                      }});
  row.exact_on_integers = true;
  return row;
}

}  // namespace

std::vector<Row> elementwise_rows() {
  return {add_row(),
          sub_row(),
          mul_row(),
          div_row(),
          add_number_row(),
          sub_number_row(),
          number_sub_row(),
          mul_number_row(),
          div_number_row(),
          number_div_row(),
          neg_row(),
          exp_row(),
          log_row(),
          sqrt_row(),
          square_row(),
          tanh_row(),
          sigmoid_row(),
          relu_row(),
          tanh_backward_row(),
          sigmoid_backward_row(),
          relu_backward_row(),
          sqrt_backward_row(),
          square_backward_row()};
}

}  // namespace dagrad::op_table
