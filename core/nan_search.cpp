#include "dagrad/core/nan_search.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "dagrad/core/copy.h"
#include "dagrad/core/index_at.h"
#include "dagrad/core/watch.h"

namespace dagrad {
namespace {

template <class Bad>
std::optional<BadValue> first_where(const Tensor& t, const Bad& bad) {
  const Tensor values = contiguous_data(t);
  return visit_dtype(values.dtype(), [&]<class T>(T) -> std::optional<BadValue> {
    const T* data = values.data<T>();
    for (std::int64_t i = 0; i < values.numel(); ++i) {
      const auto value = convert_to<double>(data[i]);
      if (bad(value)) return BadValue{index_at(t.shape(), i), std::isnan(value) ? std::abs(value) : value};
    }
    return std::nullopt;
  });
}

}  // namespace

std::optional<BadValue> first_bad(const Tensor& t) {
  if (!t.defined() || !is_floating(t.dtype())) return std::nullopt;
  if (watched(Watch::infinity)) return first_where(t, [](double x) { return !std::isfinite(x); });
  return first_where(t, [](double x) { return std::isnan(x); });
}

std::string described(const Tensor& t) {
  std::string text = t.name().empty() ? "" : fmt::format(" '{}'", t.name());
  text += fmt::format(" {} {}", name_of(t.dtype()), t.shape().str());
  if (t.numel() == 0) return text;
  if (const auto bad = first_where(t, [](double x) { return std::isnan(x); }))
    return text + fmt::format(" with nan at {}", bad->index.str());
  const auto values = t.to_vector<double>();
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return text + fmt::format(" from {:.4g} to {:.4g}", *low, *high);
}

}  // namespace dagrad
