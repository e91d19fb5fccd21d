#include "tools/tensor_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/view.h"

namespace dagrad::tools {
namespace {

constexpr std::int64_t kPiece = 1 << 20;

void for_each(const Tensor& t, const std::function<void(double)>& see) {
  const Tensor flat = reshape(t, {t.numel()});
  for (std::int64_t first = 0; first < flat.numel(); first += kPiece) {
    const Tensor piece = slice(flat, 0, first, std::min(first + kPiece, flat.numel()));
    for (const double value : to(piece, f64).to_vector<double>()) see(value);
  }
}

}  // namespace

TensorStatistics statistics_of(const Tensor& t, const std::string& name, int bins) {
  const NoGrad guard;
  TensorStatistics s;
  s.count = t.numel();
  s.least = std::numeric_limits<double>::infinity();
  s.most = -s.least;
  double squares = 0, distances = 0;
  std::int64_t seen = 0;
  for_each(t, [&](double x) {
    if (!std::isfinite(x)) {
      ++(std::isnan(x) ? s.nan : s.infinite);
      return;
    }
    s.zeros += x == 0 ? 1 : 0;
    s.least = std::min(s.least, x);
    s.most = std::max(s.most, x);
    squares += x * x;
    // Welford's update: no difference of large sums.
    const double distance = x - s.mean;
    s.mean += distance / static_cast<double>(++seen);
    distances += distance * (x - s.mean);
  });
  s.histogram = {name, 0, 1, std::vector<double>(static_cast<std::size_t>(bins))};
  if (seen == 0) {
    s.mean = s.deviation = s.least = s.most = s.norm = std::numeric_limits<double>::quiet_NaN();
    return s;
  }
  s.deviation = std::sqrt(distances / static_cast<double>(seen));
  s.norm = std::sqrt(squares);
  // A constant gets a histogram around it.
  const double room = s.most > s.least ? 0 : std::max(0.5, std::fabs(s.most) / 2);
  s.histogram.low = s.least - room;
  s.histogram.high = s.most + room;
  const double scale = bins / (s.histogram.high - s.histogram.low);
  for_each(t, [&](double x) {
    if (!std::isfinite(x)) return;
    const double at = std::clamp((x - s.histogram.low) * scale, 0.0, static_cast<double>(bins - 1));
    ++s.histogram.counts[static_cast<std::size_t>(at)];
  });
  return s;
}

std::string sparkline(const Histogram& histogram, std::size_t width) {
  constexpr std::array kHeights{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::vector<double> groups(width);
  for (std::size_t i = 0; i < histogram.counts.size(); ++i)
    groups[i * width / histogram.counts.size()] += histogram.counts[i];
  const double most = *std::max_element(groups.begin(), groups.end());
  std::string text;
  for (const double count : groups) {
    if (count <= 0) {
      text += ' ';
      continue;
    }
    const double share = count / most * static_cast<double>(kHeights.size());
    text += kHeights[static_cast<std::size_t>(std::clamp(std::ceil(share) - 1, 0.0, 7.0))];
  }
  return text;
}

}  // namespace dagrad::tools
