#include "dagrad/optim/average.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "dagrad/core/capture/capture.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/parallel.h"
#include "dagrad/optim/density.h"
#include "dagrad/optim/option.h"

namespace dagrad::optim {
namespace {

constexpr std::int64_t kGrain = 64 << 10;  // elements that are worth a thread

/// Calls `f(A{}, T{})` with the types of the elements of a tensor (T) and of its average (A).
template <class F>
void visit_types(const Tensor& tensor, const F& f) {
  switch (tensor.dtype()) {
    case DType::f64: f(double{}, double{}); break;
    case DType::bf16: f(float{}, BFloat16{}); break;
    default: f(float{}, float{}); break;
  }
}

std::string key(std::size_t i) { return fmt::format("{}.average", i); }

}  // namespace

WeightAverage::WeightAverage(std::string_view kind, std::vector<Tensor> tensors)
    : kind_(kind), tensors_(std::move(tensors)) {
  if (tensors_.empty()) throw UsageError(fmt::format("{}: no tensors (want at least one)", kind_));
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const Tensor& t = tensors_[i];
    if (!is_floating(t.dtype()))
      throw DTypeError(fmt::format("{}: tensor {} is {} (want f32, f64 or bf16)", kind_, i, name_of(t.dtype())));
    if (!is_dense(t))
      throw ShapeError(fmt::format("{}: tensor {} of shape {} has gaps or repeats elements (want a dense tensor)",
                                   kind_, i, t.shape().str()));
    averages_.push_back(copy_like(t, working_type(t), t));
  }
}

void WeightAverage::update() {
  if (watched(Watch::capture)) return each_replay("WeightAverage", [this] { update(); });
  if (swapped_)
    throw UsageError(fmt::format("{}: update while the tensors hold their averages (want swap() first)", kind_));
  const double share = weight(updates_);
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    visit_types(tensors_[i], [&]<class A, class T>(A, T) {
      A* a = averages_[i].mutable_data<A>();
      const T* t = std::as_const(tensors_[i]).data<T>();
      const auto w = static_cast<A>(share);
      parallel_for(tensors_[i].numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t k = begin; k < end; ++k) a[k] += w * (static_cast<A>(t[k]) - a[k]);
      });
    });
  }
  ++updates_;
}

void WeightAverage::swap() {
  std::vector<Tensor> own;
  for (const Tensor& t : tensors_) own.push_back(t.dtype() == bf16 && !swapped_ ? copy_like(t, bf16, t) : Tensor());
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    Tensor& tensor = tensors_[i];
    if (tensor.dtype() == bf16) {
      // The average has bits that a bf16 tensor cannot hold, so it stays where it is.
      copy_elements(swapped_ ? own_[i] : averages_[i], tensor);
      continue;
    }
    visit_types(tensor, [&]<class A, class T>(A, T) {
      if constexpr (std::is_same_v<A, T>) {
        A *a = averages_[i].mutable_data<A>(), *t = tensor.mutable_data<A>();
        std::swap_ranges(a, a + tensor.numel(), t);
      }
    });
  }
  own_ = std::move(own);
  swapped_ = !swapped_;
}

State WeightAverage::state() const {
  if (swapped_)
    throw UsageError(fmt::format("{}: state while the tensors hold their averages (want swap() first)", kind_));
  State state{.kind = std::string(kind_), .numbers = {}, .tensors = {}};
  state.numbers["updates"] = static_cast<double>(updates_);
  for (std::size_t i = 0; i < averages_.size(); ++i)
    state.tensors[key(i)] = copy_like(averages_[i], averages_[i].dtype(), averages_[i]);
  return state;
}

std::function<void()> WeightAverage::prepare_state(const State& state) {
  if (swapped_)
    throw UsageError(fmt::format("{}: load_state while the tensors hold their averages (want swap() first)", kind_));
  StateReader reader(kind_, state);
  const std::int64_t updates = reader.count("updates");
  std::vector<Tensor> averages;
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    const Tensor& like = averages_[i];
    averages.push_back(copy_like(like, like.dtype(), reader.tensor(key(i), like.shape(), like.dtype())));
  }
  reader.finish();
  return [this, updates, averages = std::move(averages)]() mutable {
    averages_ = std::move(averages);
    updates_ = updates;
  };
}

ExponentialAverage::ExponentialAverage(std::vector<Tensor> tensors, const ExponentialAverageOptions& options)
    : WeightAverage("ExponentialAverage", std::move(tensors)), options_(options) {
  OptionCheck("ExponentialAverage").number("decay", options_.decay, kFraction);
}

double ExponentialAverage::weight(std::int64_t n) const {
  const double decay = options_.decay;
  if (!options_.warm_up) return 1 - decay;
  const auto count = static_cast<double>(n);
  return 1 - std::min(decay, (1 + count) / (10 + count));
}

StochasticWeightAverage::StochasticWeightAverage(std::vector<Tensor> tensors)
    : WeightAverage("StochasticWeightAverage", std::move(tensors)) {}

double StochasticWeightAverage::weight(std::int64_t n) const { return 1 / static_cast<double>(n + 1); }

Averaged::Averaged(WeightAverage& average) : average_(average) {
  if (average.swapped()) throw UsageError("Averaged: the tensors hold their averages already (want them swapped back)");
  average_.swap();
}
Averaged::~Averaged() {
  if (average_.swapped()) average_.swap();
}

}  // namespace dagrad::optim
