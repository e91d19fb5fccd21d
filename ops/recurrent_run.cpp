#include "dagrad/ops/recurrent_run.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include "dagrad/core/bf16_copy.h"
#include "dagrad/core/bf16_rows.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/onednn/repeated_matmul.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/matmul.h"

namespace dagrad::recurrent {
namespace {

constexpr double kWorthForking = 4e6;      // floating-point operations of all steps: some 16 us of one core
constexpr std::int64_t kRowsOfThread = 8;  // fewer rows to a product cost more than a second thread gains
constexpr std::int64_t kRowsOfBlock = 16;  // a fixed partition, for the same bits on any number of threads

DType computed_in(DType dtype) { return dtype == f64 ? f64 : f32; }

/// A [count, width] matrix of rows in a sequence or a state, as a view.
Tensor rows_of(const Tensor& t, std::int64_t first, std::int64_t count) {
  const std::int64_t width = t.size(-1);
  return t.alias({count, width}, {width, 1}, t.offset() + first * width);
}
Tensor all_rows(const Tensor& sequence) { return rows_of(sequence, 0, sequence.size(0) * sequence.size(1)); }

Tensor transposed(const Tensor& matrix) {
  return matrix.alias({matrix.size(1), matrix.size(0)}, {matrix.strides()[1], matrix.strides()[0]}, matrix.offset());
}

/// dst = a b (+ bias) of matrices.
void multiply(const Tensor& a, const Tensor& b, const Tensor& bias, Tensor& dst) {
  if (dst.numel() == 0) return;
  if (a.size(1) == 0) {
    copy_elements(bias.defined() ? bias.alias(dst.shape(), {0, 1}, bias.offset()) : zeros(dst.shape(), dst.dtype()),
                  dst);
    return;
  }
  if (dst.dtype() != f64) return onednn::matmul(a, b, bias, dst);
  const NoGrad guard;  // a thread of its own would record
  const Tensor product = matmul(a.detach(), b.detach());
  copy_elements(bias.defined() ? add(product, bias) : product, dst);
}

/// dst = a b of every step, a and dst being rows in memory.
class StepProduct {
 public:
  StepProduct(const Extent& e, std::int64_t rows, const Tensor& b)
      : rows_(rows), inner_(b.size(0)), columns_(b.size(1)) {
    if (b.dtype() == f64)
      b_ = contiguous_data(b);
    else
      primitive_.emplace(rows, b, e.steps);
  }

  void operator()(const void* a, void* dst) const {
    if (primitive_)
      (*primitive_)(a, static_cast<float*>(dst));
    else
      multiply_f64(static_cast<const double*>(a), static_cast<double*>(dst));
  }

 private:
  void multiply_f64(const double* a, double* dst) const {
    for (std::int64_t i = 0; i < rows_; ++i, a += inner_, dst += columns_) {
      std::fill_n(dst, columns_, 0.0);
      const double* b = b_.data<double>();
      for (std::int64_t k = 0; k < inner_; ++k, b += columns_) {
        for (std::int64_t j = 0; j < columns_; ++j) dst[j] += a[k] * b[j];
      }
    }
  }

  std::int64_t rows_, inner_, columns_;
  Tensor b_;
  std::optional<onednn::RepeatedMatmul> primitive_;
};

/// The address of row `row` of a matrix or sequence.
const void* row_at(const Tensor& t, std::int64_t row) {
  return static_cast<const std::byte*>(t.raw_data()) +
         row * t.size(-1) * static_cast<std::int64_t>(item_size(t.dtype()));
}

/// Some rows of f32 as bf16, at the same place of `rounded`, which may be undefined.
void round_rows(const Tensor& t, std::int64_t row, std::int64_t count, const Tensor& rounded) {
  if (!rounded.defined()) return;
  narrow(static_cast<const float*>(row_at(t, row)), static_cast<BFloat16*>(const_cast<void*>(row_at(rounded, row))),
         count * t.size(-1));
}

Tensor copy_of(const Tensor& t, DType dtype) {
  Tensor copy = Tensor::allocate({t.shape(), dtype});
  copy_elements(t, copy);
  return copy;
}

/// `t` row-major as an operand of products of `type`.
Tensor as_factor(const Tensor& t, DType type) {
  if (t.dtype() == type) return contiguous_data(t);
  return type == bf16 ? rounded_to_bf16(t) : copy_of(t, type);
}

/// Calls `work(first, count)` for parts of the batch, in parallel where that pays.
void for_parts(const Extent& e, const std::function<void(std::int64_t, std::int64_t)>& work) {
  const double operations = 2.0 * static_cast<double>(e.steps * e.batch) * static_cast<double>(e.gates * e.hidden) *
                            static_cast<double>(e.hidden);
  const bool fixed = deterministic();
  if (e.batch == 0) return;
  if (operations < kWorthForking || (num_threads() == 1 && !fixed) || e.batch < 2 * kRowsOfThread)
    return work(0, e.batch);
  parallel_for(e.batch, fixed ? kRowsOfBlock : kRowsOfThread, [&](std::int64_t begin, std::int64_t end) {
    const ThreadLimit limit(1);
    const std::int64_t part = fixed ? kRowsOfBlock : end - begin;
    for (std::int64_t first = begin; first < end; first += part) work(first, std::min(part, end - first));
  });
}

/// sums += the sum of rows `first` to `first + count` of a sequence; nothing where sums are undefined.
void add_rows(const Tensor& sequence, std::int64_t first, std::int64_t count, Tensor& sums) {
  if (!sums.defined()) return;
  const void* rows = row_at(sequence, first);
  if (sums.dtype() == f64)
    add_column_sums(static_cast<const double*>(rows), count, sums.numel(), sums.mutable_data<double>());
  else
    add_column_sums(static_cast<const float*>(rows), count, sums.numel(), sums.mutable_data<float>());
}

/// The sums of a sequence's columns, each part of the batch by itself, and in the order of the parts whichever comes
/// first.
class PartialSums {
 public:
  PartialSums(const Tensor& sequence, bool wanted) : spec_{{sequence.size(-1)}, sequence.dtype()}, wanted_(wanted) {}

  /// Zeros for the part that starts at `row`, or undefined where no sums are wanted.
  Tensor part(std::int64_t row) {
    if (!wanted_) return {};
    const std::lock_guard lock(mutex_);
    return parts_[row] = zeros(spec_.shape, spec_.dtype);
  }
  Tensor total() const {
    if (!wanted_) return {};
    Tensor sum = zeros(spec_.shape, spec_.dtype);
    for (const auto& [row, part] : parts_) add_elements(sum, part, sum);
    return sum;
  }

 private:
  Spec spec_;
  bool wanted_;
  std::mutex mutex_;
  std::map<std::int64_t, Tensor> parts_;
};

/// Sets the rows to zero that are masked.
template <class T>
void clear_masked(const Tensor& mask, Tensor& sequence) {
  const bool* counts = mask.data<bool>();
  T* row = sequence.mutable_data<T>();
  const std::int64_t width = sequence.size(-1);
  for (std::int64_t i = 0; i < mask.numel(); ++i, row += width) {
    if (!counts[i]) std::fill_n(row, width, T{});
  }
}
void clear_masked(const Tensor& mask, Tensor& sequence) {
  switch (sequence.dtype()) {
    case f64: return clear_masked<double>(mask, sequence);
    case f32: return clear_masked<float>(mask, sequence);
    default: return clear_masked<BFloat16>(mask, sequence);
  }
}

Rows rows_at(const Extent& e, const bool* mask, std::int64_t time, std::int64_t row, std::int64_t count) {
  return {count, e.hidden, mask == nullptr ? nullptr : mask + time * e.batch + row};
}

}  // namespace

Tensor as_computed(const Tensor& t) {
  if (!t.defined()) return t;
  return t.is_contiguous() && t.dtype() == computed_in(t.dtype()) ? t : copy_of(t, computed_in(t.dtype()));
}

Tensor sum_of_biases(std::span<const Tensor> in) {
  const Tensor ih = as_computed(in[kBiasIh]), hh = as_computed(in[kBiasHh]);
  if (!ih.defined() || !hh.defined()) return ih.defined() ? ih : hh;
  Tensor sum = Tensor::allocate(ih.spec());
  add_elements(ih, hh, sum);
  return sum;
}

Extent Extent::of(std::span<const Tensor> in, std::int64_t gates, bool reverse) {
  return {in[kX].size(0), in[kX].size(1), in[kX].size(2), in[kWeightHh].size(1), gates, reverse};
}

// --- forward ---

ForwardRun::ForwardRun(std::span<const Tensor> in, std::int64_t gates, bool is_reverse, const Tensor& output)
    : extent(Extent::of(in, gates, is_reverse)),
      dtype(computed_in(in[kX].dtype())),
      factor(in[kX].dtype()),
      mask(in[kMask].defined() ? contiguous_data(in[kMask]) : Tensor()),
      weights(as_factor(in[kWeightHh], factor)),
      starts_at_zero(!in[kH0].defined()) {
  src = mask.defined() ? copy_of(in[kX], factor) : contiguous_data(in[kX]);
  if (mask.defined()) clear_masked(mask, src);  // whatever stands there, its part of the gradients is 0
  h_0 = initial(in[kH0]);
  const auto of_type = [&](DType type) {
    return output.dtype() == type && !mask.defined() ? output : Tensor::allocate({output.shape(), type});
  };
  states = of_type(dtype);
  if (factor != dtype) rounded = of_type(factor);
}

Tensor ForwardRun::initial(const Tensor& t) const {
  return t.defined() ? as_computed(t) : zeros({extent.batch, extent.hidden}, dtype);
}

void ForwardRun::multiply_inputs(const Tensor& weight_ih, const Tensor& bias, Tensor& gates) const {
  Tensor rows = all_rows(gates);
  multiply(all_rows(src), transposed(as_factor(weight_ih, factor)), bias, rows);
}

void ForwardRun::each_step(const EachStep& each) const {
  const Tensor by = transposed(weights), h_before = rounded.defined() ? rounded : states;
  const Tensor h_at_start = starts_at_zero ? Tensor() : as_factor(h_0, factor);
  const bool* masks = mask.defined() ? mask.data<bool>() : nullptr;
  for_parts(extent, [&](std::int64_t row, std::int64_t count) {
    const StepProduct multiply_step(extent, count, by);
    Tensor product = Tensor::allocate({{count, extent.gates * extent.hidden}, dtype});
    void* const into = product.mutable_raw_data();
    for (std::int64_t k = 0; k < extent.steps; ++k) {
      const std::int64_t time = extent.time(k), before = k == 0 ? -1 : extent.time(k - 1);
      if (k == 0 && starts_at_zero)
        product.zero_();
      else
        multiply_step(k == 0 ? row_at(h_at_start, row) : row_at(h_before, before * extent.batch + row), into);
      each({time, before, row, rows_at(extent, masks, time, row, count), into});
      round_rows(states, time * extent.batch + row, count, rounded);  // now, while they are in the cache
    }
  });
}

void ForwardRun::copy_time(const Tensor& sequence, std::int64_t time, Tensor& dst) const {
  copy_elements(rows_of(sequence, time * extent.batch, extent.batch), dst);
}

void ForwardRun::finish(Tensor& output, Tensor& h_n) const {
  copy_time(states, extent.last_time(), h_n);
  if (states.is_same(output) || rounded.is_same(output)) return;
  if (!mask.defined()) return copy_elements(states, output);
  Tensor visible = copy_of(states, dtype);
  clear_masked(mask, visible);
  copy_elements(visible, output);
}

// --- backward ---

BackwardRun::BackwardRun(std::span<const Tensor> saved, std::int64_t gates, bool is_reverse,
                         const Tensor& diff_output_in, const Tensor& diff_h_n, const Tensor& over, bool carries)
    : extent(Extent::of(saved, gates, is_reverse)),
      dtype(computed_in(saved[kX].dtype())),
      factor(saved[kX].dtype()),
      mask(saved[kMask].defined() ? contiguous_data(saved[kMask]) : Tensor()),
      src(saved[kInputs]),
      states(saved[kInputs + 1]),
      rounded(saved[kInputs + 2]),
      h_0(saved[kH0].defined() ? as_computed(saved[kH0]) : zeros({extent.batch, extent.hidden}, dtype)),
      weights(as_factor(saved[kWeightHh], factor)),
      diff_output(as_computed(diff_output_in)),
      diff_h(diff_h_n.defined() ? copy_of(diff_h_n, dtype) : zeros({extent.batch, extent.hidden}, dtype)),
      diff_gates(over.defined() ? over : Tensor::allocate({extent.sequence(gates * extent.hidden), dtype})),
      diff_product(diff_gates),
      starts_at_zero(!saved[kH0].defined()) {
  if (carries || mask.defined()) carry = zeros({extent.batch, extent.hidden}, dtype);
}

void BackwardRun::each_step(const EachStep& each, const std::array<bool, kInputs>& needs) {
  const bool* masks = mask.defined() ? mask.data<bool>() : nullptr;
  const bool one = diff_product.is_same(diff_gates);
  PartialSums of_gates(diff_gates, needs[kBiasIh] || (one && needs[kBiasHh]));
  PartialSums of_product(diff_product, !one && needs[kBiasHh]);
  if (factor != dtype) {
    rounded_gates = Tensor::allocate({diff_gates.shape(), factor});
    rounded_product = one ? rounded_gates : Tensor::allocate({diff_product.shape(), factor});
  }
  const Tensor& diff_factor = rounded_product.defined() ? rounded_product : diff_product;
  diff_h.mutable_raw_data();
  for_parts(extent, [&](std::int64_t row, std::int64_t count) {
    const StepProduct multiply_step(extent, count, weights);
    void* const product = const_cast<void*>(row_at(diff_h, row));
    Tensor sums_of_gates = of_gates.part(row), sums_of_product = of_product.part(row);
    for (std::int64_t k = extent.steps - 1; k >= 0; --k) {
      const std::int64_t time = extent.time(k), before = k == 0 ? -1 : extent.time(k - 1),
                         at = time * extent.batch + row;
      each({time, before, row, rows_at(extent, masks, time, row, count), product});
      add_rows(diff_gates, at, count, sums_of_gates);  // now, while they are in the cache
      add_rows(diff_product, at, count, sums_of_product);
      round_rows(diff_gates, at, count, rounded_gates);
      if (!one) round_rows(diff_product, at, count, rounded_product);
      if (k > 0 || needs[kH0]) multiply_step(row_at(diff_factor, at), product);
    }
  });
  if (needs[kH0] && carry.defined()) add_elements(diff_h, carry, diff_h);
  diff_bias_ih = of_gates.total();
  diff_bias_hh = one ? diff_bias_ih : of_product.total();
}

void BackwardRun::finish(const Tensor& weight_ih, const std::array<bool, kInputs>& needs,
                         std::array<Tensor, kInputs>& dst) const {
  const bool rounds = factor != dtype;
  const Tensor by_x = all_rows(rounds ? rounded_gates : diff_gates);
  const Tensor& by_h = rounds ? rounded_product : diff_product;
  const Tensor& h = rounds ? rounded : states;
  const auto compute = [&](Input input, const auto& into) {
    if (!needs[input]) return;
    if (dst[input].dtype() == dtype) return into(dst[input]);
    Tensor result = Tensor::allocate({dst[input].shape(), dtype});
    into(result);
    copy_elements(result, dst[input]);
  };
  if (needs[kX]) {
    Tensor rows = all_rows(dst[kX]);
    multiply(by_x, as_factor(weight_ih, factor), {}, rows);
  }
  compute(kWeightIh, [&](Tensor& d) { multiply(transposed(by_x), all_rows(src), {}, d); });
  compute(kWeightHh, [&](Tensor& d) {
    // Each step's gates belong to the state before it: the states lie one step off, and the first step's is h_0.
    const std::int64_t n = extent.batch, rest = (extent.steps - 1) * n, first = extent.time(0) * n;
    const Tensor later = rows_of(by_h, extent.reverse ? 0 : n, rest);
    const Tensor earlier = rows_of(h, extent.reverse ? n : 0, rest);
    if (rest * n > 0)
      multiply(transposed(later), earlier, {}, d);
    else
      d.zero_();
    if (starts_at_zero || n == 0) return;
    Tensor at_start = Tensor::allocate(d.spec());
    multiply(transposed(rows_of(by_h, first, n)), as_factor(h_0, factor), {}, at_start);
    add_elements(d, at_start, d);
  });
  compute(kBiasIh, [&](Tensor& d) { copy_elements(diff_bias_ih, d); });
  compute(kBiasHh, [&](Tensor& d) { copy_elements(diff_bias_hh, d); });
  compute(kH0, [&](Tensor& d) { copy_elements(diff_h, d); });
}

}  // namespace dagrad::recurrent
