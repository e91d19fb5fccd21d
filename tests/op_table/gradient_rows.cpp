#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/pull_back.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/view.h"
#include "op_table/elementwise.h"
#include "op_table/moving.h"

// The ops of core.

namespace dagrad::op_table {
namespace {

/// Recorded when gradients add up in a backward that is itself recorded.
Row add_gradients_row() {
  Row row = backward_row({"add_gradients",
                          "a + b, the gradient of x in (a x, b x)",
                          {},
                          [](Rounded a, Rounded b) { return a + b; },
                          [](Rounded, Rounded, Rounded h) {
                            return std::array<Rounded, 2>{h, h};
                          }});
  row.call = [](std::span<const Tensor> in) {
    const GradMode recording(true);
    const Tensor x = ones(in[0].shape(), in[0].dtype()).requires_grad_();
    const Tensor one = ones_like(x);
    return grad(std::vector{in[0] * x, reshape(in[1], x.shape()) * x}, std::vector{x}, std::vector{one, one},
                {.create_graph = true});
  };
  row.primitive = "binary_mul";
  row.exact_on_integers = true;
  return row;
}

/// Recorded where a function that is differentiated gets its argument.
Row argument_row() {
  Row row = moving_row("argument", "the same elements under another node");
  const auto pass = [](const Tensor& x) { return x.requires_grad() ? as_arguments({x}, true)[0] : x; };
  row.samples = {reshaped("scalar", {}, pass, {}), reshaped("3x17", {3, 17}, pass, {3, 17}),
                 reshaped("empty_0x3", {0, 3}, pass, {0, 3})};
  row.benchmarks = moving_benchmarks([&](const char* name, std::int64_t n) {
    return reshaped(name, {n, n}, pass, {n, n});
  });
  return row;
}

}  // namespace

std::vector<Row> gradient_rows() { return {add_gradients_row(), argument_row()}; }

}  // namespace dagrad::op_table
