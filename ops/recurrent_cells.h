// The layers of each kind of cell. Internal.
#pragma once

#include <array>
#include <span>

#include "dagrad/core/location.h"
#include "dagrad/core/tensor.h"
#include "dagrad/ops/recurrent_layer.h"

namespace dagrad::recurrent {

/// One layer in one direction, from inputs as of `Input`: [output, h_n], and c_n.
std::array<Tensor, 2> rnn_layer(std::span<const Tensor> in, bool relu, bool reverse, Location where);
std::array<Tensor, 3> lstm_layer(std::span<const Tensor> in, bool reverse, Location where);
std::array<Tensor, 2> gru_layer(std::span<const Tensor> in, bool reverse, Location where);

}  // namespace dagrad::recurrent
