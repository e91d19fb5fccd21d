// A self-contained HTML page: inline SVG, no network, light and dark, narrow and wide.
#pragma once

#include <string>
#include <vector>

#include "tools/table.h"

namespace dagrad::tools {

class Page {
 public:
  explicit Page(std::string title) : title_(std::move(title)) {}

  /// Text is escaped; figures are HTML or SVG as they are.
  Page& heading(const std::string& text);
  Page& paragraph(const std::string& text);
  /// A result in large letters, with a note beside it.
  Page& headline(const std::string& text, const std::string& note = "");
  Page& table(const Table& table);
  /// Charts side by side where there is room.
  Page& charts(const std::vector<std::string>& svgs);
  Page& images(const std::vector<std::string>& figures);
  Page& raw(const std::string& html);

  std::string html() const;

 private:
  std::string title_, body_;
};

/// A chart as an SVG file of its own, with the page's colours, also light and dark.
std::string standalone(const std::string& chart);

}  // namespace dagrad::tools
