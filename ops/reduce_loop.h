// One loop for reductions over any axes of tensors of any strides and types. Internal.
#pragma once

#include <algorithm>
#include <array>
#include <boost/container/small_vector.hpp>
#include <type_traits>

#include "dagrad/core/bf16_rows.h"
#include "dagrad/core/parallel.h"
#include "dagrad/core/strided_loop.h"
#include "dagrad/ops/axis_set.h"

namespace dagrad {

/// Steps through the elements of some dimensions of a strided array, innermost first.
class Odometer {
 public:
  void add(std::int64_t size, std::int64_t src_step, std::int64_t dst_step) {
    const auto d = static_cast<std::size_t>(rank_++);
    sizes_[d] = size;
    src_steps_[d] = src_step;
    dst_steps_[d] = dst_step;
    count_ *= size;
  }
  int rank() const { return rank_; }
  std::int64_t count() const { return count_; }
  /// Of the innermost dimension; 1 and 0 when there is none.
  std::int64_t inner_size() const { return rank_ == 0 ? 1 : sizes_[0]; }
  std::int64_t inner_step() const { return rank_ == 0 ? 0 : src_steps_[0]; }

  std::int64_t src() const { return src_; }
  std::int64_t dst() const { return dst_; }
  void go_to(std::int64_t position) {
    src_ = dst_ = 0;
    for (std::size_t d = 0; d < static_cast<std::size_t>(rank_); ++d) {
      index_[d] = position % sizes_[d];
      position /= sizes_[d];
      src_ += index_[d] * src_steps_[d];
      dst_ += index_[d] * dst_steps_[d];
    }
  }
  void next() {
    for (std::size_t d = 0; d < static_cast<std::size_t>(rank_); ++d) {
      src_ += src_steps_[d];
      dst_ += dst_steps_[d];
      if (++index_[d] < sizes_[d]) return;
      src_ -= src_steps_[d] * sizes_[d];
      dst_ -= dst_steps_[d] * sizes_[d];
      index_[d] = 0;
    }
  }

 private:
  int rank_ = 0;
  std::int64_t count_ = 1, src_ = 0, dst_ = 0;
  std::array<std::int64_t, kMaxRank> sizes_{}, src_steps_{}, dst_steps_{}, index_{};
};

// Note [Reductions in memory order]. The axes are sorted by the strides of src and merged where they lie in line. When
// the innermost one is reduced, each result folds runs of memory (`How::row`); when it is kept, runs of memory are
// folded into as many results side by side (`How::columns`). So rows, columns, and the channels of a channels-last
// tensor are all read in the order in which they lie, once. A run that a kernel cannot take (another type or step)
// passes through a buffer on the stack.
//
// What is folded together depends on the shape alone, never on the number of threads: long reductions to few results
// are cut into pieces of a fixed size, whose results are joined in order.
//
// How says what to do:
//   Value, Total                 what the kernels read; what they fold into
//   kRow, kRows                  the most elements of a row, and rows of columns, at a time
//   kWidens                      whether it does not matter which of the reduced elements comes first
//   Total start()
//   row(Total&, const Value* x, count, first, at)                    `at` is the result's position in dst, and
//   columns(Total*, const Value* x, stride, rows, count, first, results)    `first` that of x along the reduced axis
//   join(Total&, const Total&)
//   finish(at, const Total&)

/// The positions of results side by side: column j belongs to at + (j % period) * step.
struct Results {
  std::int64_t at, step, period;
  std::int64_t operator()(std::int64_t j) const { return at + (j % period) * step; }
};

template <class How, class From>
class ReduceLoop {
 public:
  ReduceLoop(const Tensor& src, AxisSet axes, const How& how)
      : how_(how), src_(src.data<From>()), inner_(1), step_(0), result_step_(0), reduces_inner_(true) {
    Strides dst = contiguous_strides(axes.kept(src.shape()));
    for (int i = 0; i < src.dim(); ++i) {
      if (axes.has(i)) dst[i] = 0;
    }
    const Strides& strides = src.strides();
    const StridedLoop<2> loop(src.shape(), {&strides, &dst});
    const std::size_t inner = short_rows(loop) ? 1 : 0;
    inner_ = loop.sizes[inner];
    step_ = loop.strides[0][inner];
    result_step_ = loop.strides[1][inner];
    reduces_inner_ = result_step_ == 0;
    for (std::size_t d = 0; d < static_cast<std::size_t>(loop.rank); ++d) {
      if (d == inner) continue;
      Odometer& where = loop.strides[1][d] == 0 ? reduced_ : kept_;
      where.add(loop.sizes[d], loop.strides[0][d], loop.strides[1][d]);
    }
    blocks_ = (inner_ + width() - 1) / width();
  }

  void run() const {
    // A task makes one result, or those of a block of columns, out of units: blocks of a row, or rows.
    const std::int64_t tasks = kept_.count() * (reduces_inner_ ? 1 : blocks_);
    const std::int64_t units = reduced_.count() * (reduces_inner_ ? blocks_ : 1);
    const std::int64_t elements = inner_ * kept_.count() * reduced_.count();
    if (elements <= kGrain) return run_tasks(0, tasks, units);
    if (tasks >= kManyTasks || units < 2) {
      const std::int64_t grain = std::max<std::int64_t>(1, kGrain * tasks / elements);
      return parallel_for(tasks, grain, [&](std::int64_t begin, std::int64_t end) { run_tasks(begin, end, units); });
    }
    run_pieces(tasks, units, std::min({units, elements / tasks / kGrain + 1, kPieces}));
  }

 private:
  using Value = typename How::Value;
  using Total = typename How::Total;
  static constexpr std::int64_t kGrain = 64 << 10;          // elements that are worth a thread
  static constexpr std::int64_t kWidth = 1024;              // columns at a time, whose totals stay in the cache
  static constexpr std::int64_t kManyTasks = 16;            // enough to share out
  static constexpr std::int64_t kPieces = 32;               // at most, of each task
  static constexpr std::int64_t kGatheredRows = 8;          // that pass through the buffer together
  static constexpr std::int64_t kShort = 16;                // elements of a row that are not worth a call
  static constexpr std::int64_t kNarrow = 64, kWide = 512;  // columns; as many as rows side by side make
  using Totals = std::array<Total, kWidth>;

  std::int64_t width() const { return reduces_inner_ ? How::kRow : kWidth; }
  bool in_place() const { return std::is_same_v<From, Value> && step_ == 1; }

  /// A call for each of many short rows costs more than reading the columns that they are beside one another.
  static bool short_rows(const StridedLoop<2>& loop) {
    return loop.rank > 1 && loop.strides[1][0] == 0 && loop.strides[1][1] != 0 && loop.sizes[0] <= kShort &&
           loop.sizes[1] >= 4 * kShort;
  }

  /// Where a task reads and writes.
  class Task {
   public:
    Task(const ReduceLoop& loop, std::int64_t number)
        : loop_(loop), kept_(loop.kept_), block_(loop.reduces_inner_ ? 0 : number % loop.blocks_) {
      kept_.go_to(loop.reduces_inner_ ? number : number / loop.blocks_);
    }
    void next() {
      if (!loop_.reduces_inner_ && ++block_ < loop_.blocks_) return;
      block_ = 0;
      kept_.next();
    }
    const From* src() const { return loop_.src_ + kept_.src() + block_ * kWidth * loop_.step_; }
    Results results() const {
      if (loop_.reduces_inner_) return {kept_.dst(), 0, 1};
      const std::int64_t first = block_ * kWidth;
      return {kept_.dst() + first * loop_.result_step_, loop_.result_step_, std::min(kWidth, loop_.inner_ - first)};
    }

   private:
    const ReduceLoop& loop_;
    Odometer kept_;
    std::int64_t block_;
  };

  void run_tasks(std::int64_t begin, std::int64_t end, std::int64_t units) const {
    Totals totals;
    Task task(*this, begin);
    for (std::int64_t i = begin; i < end; ++i, task.next()) {
      run_task(task, 0, units, totals.data());
      finish(task.results(), totals.data());
    }
  }

  void run_pieces(std::int64_t tasks, std::int64_t units, std::int64_t pieces) const {
    const std::int64_t room = reduces_inner_ ? 1 : std::min(inner_, kWidth);
    std::vector<Total> parts(static_cast<std::size_t>(tasks * pieces * room), how_.start());
    parallel_for(tasks * pieces, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t piece = i % pieces;
        run_task(Task(*this, i / pieces), units * piece / pieces, units * (piece + 1) / pieces,
                 &parts[static_cast<std::size_t>(i * room)]);
      }
    });
    for (std::int64_t i = 0; i < tasks; ++i) {
      Total* all = &parts[static_cast<std::size_t>(i * pieces * room)];
      for (std::int64_t piece = 1; piece < pieces; ++piece) {
        for (std::int64_t j = 0; j < room; ++j) how_.join(all[j], all[piece * room + j]);
      }
      finish(Task(*this, i).results(), all);
    }
  }

  /// Folds some units of a task.
  void run_task(const Task& task, std::int64_t begin, std::int64_t end, Total* totals) const {
    const Results results = task.results();
    std::fill_n(totals, results.period, how_.start());
    if (reduces_inner_)
      run_rows(task.src(), results.at, begin, end, *totals);
    else
      run_columns(task.src(), results, begin, end, totals);
  }

  void finish(const Results& results, const Total* totals) const {
    for (std::int64_t j = 0; j < results.period; ++j) how_.finish(results.at + j * results.step, totals[j]);
  }

  void run_rows(const From* base, std::int64_t at, std::int64_t begin, std::int64_t end, Total& total) const {
    std::array<Value, How::kRow> buffer;
    if (reduced_.rank() == 0 && blocks_ == 1)
      return how_.row(total, in_line(base, inner_, buffer.data()), inner_, 0, at);
    Odometer reduced = reduced_;
    reduced.go_to(begin / blocks_);
    std::int64_t block = begin % blocks_;
    for (std::int64_t unit = begin; unit < end; ++unit) {
      const std::int64_t first = block * How::kRow, count = std::min(How::kRow, inner_ - first);
      const From* x = base + reduced.src() + first * step_;
      how_.row(total, in_line(x, count, buffer.data()), count, first, at);
      if (++block == blocks_) {
        block = 0;
        reduced.next();
      }
    }
  }

  void run_columns(const From* base, Results results, std::int64_t begin, std::int64_t end, Total* totals) const {
    const std::int64_t count = results.period, rows = reduced_.inner_size(), stride = reduced_.inner_step();
    Odometer reduced = reduced_;
    for (std::int64_t unit = begin; unit < end;) {
      const std::int64_t row = unit % rows, some = std::min(rows - row, end - unit);
      reduced.go_to(unit);
      const From* x = base + reduced.src();
      if (How::kWidens && in_place() && stride == count && count == inner_ && count <= kNarrow &&
          some * count > 2 * kWide)
        run_narrow(x, some, results, totals);
      else
        run_some_rows(x, stride, some, unit, results, totals);
      unit += some;
    }
  }

  void run_some_rows(const From* x, std::int64_t stride, std::int64_t rows, std::int64_t first, const Results& results,
                     Total* totals) const {
    const std::int64_t count = results.period;
    if constexpr (std::is_same_v<From, Value>) {
      if (step_ == 1) {
        for (std::int64_t i = 0; i < rows; i += How::kRows) {
          how_.columns(totals, x + i * stride, stride, std::min(How::kRows, rows - i), count, first + i, results);
        }
        return;
      }
    }
    std::array<Value, kGatheredRows * kWidth> buffer;
    for (std::int64_t i = 0; i < rows; i += kGatheredRows) {
      const std::int64_t some = std::min(kGatheredRows, rows - i);
      for (std::int64_t k = 0; k < some; ++k) gather(x + (i + k) * stride, count, buffer.data() + k * count);
      how_.columns(totals, buffer.data(), count, some, count, first + i, results);
    }
  }

  /// Rows of few columns that lie in line: several of them side by side are one row of many columns.
  void run_narrow(const From* x, std::int64_t rows, const Results& results, Total* totals) const {
    if constexpr (How::kWidens && std::is_same_v<From, Value>) {
      const std::int64_t count = results.period, side = kWide / count, wide = side * count, wide_rows = rows / side;
      std::array<Total, kWide> side_by_side;
      std::fill_n(side_by_side.data(), wide, how_.start());
      for (std::int64_t i = 0; i < wide_rows; i += How::kRows) {
        how_.columns(side_by_side.data(), x + i * wide, wide, std::min(How::kRows, wide_rows - i), wide, 0, results);
      }
      for (std::int64_t j = 0; j < wide; ++j) how_.join(totals[j % count], side_by_side[static_cast<std::size_t>(j)]);
      run_some_rows(x + wide_rows * wide, count, rows - wide_rows * side, 0, results, totals);
    }
  }

  const Value* in_line(const From* x, std::int64_t count, Value* buffer) const {
    if constexpr (std::is_same_v<From, Value>) {
      if (step_ == 1) return x;
    }
    gather(x, count, buffer);
    return buffer;
  }
  void gather(const From* x, std::int64_t count, Value* buffer) const {
    if constexpr (std::is_same_v<From, BFloat16> && std::is_same_v<Value, float>) {
      if (step_ == 1) return widen(x, buffer, count);
    }
    for (std::int64_t i = 0; i < count; ++i) buffer[i] = convert_to<Value>(x[i * step_]);
  }

  const How& how_;
  const From* src_;
  std::int64_t inner_, step_, result_step_, blocks_ = 1;
  bool reduces_inner_;
  Odometer kept_, reduced_;
};

/// Reduces `src`, which has elements, over `axes`: see Note [Reductions in memory order]. Positions of results count
/// in row-major order.
template <class From, class How>
void reduce_loop(const Tensor& src, AxisSet axes, const How& how) {
  ReduceLoop<How, From>(src, axes, how).run();
}

}  // namespace dagrad
