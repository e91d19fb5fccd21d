// Why a gradient is zero, undefined or not finite.
#pragma once

#include <boost/graph/adjacency_list.hpp>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad {

/// What stops a gradient.
enum class CutCause {
  constant,    ///< the input never was a tensor that requires a gradient
  unused,      ///< nothing that was computed from the input reaches the output
  detached,    ///< an op read the elements without their history
  no_grad,     ///< an op ran under NoGrad
  integer,     ///< the path leads through integers or bools
  unknown,     ///< the path is not in the recorded graph, and no GradientTrace was there to see where it ended
  zero,        ///< an op's gradient is zero at every element: dead or saturated units, a zero factor
  vanishing,   ///< an op passes on less than a millionth of its gradient
  not_given,   ///< an op's backward gives this input nothing
  cancelled,   ///< the gradients of several uses add up to zero
  not_finite,  ///< an op turns a finite gradient into NaN or infinity
  failed,      ///< a backward threw
};

/// Like "no_grad".
std::string_view name_of(CutCause cause);

/// One place where a gradient gets lost, or spoilt.
struct GradientCut {
  CutCause cause;
  std::string op;       ///< the op's name, empty where there is none
  Location where;       ///< where it was called
  std::uint32_t input;  ///< which of its inputs gets no gradient
  std::string text;     ///< all of it as a sentence
};

/// What explain_grad() found.
struct Explanation {
  enum class Verdict { flows, zero, undefined, not_finite };

  /// A vertex, or an edge, of the drawing.
  struct Drawn {
    std::string label;
    std::string style;  // attributes of dot
  };
  using Drawing = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, Drawn, Drawn>;

  Verdict verdict = Verdict::flows;
  /// The edges at which the path from the output to the input is cut; several when all of several paths are. When the
  /// gradient flows: those at which it nearly vanishes.
  std::vector<GradientCut> cuts;
  /// The gradient; undefined where it could not be computed.
  Tensor gradient;
  /// The verdict in words.
  std::string headline;
  /// What lies between the input and the output.
  Drawing drawing;

  /// The headline and the cuts, a line each.
  std::string str() const;
};

std::ostream& operator<<(std::ostream& out, const Explanation& explanation);

/// The drawing in Graphviz' dot language: edges run with the data; those along which the gradient flows back are green
/// with its largest element, those that cut it red with the cause.
void write_graphviz(std::ostream& out, const Explanation& explanation);

/// Explains the gradient of `output` (weighted with `cotangent`; ones where it is undefined) with respect to `input`:
/// runs the backward between them, keeping the graph and leaving every grad alone, and finds the edges at which it gets
/// zero, undefined or infinite. Where the recorded graph does not connect the two, the ops that were not recorded are
/// searched, provided that both tensors were computed under a GradientTrace that still lives.
Explanation explain_grad(const Tensor& output, const Tensor& input, const Tensor& cotangent = {});

}  // namespace dagrad
