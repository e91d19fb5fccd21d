// How many floating-point operations a recorded op takes.
#pragma once

#include "dagrad/core/graph.h"

namespace dagrad::tools {

/// Of the forward: two for each multiplication and addition of matrix products, convolutions and recurrent layers, from
/// the shapes of the results and of the weights (those that require a gradient: the graph knows no others); 0 for
/// everything else, whose cost is what it moves.
double forward_flops(const Node& node);
/// Of the backward: the same once for each of the two factors that needs a gradient.
double backward_flops(const Node& node);

/// Of all ops of a graph.
double forward_flops(const Graph& graph);
double backward_flops(const Graph& graph);

}  // namespace dagrad::tools
