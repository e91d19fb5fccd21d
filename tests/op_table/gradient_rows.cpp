#include "dagrad/core/backward.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/operators.h"
#include "op_table/elementwise.h"

// The op that core records when gradients add up in a backward that is itself recorded.

namespace dagrad::op_table {

std::vector<Row> gradient_rows() {
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
    return grad(std::vector{in[0] * x, in[1] * x}, std::vector{x}, std::vector{one, one}, {.create_graph = true});
  };
  row.primitive = "binary_mul";
  row.exact_on_integers = true;
  return {row};
}

}  // namespace dagrad::op_table
