// Building the rows of losses that are computed element by element.
#pragma once

#include <array>

#include "dagrad/ops/loss_reduction.h"
#include "op_table/op_table.h"
#include "op_table/rounded.h"

namespace dagrad::op_table {

/// A loss of input and target.
using Loss = std::function<Tensor(const Tensor& input, const Tensor& target, const LossOptions& options)>;

/// What a loss f(x, y) is, with its derivatives, which are the references of its gradients.
struct PointwiseLoss {
  const char* name;
  const char* called = name;  // in messages
  const char* formula;
  Loss function;
  Rounded (*value)(Rounded x, Rounded y);
  std::array<Rounded, 2> (*slopes)(Rounded x, Rounded y);  // df/dx and df/dy
  Domain x = kAny, y = kAny;
};

/// The row of the loss: each reduction, over shapes of all kinds.
Row pointwise_loss_row(const PointwiseLoss& loss);
/// The row of its gradient by the input, which is an op of its own.
Row pointwise_loss_backward_row(const PointwiseLoss& loss, const char* name);

/// An edge case of a loss under some options.
Edge pair_edge(const char* name, const Loss& loss, const LossOptions& options, const Arrays& in, const Array& want,
               const Arrays& gradients = {});

/// sum(losses weight) / sum(weight), or as the reduction says, by plain loops; without weights a mean or sum.
Array reduced(const Array& losses, Reduction reduction, const Array* weight = nullptr);

/// The rows of the families, of which a file each.
std::vector<Row> cross_entropy_rows();
std::vector<Row> nll_loss_rows();
std::vector<Row> binary_cross_entropy_rows();
std::vector<Row> likelihood_loss_rows();
std::vector<Row> margin_loss_rows();

}  // namespace dagrad::op_table
