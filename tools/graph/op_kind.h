// What kind of work an op does.
#pragma once

#include <string_view>

namespace dagrad::tools {

enum class OpKind { leaf, product, elementwise, reduction, view, norm, loss, other };

/// All kinds, in the order of a legend.
inline constexpr OpKind kOpKinds[] = {OpKind::leaf, OpKind::product, OpKind::elementwise, OpKind::reduction,
                                      OpKind::view, OpKind::norm,    OpKind::loss,        OpKind::other};

/// The kind of an op by its name, from the family of the op table that it belongs to; `other` for users' own ops.
/// Thread-safe.
OpKind kind_of(std::string_view op);

/// Like "matmul, convolution".
std::string_view describe(OpKind kind);

/// The kind's colour on paper, and on a dark page, as "#rrggbb".
std::string_view light_color(OpKind kind);
std::string_view dark_color(OpKind kind);

/// A word for it in a style sheet.
std::string_view class_of(OpKind kind);

}  // namespace dagrad::tools
