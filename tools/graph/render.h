// Drawings in the dot language as SVG, by Graphviz' program dot.
#pragma once

#include <optional>
#include <string>

namespace dagrad::tools {

/// The SVG that `dot -Tsvg` makes of `text`, from "<svg" on; empty when there is no such program. Throws Error with
/// what it said when it fails.
std::optional<std::string> svg_of_dot(const std::string& text);

/// What to tell somebody who has no dot.
inline constexpr const char* kNoDot = "no program 'dot' was found (want Graphviz: apt-get install graphviz)";

}  // namespace dagrad::tools
