#include "compare_ops/sides.h"
#include "dagrad/core/backward.h"
#include "dagrad/core/dtype.h"
#include "dagrad/core/grad_mode.h"

namespace dagrad::compare_ops {
namespace {

Side forward(const op_table::Sample& sample, const std::vector<Tensor>& inputs) {
  const auto run = [&sample, inputs] {
    const NoGrad guard;
    return sample.call(inputs);
  };
  return {[run] { run(); }, [run] { return op_table::to_arrays(run()); }};
}

Side step(const op_table::Sample& sample, const std::vector<Tensor>& from, const std::vector<Tensor>& diff) {
  std::vector<Tensor> inputs, wanted;
  for (const Tensor& input : from) {
    inputs.push_back(input.detach());
    if (is_floating(input.dtype())) wanted.push_back(inputs.back().requires_grad_());
  }
  const auto run = [=, &sample] { return grad(sample.call(inputs), wanted, diff, {.allow_unused = true}); };
  const auto results = [=] {
    op_table::Arrays arrays;
    const std::vector<Tensor> gradients = run();
    for (std::size_t i = 0; i < gradients.size(); ++i)
      arrays.push_back(gradients[i].defined() ? op_table::to_array(gradients[i]) : op_table::Array(wanted[i].shape()));
    return arrays;
  };
  return {[run] { run(); }, results};
}

}  // namespace

Side dagrad_side(const op_table::Sample& sample, const std::vector<Tensor>& inputs, const std::vector<Tensor>& diff,
                 Kind kind) {
  return kind == Kind::forward ? forward(sample, inputs) : step(sample, inputs, diff);
}

}  // namespace dagrad::compare_ops
