#include "dagrad/nn/data/digits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <numbers>
#include <span>
#include <vector>

#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "dagrad/core/random.h"

namespace dagrad::data {
namespace {

constexpr int kSide = 28;

struct Point {
  float x, y;
};
using Stroke = std::vector<Point>;
using Glyph = std::vector<Stroke>;

/// The ways of writing each digit: strokes of control points in a box of side 1, y pointing down. Smooth curves run
/// through the points; a point that is given twice in a row makes a corner.
const std::array<std::vector<Glyph>, 10>& ways_of_writing() {
  static const std::array<std::vector<Glyph>, 10> glyphs = {{
      /* 0 */ {{{{.50f, .05f},
                 {.25f, .20f},
                 {.20f, .50f},
                 {.26f, .82f},
                 {.50f, .95f},
                 {.74f, .82f},
                 {.80f, .50f},
                 {.75f, .20f},
                 {.50f, .05f}}},
               {{{.55f, .05f},
                 {.32f, .25f},
                 {.28f, .60f},
                 {.42f, .93f},
                 {.65f, .80f},
                 {.72f, .40f},
                 {.60f, .10f},
                 {.48f, .08f}}}},
      /* 1 */
      {{{{.52f, .05f}, {.50f, .95f}}},
       {{{.30f, .25f}, {.55f, .05f}, {.55f, .05f}, {.53f, .95f}}},
       {{{.30f, .25f}, {.52f, .05f}, {.52f, .05f}, {.52f, .95f}}, {{.28f, .95f}, {.76f, .95f}}}},
      /* 2 */
      {{{{.22f, .25f},
         {.40f, .06f},
         {.70f, .12f},
         {.74f, .36f},
         {.50f, .65f},
         {.20f, .94f},
         {.20f, .94f},
         {.82f, .93f}}},
       {{{.24f, .22f},
         {.50f, .05f},
         {.74f, .24f},
         {.60f, .52f},
         {.32f, .82f},
         {.24f, .92f},
         {.38f, .80f},
         {.58f, .92f},
         {.82f, .86f}}}},
      /* 3 */
      {{{{.24f, .14f},
         {.52f, .05f},
         {.74f, .22f},
         {.62f, .42f},
         {.42f, .47f},
         {.42f, .47f},
         {.70f, .55f},
         {.76f, .76f},
         {.54f, .95f},
         {.22f, .86f}}},
       {{{.22f, .07f},
         {.74f, .07f},
         {.74f, .07f},
         {.46f, .42f},
         {.46f, .42f},
         {.76f, .58f},
         {.70f, .86f},
         {.44f, .95f},
         {.20f, .84f}}}},
      /* 4 */
      {{{{.62f, .95f}, {.62f, .05f}, {.62f, .05f}, {.18f, .66f}, {.18f, .66f}, {.84f, .66f}}},
       {{{.28f, .06f}, {.24f, .50f}, {.24f, .50f}, {.78f, .48f}}, {{.70f, .10f}, {.66f, .95f}}}},
      /* 5 */
      {{{{.76f, .06f},
         {.30f, .06f},
         {.30f, .06f},
         {.26f, .44f},
         {.26f, .44f},
         {.56f, .38f},
         {.78f, .60f},
         {.66f, .90f},
         {.36f, .95f},
         {.20f, .84f}}},
       {{{.34f, .08f}, {.28f, .46f}, {.28f, .46f}, {.60f, .42f}, {.74f, .68f}, {.54f, .94f}, {.22f, .88f}},
        {{.34f, .08f}, {.78f, .05f}}}},
      /* 6 */
      {{{{.68f, .06f},
         {.40f, .24f},
         {.24f, .60f},
         {.34f, .92f},
         {.64f, .92f},
         {.76f, .70f},
         {.60f, .50f},
         {.36f, .56f},
         {.25f, .72f}}},
       {{{.46f, .05f},
         {.28f, .44f},
         {.26f, .80f},
         {.50f, .95f},
         {.72f, .80f},
         {.64f, .58f},
         {.40f, .58f},
         {.28f, .72f}}}},
      /* 7 */
      {{{{.20f, .07f}, {.80f, .07f}, {.80f, .07f}, {.56f, .46f}, {.44f, .95f}}},
       {{{.22f, .10f}, {.78f, .06f}, {.78f, .06f}, {.40f, .95f}}, {{.34f, .50f}, {.72f, .48f}}}},
      /* 8 */
      {{{{.70f, .18f},
         {.48f, .05f},
         {.28f, .20f},
         {.44f, .44f},
         {.70f, .62f},
         {.72f, .84f},
         {.48f, .95f},
         {.26f, .80f},
         {.34f, .60f},
         {.62f, .42f},
         {.70f, .18f}}},
       {{{.50f, .05f}, {.28f, .20f}, {.36f, .42f}, {.50f, .46f}, {.70f, .36f}, {.70f, .16f}, {.50f, .05f}},
        {{.50f, .46f}, {.26f, .62f}, {.30f, .88f}, {.52f, .95f}, {.76f, .84f}, {.72f, .58f}, {.50f, .46f}}}},
      /* 9 */
      {{{{.74f, .28f},
         {.56f, .06f},
         {.30f, .16f},
         {.28f, .40f},
         {.50f, .52f},
         {.72f, .34f},
         {.74f, .28f},
         {.72f, .60f},
         {.60f, .95f}}},
       {{{.70f, .12f},
         {.40f, .06f},
         {.26f, .30f},
         {.42f, .50f},
         {.68f, .38f},
         {.74f, .10f},
         {.74f, .10f},
         {.72f, .70f},
         {.50f, .94f},
         {.26f, .86f}}}},
  }};
  return glyphs;
}

float normal(Generator& generator) {
  const double radius = std::sqrt(-2 * std::log(1 - generator.next_uniform()));
  return static_cast<float>(radius * std::cos(2 * std::numbers::pi * generator.next_uniform()));
}
float between(Generator& generator, float low, float high) {
  return low + (high - low) * static_cast<float>(generator.next_uniform());
}

/// A curve through the control points (Catmull and Rom's spline), as short straight pieces.
Stroke smooth(const Stroke& points) {
  constexpr int kPieces = 6;
  Stroke result;
  const auto at = [&](std::ptrdiff_t i) {
    return points[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(i, 0, std::ssize(points) - 1))];
  };
  for (std::ptrdiff_t i = 0; i + 1 < std::ssize(points); ++i) {
    const Point a = at(i - 1), b = at(i), c = at(i + 1), d = at(i + 2);
    for (int k = 0; k < kPieces; ++k) {
      const float t = static_cast<float>(k) / kPieces;
      const auto mix = [t](float p, float q, float r, float s) {
        return 0.5f * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t * t + (3 * q - p - 3 * r + s) * t * t * t);
      };
      result.push_back({mix(a.x, b.x, c.x, d.x), mix(a.y, b.y, c.y, d.y)});
    }
  }
  result.push_back(points.back());
  return result;
}

float squared_distance(Point p, Point a, Point b) {
  const float dx = b.x - a.x, dy = b.y - a.y;
  const float length = dx * dx + dy * dy;
  const float t = length > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length, 0.0f, 1.0f) : 0.0f;
  const float x = p.x - a.x - t * dx, y = p.y - a.y - t * dy;
  return x * x + y * y;
}

/// Paints the piece from a to b with a round pen; edges fade over `blur` pixels.
void paint(std::span<float> image, Point a, Point b, float radius, float blur) {
  const float reach = radius + blur;
  const auto first = [](float v) { return std::clamp(static_cast<int>(std::floor(v)), 0, kSide - 1); };
  for (int y = first(std::min(a.y, b.y) - reach); y <= first(std::max(a.y, b.y) + reach + 1); ++y) {
    for (int x = first(std::min(a.x, b.x) - reach); x <= first(std::max(a.x, b.x) + reach + 1); ++x) {
      const float distance = std::sqrt(squared_distance({static_cast<float>(x), static_cast<float>(y)}, a, b));
      const float ink = std::clamp((radius + blur - distance) / (2 * blur), 0.0f, 1.0f);
      float& pixel = image[static_cast<std::size_t>(y) * kSide + static_cast<std::size_t>(x)];
      pixel = std::max(pixel, ink);
    }
  }
}

void paint(std::span<float> image, const Stroke& stroke, float radius, float blur) {
  for (std::size_t i = 0; i + 1 < stroke.size(); ++i) paint(image, stroke[i], stroke[i + 1], radius, blur);
}

/// Where a control point of the unit box comes to lie in the image.
struct Placement {
  float xx, xy, yx, yy, x0, y0;
  Point operator()(Point p) const {
    const float x = p.x - 0.5f, y = p.y - 0.5f;
    return {x0 + xx * x + xy * y, y0 + yx * x + yy * y};
  }
};

Placement draw_placement(Generator& g) {
  const float turn = 0.13f * normal(g), slant = 0.16f * normal(g);
  const float width = between(g, 12, 20), height = between(g, 16, 22);
  const float c = std::cos(turn), s = std::sin(turn);
  return {width * c,
          height * (slant * c - s),
          width * s,
          height * (slant * s + c),
          13.5f + 1.0f * normal(g),
          13.5f + 1.0f * normal(g)};
}

void draw(std::int64_t digit, Generator& g, std::span<float> image) {
  std::fill(image.begin(), image.end(), 0.0f);
  const auto& ways = ways_of_writing()[static_cast<std::size_t>(digit)];
  const Placement place = draw_placement(g);
  const float radius = between(g, 0.8f, 1.7f), blur = between(g, 0.5f, 1.0f), jitter = between(g, 0.010f, 0.040f);
  for (Stroke stroke : ways[g.next_below(ways.size())]) {
    // The two points of a corner move together.
    for (std::size_t i = 0; i < stroke.size(); ++i) {
      const bool corner = i > 0 && stroke[i].x == stroke[i - 1].x && stroke[i].y == stroke[i - 1].y;
      const Point moved{stroke[i].x + jitter * normal(g), stroke[i].y + jitter * normal(g)};
      if (corner) continue;
      const std::size_t last =
          i + 1 < stroke.size() && stroke[i + 1].x == stroke[i].x && stroke[i + 1].y == stroke[i].y ? i + 1 : i;
      for (std::size_t k = i; k <= last; ++k) stroke[k] = moved;
      i = last;
    }
    for (Point& p : stroke) p = place(p);
    paint(image, smooth(stroke), radius, blur);
  }
  // Stains: short strokes that belong to nothing.
  for (std::uint64_t stains = g.next_below(3); stains > 0; --stains) {
    const Point a{between(g, 0, kSide - 1), between(g, 0, kSide - 1)};
    paint(image, {a, {a.x + 3 * normal(g), a.y + 3 * normal(g)}}, between(g, 0.3f, 0.9f), 0.6f);
  }
  const float ink = between(g, 0.65f, 1.0f), noise = between(g, 0.02f, 0.12f);
  for (float& pixel : image) pixel = std::clamp(ink * pixel + noise * normal(g), 0.0f, 1.0f);
}

}  // namespace

Dataset digits(std::int64_t count, std::uint64_t seed) {
  if (count < 0) throw UsageError(fmt::format("digits: count is {} (want at least 0)", count));
  Dataset result{Tensor::allocate({{count, 1, kSide, kSide}, f32}), Tensor::allocate({{count}, i64}), 10};
  float* pixels = result.features.mutable_data<float>();
  std::int64_t* labels = result.labels.mutable_data<std::int64_t>();
  const Generator root(seed);
  parallel_for(count, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      Generator g = root.fork(static_cast<std::uint64_t>(i));
      labels[i] = static_cast<std::int64_t>(g.next_below(10));
      draw(labels[i], g, std::span(pixels + i * kSide * kSide, static_cast<std::size_t>(kSide * kSide)));
    }
  });
  return result;
}

}  // namespace dagrad::data
