#include "dagrad/ops/pointwise_program.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

#include "dagrad/core/parallel.h"
#include "dagrad/ops/fold_kernels.h"
#include "dagrad/ops/row_kernel.h"

namespace dagrad::pointwise {
namespace {

using Place = Program::Place;
using Code = Program::Code;

// Elements that go through all steps together: so few that the processor, at work on one step, already loads what the
// first step of the next tile reads. Where a step takes long, the next tile's elements are asked for meanwhile, and a
// tile may be larger. tanh(x * w + b) of 4M floats and its gradients, one thread: 128 5.2 ms, 256 6.4, 512 7.9; with
// asking at best 128 4.6, 256 4.4, 512 4.5.
constexpr std::int64_t kTile = 128, kAskingTile = 256;
constexpr std::int64_t kStretch = fold::kRowBlock;  // elements that are added up in T: whole tiles
constexpr std::int64_t kChunk = 64 << 10;           // elements with a sum of their own, and the least for a thread

/// Where a place's elements are: in the whole tensor, or in memory that each tile uses again.
template <class T>
struct Location {
  T* data = nullptr;
  std::int64_t advance = 0;  // all bits in a tensor, none in a tile

  T* at(std::int64_t i) const { return data + (i & advance); }
};

/// Whether a function takes so long that a line of each of three tensors arrives while a line of it is computed.
bool takes_long(Unary f) {
  switch (f) {
    case Unary::exp:
    case Unary::expm1:
    case Unary::log:
    case Unary::log1p:
    case Unary::log2:
    case Unary::log10:
    case Unary::logit:
    case Unary::sin:
    case Unary::cos:
    case Unary::tan:
    case Unary::asin:
    case Unary::acos:
    case Unary::atan:
    case Unary::sinh:
    case Unary::cosh:
    case Unary::tanh:
    case Unary::sigmoid:
    case Unary::erf:
    case Unary::elu:
    case Unary::gelu:
    case Unary::gelu_tanh:
    case Unary::silu:
    case Unary::mish:
    case Unary::softplus:
    case Unary::log_sigmoid: return true;
    default: return false;
  }
}

/// What is done to each tile: a step of the program, two in one, or a copy.
template <class T>
struct Action {
  RowKernel<T> kernel;
  std::array<std::size_t, 3> from;  // places; the first one again for what the kernel does not read
  std::size_t dst;
  bool streamed = false;
  bool takes_long = false;
  bool asks = false;  // for what the next tile reads
};

template <class T>
RowKernel<T> kernel_of(const Program::Step& step) {
  return step.code == Code::unary ? row_kernel<T>(step.unary, step.numbers) : row_kernel<T>(step.binary, step.numbers);
}

std::size_t second_of(const Program::Step& step) { return step.code == Code::binary ? step.b : step.a; }

/// A run of `program` on elements of type T. Beside the program's, there are places for what sums add up in and for
/// results that are copied.
template <class T>
class Run {
 public:
  Run(const Program& program, std::span<const Tensor> inputs)
      : program_(program),
        streamed_(program.count >= kStreamedFrom),
        values_(program.places.size()),
        places_(program.places.size()),
        registers_(program.places.size(), kNone) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const std::size_t p = program.inputs[i];
      const T* data = inputs[i].data<T>();
      if (program.places[p] == Place::number) {
        values_[p] = *data;
      } else {
        inputs_.push_back(data);
        places_[p] = {const_cast<T*>(data), kAll};  // not written to: no step has an input's place as its dst
      }
    }
    for (const Program::Constant& constant : program.constants)
      values_[constant.place] = static_cast<T>(constant.value);
    for (std::size_t p = 0; p < values_.size(); ++p) {
      if (program.places[p] == Place::number) registers_[p] = register_count_++;
    }
    for (const Program::Step& step : program.steps) {
      if (program.places[step.dst] == Place::number) compute_one(step);
    }
    for (const Program::Result& result : program.results) {
      results_.push_back(Tensor::allocate({result.shape, program.dtype}));
      written_.push_back(results_.back().mutable_data<T>());
    }
    plan();
  }

  std::vector<Tensor> operator()() {
    const std::int64_t chunks = (program_.count + kChunk - 1) / kChunk;
    std::vector<std::vector<double>> sums(static_cast<std::size_t>(chunks));
    parallel_for(chunks, 1, [&](std::int64_t from, std::int64_t to) {
      Thread thread(*this);
      for (std::int64_t k = from; k < to; ++k)
        sums[static_cast<std::size_t>(k)] = thread.go(k * kChunk, std::min((k + 1) * kChunk, program_.count));
      if (streamed_) finish_streamed_rows();
    });
    finish(sums);
    return std::move(results_);
  }

 private:
  static constexpr std::int64_t kAll = -1;
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  /// One thread's memory, a tile for each register, and where places are for it.
  class Thread {
   public:
    explicit Thread(const Run& run)
        : run_(run),
          tiles_(static_cast<T*>(std::aligned_alloc(
              64, std::max<std::size_t>(run.register_count_, 1) * sizeof(T) * static_cast<std::size_t>(run.tile_)))),
          places_(run.places_) {
      if (!tiles_) throw std::bad_alloc();
      for (std::size_t p = 0; p < places_.size(); ++p) {
        if (run.registers_[p] == kNone) continue;
        places_[p].data = tiles_.get() + static_cast<std::int64_t>(run.registers_[p]) * run_.tile_;
        if (p < run.values_.size() && run.program_.places[p] == Place::number)
          std::fill_n(places_[p].data, run_.tile_, run.values_[p]);
      }
      for (const Action<T>& action : run.actions_) {
        const auto at = [&](std::size_t k) { return places_[action.from[k]]; };
        jobs_.push_back({action.kernel, at(0), at(1), at(2), places_[action.dst], action.streamed, action.asks});
      }
    }

    /// Elements `begin` to `end`; gives their sums.
    std::vector<double> go(std::int64_t begin, std::int64_t end) const {
      std::vector<double> sums(run_.sums_.size());
      for (const std::size_t p : run_.sums_) std::fill_n(places_[p].data, run_.tile_, T(0));
      for (std::int64_t i = begin; i < end; i += kStretch) {
        const std::int64_t stop = std::min(i + kStretch, end);
        for (std::int64_t k = i; k < stop; k += run_.tile_) do_tile(k, std::min(run_.tile_, stop - k));
        for (std::size_t k = 0; k < sums.size(); ++k) {
          T* parts = places_[run_.sums_[k]].data;
          sums[k] += fold::row(fold::Kind::sum, parts, run_.tile_, 0);
          std::fill_n(parts, run_.tile_, T(0));
        }
      }
      return sums;
    }

   private:
    struct Free {
      void operator()(T* p) const { std::free(p); }
    };

    struct Job {
      RowKernel<T> kernel;
      Location<T> a, b, c, dst;
      bool streamed, asks;
    };
    void do_tile(std::int64_t i, std::int64_t count) const {
      const Ahead<T> ahead = run_.tile_ == kAskingTile ? run_.ahead_of(i, count) : Ahead<T>{};
      for (const Job& job : jobs_) {
        job.kernel(job.a.at(i), job.b.at(i), job.c.at(i), job.dst.at(i), count, job.streamed,
                   job.asks ? &ahead : nullptr);
      }
    }

    const Run& run_;
    std::unique_ptr<T, Free> tiles_;
    std::vector<Location<T>> places_;
    std::vector<Job> jobs_;
  };

  /// What is done to each tile, and where places are that have no location yet.
  void plan() {
    count_readers();
    for (const Program::Step& step : program_.steps) {
      if (step.code == Code::sum)
        add_up(step.a);
      else if (program_.places[step.dst] == Place::elements && !fuse_with_product(step))
        actions_.push_back({kernel_of<T>(step),
                            {step.a, second_of(step), step.a},
                            step.dst,
                            false,
                            step.code == Code::unary && takes_long(step.unary)});
    }
    std::erase_if(actions_, [](const Action<T>& action) { return action.dst == kNone; });
    for (const std::size_t r : write_directly()) {
      const std::size_t p = program_.results[r].place;
      actions_.push_back({copy_kernel<T>(), {p, p, p}, add_place({written_[r], kAll}), streamed_});
    }
    assign_registers();
    ask_ahead();
  }

  /// Lets the first action that takes long ask for what the next tile reads: of three inputs, which is nearly always
  /// all.
  void ask_ahead() {
    const auto action =
        std::find_if(actions_.begin(), actions_.end(), [](const Action<T>& a) { return a.takes_long && !a.streamed; });
    if (action == actions_.end() || inputs_.empty()) return;
    action->asks = true;
    tile_ = kAskingTile;
  }

  /// Where the tile after the one of `count` elements from i on begins in the first three inputs.
  Ahead<T> ahead_of(std::int64_t i, std::int64_t count) const {
    const std::int64_t next = std::min(i + count, program_.count - count);
    const auto row = [&](std::size_t k) { return inputs_[std::min(k, inputs_.size() - 1)] + next; };
    return {{row(0), row(1), row(2)}};
  }

  void count_readers() {
    readers_.resize(program_.places.size());
    for (const Program::Step& step : program_.steps) {
      ++readers_[step.a];
      if (step.code == Code::binary) ++readers_[step.b];
    }
    for (const Program::Result& result : program_.results) ++readers_[result.place];
  }

  void add_up(std::size_t place) {
    const std::size_t parts = add_place({});
    registers_[parts] = register_count_++;
    sums_.push_back(parts);
    actions_.push_back({row_kernel<T>(Binary::add, {}), {parts, place, parts}, parts});
  }

  /// Where a step adds a product that nothing else reads, both become one action.
  bool fuse_with_product(const Program::Step& step) {
    if (step.code != Code::binary || step.binary != Binary::add) return false;
    for (const auto& [product, other] : {std::pair(step.a, step.b), std::pair(step.b, step.a)}) {
      if (readers_[product] != 1) continue;
      for (const Program::Step& maker : program_.steps) {
        if (maker.dst != product || maker.code != Code::binary || maker.binary != Binary::mul) continue;
        for (Action<T>& action : actions_) {
          if (action.dst == product) action.dst = kNone;
        }
        actions_.push_back({mul_add_kernel<T>(), {maker.a, maker.b, other}, step.dst});
        return true;
      }
    }
    return false;
  }

  /// Lets actions write results where they belong, unless that is past the caches and something reads them. Gives the
  /// other results of many elements.
  std::vector<std::size_t> write_directly() {
    std::vector<std::size_t> others;
    for (std::size_t r = 0; r < results_.size(); ++r) {
      const std::size_t p = program_.results[r].place;
      if (results_[r].numel() == 1) continue;
      if (program_.places[p] == Place::number || places_[p].data != nullptr || (streamed_ && readers_[p] > 1)) {
        others.push_back(r);
        continue;
      }
      places_[p] = {written_[r], kAll};
      for (Action<T>& action : actions_) action.streamed = action.streamed || (streamed_ && action.dst == p);
    }
    return others;
  }

  /// Places share a register when one is last read before, or while, the next is written.
  void assign_registers() {
    std::vector<std::size_t> last(places_.size(), 0), free;
    for (std::size_t k = 0; k < actions_.size(); ++k) {
      for (const std::size_t p : actions_[k].from) last[p] = k;
    }
    std::vector<bool> shared(places_.size());
    for (std::size_t k = 0; k < actions_.size(); ++k) {
      for (const std::size_t p : actions_[k].from) {
        if (shared[p] && last[p] == k) free.push_back(registers_[p]);
        if (last[p] == k) shared[p] = false;
      }
      const std::size_t dst = actions_[k].dst;
      if (places_[dst].data != nullptr || registers_[dst] != kNone) continue;
      if (free.empty()) free.push_back(register_count_++);
      registers_[dst] = free.back();
      free.pop_back();
      shared[dst] = true;
    }
  }

  std::size_t add_place(Location<T> location) {
    places_.push_back(location);
    registers_.push_back(kNone);
    return places_.size() - 1;
  }

  /// A step on one element each.
  void compute_one(const Program::Step& step) {
    const T *a = &values_[step.a], *b = &values_[second_of(step)];
    kernel_of<T>(step)(a, b, a, &values_[step.dst], 1);
  }

  /// What follows from the sums.
  void finish(const std::vector<std::vector<double>>& sums) {
    std::size_t sum = 0;
    for (const Program::Step& step : program_.steps) {
      if (step.code == Code::sum) {
        double total = 0;
        for (const std::vector<double>& of_chunk : sums) total += of_chunk[sum];
        values_[step.dst] = static_cast<T>(total / step.numbers.a);
        ++sum;
      } else if (program_.places[step.dst] == Place::total) {
        compute_one(step);
      }
    }
    for (std::size_t r = 0; r < results_.size(); ++r) {
      if (results_[r].numel() == 1) *written_[r] = values_[program_.results[r].place];
    }
  }

  const Program& program_;
  bool streamed_;
  std::int64_t tile_ = kTile;
  std::vector<const T*> inputs_;  // of many elements
  std::vector<T> values_;         // of numbers, and in the end of totals
  std::vector<Tensor> results_;
  std::vector<T*> written_;
  std::vector<Location<T>> places_;
  std::vector<int> readers_;            // of each place: steps and results
  std::vector<std::size_t> registers_;  // of each place
  std::size_t register_count_ = 0;
  std::vector<std::size_t> sums_;  // the places that they add up in
  std::vector<Action<T>> actions_;
};

}  // namespace

Program Program::needed() const {
  std::vector<bool> wanted(places.size());
  for (const Result& result : results) wanted[result.place] = true;
  Program program = *this;
  program.steps.clear();
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (!wanted[step->dst]) continue;
    wanted[step->a] = true;
    if (step->code == Code::binary) wanted[step->b] = true;
    program.steps.push_back(*step);
  }
  std::reverse(program.steps.begin(), program.steps.end());
  return program;
}

std::vector<Tensor> run(const Program& program, std::span<const Tensor> inputs) {
  return program.dtype == f64 ? Run<double>(program, inputs)() : Run<float>(program, inputs)();
}

}  // namespace dagrad::pointwise
