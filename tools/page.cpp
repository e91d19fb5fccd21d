#include "tools/page.h"

#include <fmt/format.h>
#include <string_view>

#include "tools/chart.h"

namespace dagrad::tools {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ink: #1b1f24; --faint: #6a737d; --line: #d8dee4; --paper: #ffffff; --cell: 9, 105, 218;
  --c0: #0969da; --c1: #bc4c00; --c2: #1a7f37; --c3: #8250df; --c4: #bf3989; --c5: #4d7c8a; --c6: #9a6700; --c7: #57606a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --faint: #8b949e; --line: #30363d; --paper: #0d1117; --cell: 88, 166, 255;
  --c0: #58a6ff; --c1: #f0883e; --c2: #3fb950; --c3: #bc8cff; --c4: #f778ba; --c5: #76b5c5; --c6: #d29922; --c7: #8b949e; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.big { font-size: 2.2rem; font-weight: 600; } .faint, figcaption { color: var(--faint); font-size: 1rem; font-weight: 400; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1.5rem; margin: 1rem 0; }
.charts > div { max-width: 36rem; } .images { display: flex; flex-wrap: wrap; gap: .75rem; margin: .75rem 0; } figure.image { margin: 0; width: 84px; } figcaption { font-size: .75rem; line-height: 1.25; }
figure.image img { width: 84px; image-rendering: pixelated; border: 1px solid var(--line); display: block; }
svg { width: 100%; height: auto; } svg text { fill: var(--faint); font: 11px system-ui, sans-serif; }
svg text.title { fill: var(--ink); font-size: 13px; font-weight: 600; } .grid { stroke: var(--line); stroke-width: 1; }
path, line { fill: none; stroke-width: 1.8; stroke-linejoin: round; } .area { fill: var(--c0); fill-opacity: .35; stroke: var(--c0); stroke-width: 1; }
.again { stroke-dasharray: 5 3; } .over path { stroke-width: 2; } .over circle { stroke: #fff; stroke-width: 1; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .8rem 0; }
td, th { padding: .2rem .6rem; text-align: right; font-weight: normal; border-bottom: 1px solid var(--line); }
th { color: var(--faint); } td:first-child, th:first-child, .text { text-align: left; } td.text { white-space: pre-wrap; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem; } summary { cursor: pointer; }
)";

std::string style() {
  std::string text(kStyle);
  for (int i = 0; i < 8; ++i)
    text += fmt::format(".c{0} {{ stroke: var(--c{0}); }} circle.c{0} {{ fill: var(--c{0}); }}\n", i);
  return text;
}

}  // namespace

Page& Page::heading(const std::string& text) { return raw("<h2>" + escape(text) + "</h2>"); }
Page& Page::paragraph(const std::string& text) { return raw("<p>" + escape(text) + "</p>"); }
Page& Page::headline(const std::string& text, const std::string& note) {
  return raw(fmt::format("<p class=\"big\">{} <span class=\"faint\">{}</span></p>", escape(text), escape(note)));
}

Page& Page::table(const Table& table) {
  const std::vector<bool> numbers = columns_of_numbers(table);
  std::string html = "<div class=\"scroll\"><table>";
  const auto add_row = [&](const std::vector<std::string>& cells, const char* element) {
    html += "<tr>";
    for (std::size_t c = 0; c < cells.size(); ++c)
      html += fmt::format("<{0}{1}>{2}</{0}>", element, numbers[c] ? "" : " class=\"text\"", escape(cells[c]));
    html += "</tr>";
  };
  add_row(table.columns, "th");
  for (const auto& row : table.rows) add_row(row, "td");
  return raw(html + "</table></div>");
}

Page& Page::charts(const std::vector<std::string>& svgs) {
  std::string html = "<div class=\"charts\">";
  for (const std::string& svg : svgs) html += "<div>" + svg + "</div>";
  return raw(html + "</div>");
}

Page& Page::images(const std::vector<std::string>& figures) {
  std::string html = "<div class=\"images\">";
  for (const std::string& figure : figures) html += figure;
  return raw(html + "</div>");
}

Page& Page::raw(const std::string& html) {
  body_ += html + "\n";
  return *this;
}

std::string standalone(const std::string& chart) {
  const std::size_t inside = chart.find('>') + 1;
  return "<svg xmlns=\"http://www.w3.org/2000/svg\"" + chart.substr(4, inside - 5) + "><style>" + style() +
         "</style><rect width=\"100%\" height=\"100%\" style=\"fill: var(--paper)\"/>" + chart.substr(inside) + "\n";
}

std::string Page::html() const {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width, initial-scale=1\"><title>" +
         escape(title_) + "</title><style>" + style() + "</style></head><body>\n<h1>" + escape(title_) + "</h1>\n" +
         body_ + "</body></html>\n";
}

}  // namespace dagrad::tools
