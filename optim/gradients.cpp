#include "dagrad/optim/gradients.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/index_at.h"
#include "dagrad/core/parallel.h"
#include "dagrad/optim/density.h"
#include "dagrad/optim/optimizer.h"
#include "dagrad/optim/sum_powers.h"

namespace dagrad::optim {
namespace {

// Elements whose powers are added up by one thread: a fixed number, so that the sum is the same on any number of
// threads. Sixteen make a thread worth its while.
constexpr std::int64_t kBlock = 4096;
constexpr std::int64_t kBlocksPerThread = 16;

/// Adds a part to a total: sums, or for the maximum norm the larger of two. NaN wins.
double join(double total, double part, NormType type) {
  if (!type.is_maximum()) return total + part;
  return std::isnan(total) || part <= total ? total : part;
}

double root(double sum, NormType type) {
  if (type.is_maximum() || type.p == 1) return sum;
  return type.p == 2 ? std::sqrt(sum) : std::pow(sum, 1 / type.p);
}

/// The elements in any order, without gaps or repeats.
Tensor dense(const Tensor& t) { return is_dense(t) ? t : contiguous_data(t); }

double powers_of(const Tensor& t, std::int64_t begin, std::int64_t count, double p) {
  switch (t.dtype()) {
    case DType::f64: return sum_powers(t.data<double>() + begin, count, p);
    case DType::bf16: return sum_powers(t.data<BFloat16>() + begin, count, p);
    default: return sum_powers(t.data<float>() + begin, count, p);
  }
}

[[noreturn]] void throw_nonfinite(std::string_view owner, std::size_t i, const Tensor& parameter) {
  const std::vector<double> values = parameter.grad().to_vector<double>();
  const auto bad = std::find_if(values.begin(), values.end(), [](double x) { return !std::isfinite(x); });
  throw GradientError(fmt::format("{}: the gradient of {} is {} at {} (want finite gradients)", owner,
                                  parameter_label(i, parameter), *bad,
                                  index_at(parameter.shape(), bad - values.begin()).str()));
}

}  // namespace

std::vector<double> norms(std::span<const Tensor> tensors, NormType type) {
  struct Part {
    std::size_t tensor;
    std::int64_t begin, count;
    double sum;
  };
  std::vector<Tensor> elements;
  std::vector<Part> parts;
  elements.reserve(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    elements.push_back(tensors[i].defined() ? dense(tensors[i]) : Tensor());
    const std::int64_t count = tensors[i].defined() ? tensors[i].numel() : 0;
    for (std::int64_t begin = 0; begin < count; begin += kBlock)
      parts.push_back({i, begin, std::min(kBlock, count - begin), 0});
  }
  parallel_for(static_cast<std::int64_t>(parts.size()), kBlocksPerThread, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      Part& part = parts[static_cast<std::size_t>(k)];
      part.sum = powers_of(elements[part.tensor], part.begin, part.count, type.p);
    }
  });
  std::vector<double> result(tensors.size(), 0);
  for (const Part& part : parts) result[part.tensor] = join(result[part.tensor], part.sum, type);
  for (double& norm : result) norm = root(norm, type);
  return result;
}

double joined_norm(std::span<const double> norms, NormType type) {
  double total = 0;
  for (const double norm : norms) {
    const bool plain = type.is_maximum() || type.p == 1;
    total = join(total, plain ? norm : (type.p == 2 ? norm * norm : std::pow(norm, type.p)), type);
  }
  return root(total, type);
}

std::vector<Tensor> gradients_of(std::span<const Tensor> parameters) {
  std::vector<Tensor> gradients;
  gradients.reserve(parameters.size());
  for (const Tensor& p : parameters) gradients.push_back(p.grad());
  return gradients;
}

void check_finite_gradients(std::string_view owner, std::span<const Tensor> parameters) {
  const std::vector<double> largest = norms(gradients_of(parameters), NormType(HUGE_VAL));
  for (std::size_t i = 0; i < largest.size(); ++i) {
    if (!std::isfinite(largest[i])) throw_nonfinite(owner, i, parameters[i]);
  }
}

bool has_nonfinite_gradient(std::span<const Tensor> parameters) {
  const std::vector<double> largest = norms(gradients_of(parameters), NormType(HUGE_VAL));
  return std::any_of(largest.begin(), largest.end(), [](double norm) { return !std::isfinite(norm); });
}

}  // namespace dagrad::optim
