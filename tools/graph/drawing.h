// A profiled graph as a drawing: every op, or one node for each module.
#pragma once

#include <boost/graph/adjacency_list.hpp>
#include <iosfwd>
#include <string>
#include <vector>

#include "tools/graph/op_kind.h"
#include "tools/graph/step_profile.h"

namespace dagrad::tools {

/// A node of a drawing: one op or leaf, or several of them.
struct DrawnNode {
  std::string name;                ///< the op's, the parameter's or the module's
  std::vector<std::string> lines;  ///< shapes, bytes, times
  std::string tip;                 ///< where it was recorded
  std::string module;              ///< dotted, empty where there is none
  OpKind kind = OpKind::other;     ///< of a module: that of its costliest op
  std::size_t ops = 1;             ///< how many nodes of the graph it stands for
  bool critical = false;           ///< on the critical path
};

/// The tensors that go from one node to another.
struct DrawnEdge {
  std::string label;  ///< the shape, or how many tensors
  double bytes = 0;
  bool critical = false;
};

using Drawing = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, DrawnNode, DrawnEdge>;

/// How much of the modules' nesting a drawing shows.
struct Detail {
  /// Modules nested deeper than this are drawn as one node; 0: every op.
  int level = 0;
  /// Ops outside of modules that one line of source recorded are drawn as one node.
  bool by_line = false;
};

/// The most detail with which a drawing has at most `most` nodes; the least there is when none has.
Detail fitting_detail(const Graph& graph, std::size_t most);

/// Which node of the drawing each vertex of the graph belongs to, numbered from 0 in the order of their first vertices.
std::vector<std::size_t> groups_of(const Graph& graph, const Detail& detail);

Drawing draw(const StepProfile& profile, const Detail& detail);

/// The drawing in Graphviz' dot language, the nodes of a module in a box of their own. Kinds are fill colours and
/// classes of the SVG that dot makes of it.
void write_dot(std::ostream& out, const Drawing& drawing);

/// What to put into the style sheet of an SVG by dot, or of a page around it, for dark surroundings too.
std::string drawing_style();

}  // namespace dagrad::tools
