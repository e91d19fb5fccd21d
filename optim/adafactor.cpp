#include "dagrad/optim/adafactor.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/parallel.h"
#include "dagrad/optim/gradients.h"
#include "dagrad/optim/sum_powers.h"

namespace dagrad::optim {
namespace {

constexpr std::array kTypes = {f32, f64};
constexpr std::int64_t kGrain = 16 << 10;   // elements that are worth a thread
constexpr std::int64_t kColumnBlock = 256;  // columns whose sums one thread keeps

std::string key(std::size_t index, std::string_view what) { return fmt::format("{}.{}", index, what); }

double rms(const Tensor& t) { return norms({&t, 1}, NormType(2)).front() / std::sqrt(static_cast<double>(t.numel())); }

/// One parameter as matrices [batch, rows, columns]; a vector or a number is one row without factors.
struct Matrices {
  std::int64_t batch = 1, rows = 1, columns;
  bool factored;

  explicit Matrices(const Shape& shape) : columns(1), factored(shape.rank() > 1) {
    for (const std::int64_t size : shape) batch *= size;
    columns = shape.rank() > 0 ? shape.back() : 1;
    rows = factored ? shape[shape.rank() - 2] : 1;
    batch /= std::max<std::int64_t>(rows * columns, 1);
  }
};

/// The sizes of `shape` with 1 in place of the one at `axis`.
Shape reduced(Shape shape, int axis) {
  shape[axis] = 1;
  return shape;
}

/// One parameter's step. v has the form r c / divisor, so u = g / max(sqrt(v), eps1) is g min(a b, 1 / eps1) with a
/// factor a of the row and b of the column: the loops over elements have neither roots nor divisions. A vector has
/// a = 1.
template <class T>
class Update {
 public:
  Update(const AdafactorOptions& o, std::int64_t t, const Matrices& m, double scale, T* p, const T* g)
      : m_(m),
        scale_(scale),
        weight_(std::pow(static_cast<double>(t), o.beta2_decay)),
        eps1_(o.eps1.value_or(std::numeric_limits<T>::epsilon())),
        p_(p),
        g_(g) {}

  /// Brings the moments up to date; `row` and `col`, or `variance` alone.
  void moments(T* row, T* col, T* variance) {
    if (!m_.factored) {
      for (std::int64_t i = 0; i < m_.columns; ++i) lerp(variance[i], square(i));
      row_factors_ = {1};
      column_factors_ = inverse_roots(variance, m_.columns);
      return;
    }
    over_rows([&](std::int64_t r) {
      const double total = scale_ * scale_ * sum_powers(g_ + r * m_.columns, m_.columns, 2);
      lerp(row[r], total / static_cast<double>(m_.columns));
    });
    column_moments(col);
    row_factors_ = inverse_roots(row, m_.batch * m_.rows);
    column_factors_ = inverse_roots(col, m_.batch * m_.columns);
    for (std::int64_t b = 0; b < m_.batch; ++b) {
      double total = 0;
      for (std::int64_t r = 0; r < m_.rows; ++r) total += static_cast<double>(row[b * m_.rows + r]);
      const double root = std::sqrt(std::max(total / static_cast<double>(m_.rows), eps1_));
      for (std::int64_t r = 0; r < m_.rows; ++r) row_factors_[static_cast<std::size_t>(b * m_.rows + r)] *= root;
    }
  }

  /// p = decay p - alpha u / max(1, rms(u) / d).
  void apply(double alpha, double decay, double d) const {
    const double count = static_cast<double>(m_.batch * m_.rows * m_.columns);
    const double rate = alpha / std::max(1.0, std::sqrt(sum_of_squared_steps() / count) / d);
    over_rows([&](std::int64_t r) {
      T* p = p_ + r * m_.columns;
      const Row row = row_at(r);
      for (std::int64_t c = 0; c < m_.columns; ++c)
        p[c] = static_cast<T>(static_cast<double>(p[c]) * decay - rate * row.step(c));
    });
  }

 private:
  /// What u needs along a row.
  struct Row {
    const T* g;
    const double* column_factors;
    double row_factor, largest, scale;
    double step(std::int64_t c) const {
      const double factor = row_factor * column_factors[c];
      return static_cast<double>(g[c]) * scale * (factor < largest ? factor : largest);
    }
  };
  Row row_at(std::int64_t r) const {
    return {g_ + r * m_.columns, column_factors_.data() + r / m_.rows * m_.columns,
            row_factors_[static_cast<std::size_t>(r)], 1 / eps1_, scale_};
  }

  double sum_of_squared_steps() const {
    std::vector<double> sums(static_cast<std::size_t>(m_.batch * m_.rows));
    over_rows([&](std::int64_t r) {
      constexpr std::int64_t kLanes = 8;  // independent sums, for the compiler to vectorise
      std::array<double, kLanes> lanes{};
      const Row row = row_at(r);
      std::int64_t c = 0;
      for (; c + kLanes <= m_.columns; c += kLanes) {
        for (std::int64_t k = 0; k < kLanes; ++k) {
          const double u = row.step(c + k);
          lanes[static_cast<std::size_t>(k)] += u * u;
        }
      }
      double sum = 0;
      for (const double lane : lanes) sum += lane;
      for (; c < m_.columns; ++c) sum += row.step(c) * row.step(c);
      sums[static_cast<std::size_t>(r)] = sum;
    });
    double total = 0;
    for (const double sum : sums) total += sum;
    return total;
  }

  double square(std::int64_t i) const {
    const double g = static_cast<double>(g_[i]) * scale_;
    return g * g;
  }
  void lerp(T& moment, double value) const {
    const auto before = static_cast<double>(moment);
    moment = static_cast<T>(before + weight_ * (value - before));
  }
  static std::vector<double> inverse_roots(const T* x, std::int64_t count) {
    std::vector<double> result(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = 1 / std::sqrt(static_cast<double>(x[i]));
    return result;
  }

  template <class F>
  void over_rows(const F& f) const {
    parallel_for(m_.batch * m_.rows, std::max<std::int64_t>(kGrain / m_.columns, 1),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t r = begin; r < end; ++r) f(r);
                 });
  }
  void column_moments(T* col) const {
    const std::int64_t blocks = (m_.columns + kColumnBlock - 1) / kColumnBlock;
    const std::int64_t grain = std::max<std::int64_t>(kGrain / (kColumnBlock * m_.rows), 1);
    parallel_for(m_.batch * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        const std::int64_t b = k / blocks, first = k % blocks * kColumnBlock;
        const std::int64_t count = std::min(kColumnBlock, m_.columns - first);
        std::array<double, kColumnBlock> totals{};
        for (std::int64_t r = 0; r < m_.rows; ++r) {
          const std::int64_t start = (b * m_.rows + r) * m_.columns + first;
          for (std::int64_t c = 0; c < count; ++c) totals[static_cast<std::size_t>(c)] += square(start + c);
        }
        for (std::int64_t c = 0; c < count; ++c)
          lerp(col[b * m_.columns + first + c], totals[static_cast<std::size_t>(c)] / static_cast<double>(m_.rows));
      }
    });
  }

  const Matrices& m_;
  double scale_, weight_, eps1_;
  T* p_;
  const T* g_;
  std::vector<double> row_factors_, column_factors_;
};

}  // namespace

void describe(AdafactorOptions& o, OptionVisitor& visitor) {
  visitor.number("lr", o.lr, kRate);
  visitor.number("beta2_decay", o.beta2_decay, {[](double x) { return x <= 0; }, "a number <= 0"});
  visitor.optional("eps1", o.eps1, kNonNegative);
  visitor.number("eps2", o.eps2, kNonNegative);
  visitor.number("d", o.d, {[](double x) { return x >= 1; }, "a number >= 1"});
  visitor.number("weight_decay", o.weight_decay, kNonNegative);
  visitor.flag("maximize", o.maximize);
}

Adafactor::Adafactor(const std::vector<Tensor>& parameters, const AdafactorOptions& options)
    : Adafactor(std::vector<Group>{{parameters, options}}) {}
Adafactor::Adafactor(const std::vector<Group>& groups) : GroupedOptimizer("Adafactor", groups, kTypes) {}

void Adafactor::update(const StepOptions& step) {
  states_.resize(parameters().size());
  std::size_t index = 0;
  for (std::size_t group = 0; group < group_count(); ++group) {
    const AdafactorOptions& o = options(group);
    for (Tensor parameter : group_parameters(group)) {
      ParameterState& state = states_[index++];
      if (!parameter.grad().defined() || parameter.numel() == 0) continue;
      const Tensor gradient = contiguous_data(parameter.grad());
      const Matrices matrices(parameter.shape());
      if (state.steps == 0) {
        if (matrices.factored) {
          state.row_var = zeros(reduced(parameter.shape(), parameter.dim() - 1), parameter.dtype());
          state.col_var = zeros(reduced(parameter.shape(), parameter.dim() - 2), parameter.dtype());
        } else {
          state.variance = zeros(parameter.shape(), parameter.dtype());
        }
      }
      ++state.steps;
      const auto t = static_cast<double>(state.steps);
      const double alpha = std::max(o.eps2, rms(parameter)) * std::min(o.lr, 1 / std::sqrt(t));
      const double scale = o.maximize ? -step.grad_scale : step.grad_scale;
      // Rows and columns are those of the row-major order.
      Tensor work = contiguous_data(parameter);
      const auto run = [&]<class T>(T) {
        const auto data = [](Tensor& s) { return s.defined() ? s.mutable_data<T>() : nullptr; };
        Update<T> update(o, state.steps, matrices, scale, work.mutable_data<T>(), gradient.data<T>());
        update.moments(data(state.row_var), data(state.col_var), data(state.variance));
        update.apply(alpha, 1 - o.lr * o.weight_decay, o.d);
      };
      if (parameter.dtype() == f64)
        run(double{});
      else
        run(float{});
      if (!work.is_same(parameter)) copy_elements(work, parameter);
    }
  }
}

void Adafactor::save(State& state) const {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const ParameterState& from = states_[i];
    if (from.steps > 0) state.numbers[key(i, "step")] = static_cast<double>(from.steps);
    const auto put = [&](std::string_view name, const Tensor& tensor) {
      if (!tensor.defined()) return;
      Tensor copy = empty_like(tensor);
      copy_elements(tensor, copy);
      state.tensors[key(i, name)] = copy;
    };
    put("row_var", from.row_var);
    put("col_var", from.col_var);
    put("variance", from.variance);
  }
}

std::function<void()> Adafactor::prepare_load(StateReader& reader) {
  std::vector<ParameterState> loaded(parameters().size());
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    if (!reader.has_number(key(i, "step"))) continue;
    const Tensor& parameter = parameters()[i];
    const auto take = [&](std::string_view name, const Shape& shape) {
      Tensor copy = empty(shape, parameter.dtype());
      copy_elements(reader.tensor(key(i, name), shape, parameter.dtype()), copy);
      return copy;
    };
    loaded[i].steps = reader.count(key(i, "step"));
    if (parameter.dim() > 1) {
      loaded[i].row_var = take("row_var", reduced(parameter.shape(), parameter.dim() - 1));
      loaded[i].col_var = take("col_var", reduced(parameter.shape(), parameter.dim() - 2));
    } else {
      loaded[i].variance = take("variance", parameter.shape());
    }
  }
  return [this, loaded = std::move(loaded)]() mutable { states_ = std::move(loaded); };
}

}  // namespace dagrad::optim
