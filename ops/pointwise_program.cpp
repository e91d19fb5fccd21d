#include "dagrad/ops/pointwise_program.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "dagrad/core/parallel.h"
#include "dagrad/ops/fold_kernels.h"
#include "dagrad/ops/streamed_copy.h"

namespace dagrad::pointwise {
namespace {

using Place = Program::Place;
using Code = Program::Code;

constexpr std::int64_t kBlock = 1024;         // elements that go through the steps together: a few KiB for each place
constexpr std::int64_t kChunk = 64 * kBlock;  // elements with a sum of their own, and the least for a thread

/// A run of `program` on elements of type T.
template <class T>
class Run {
 public:
  Run(const Program& program, std::span<const Tensor> inputs)
      : program_(program), streamed_(program.count >= kStreamedFrom), registers_(assign_registers()) {
    for (const Tensor& input : inputs) inputs_.push_back(input.data<T>());
    for (const Program::Result& result : program.results) {
      results_.push_back(Tensor::allocate({result.shape, program.dtype}));
      written_.push_back(results_.back().mutable_data<T>());
    }
  }

  std::vector<Tensor> operator()() {
    const std::int64_t chunks = (program_.count + kChunk - 1) / kChunk;
    std::vector<std::vector<double>> sums(static_cast<std::size_t>(chunks));
    parallel_for(chunks, 1, [&](std::int64_t from, std::int64_t to) {
      Memory memory(*this);
      for (std::int64_t k = from; k < to; ++k)
        sums[static_cast<std::size_t>(k)] = memory.go(k * kChunk, std::min((k + 1) * kChunk, program_.count));
      if (streamed_) end_of_streamed_copies();
    });
    finish(sums);
    return std::move(results_);
  }

 private:
  struct Registers {
    std::vector<std::size_t> of;  // each place's
    std::size_t count = 0;
  };

  /// The memory of one thread: a block for each register.
  class Memory {
   public:
    explicit Memory(const Run& run)
        : run_(run),
          blocks_(static_cast<T*>(std::aligned_alloc(64, std::max<std::size_t>(run.registers_.count, 1) * kBytes))),
          at_(run.program_.places.size()) {
      if (!blocks_) throw std::bad_alloc();
      for (std::size_t p = 0; p < at_.size(); ++p) at_[p] = blocks_.get() + run.registers_.of[p] * kBlock;
      for (std::size_t i = 0; i < run.inputs_.size(); ++i) {
        const std::size_t p = run.program_.inputs[i];
        if (run.program_.places[p] == Place::number) std::fill_n(at_[p], kBlock, *run.inputs_[i]);
      }
      for (const Program::Constant& constant : run.program_.constants)
        std::fill_n(at_[constant.place], kBlock, static_cast<T>(constant.value));
      std::vector<double> no_sums;
      do_steps(Place::number, kBlock, no_sums);
    }

    /// Elements `begin` to `end`; gives their sums, in the order of the steps that ask for one.
    std::vector<double> go(std::int64_t begin, std::int64_t end) {
      std::vector<double> sums;
      for (std::int64_t i = begin; i < end; i += kBlock) {
        const std::int64_t n = std::min(kBlock, end - i);
        for (std::size_t k = 0; k < run_.inputs_.size(); ++k) {
          const std::size_t p = run_.program_.inputs[k];
          // Not written to: no step has an input's place as its dst.
          if (run_.program_.places[p] == Place::elements) at_[p] = const_cast<T*>(run_.inputs_[k]) + i;
        }
        next_ = i + n;
        do_steps(Place::elements, n, sums);
        for (std::size_t r = 0; r < run_.written_.size(); ++r) {
          if (run_.results_[r].numel() == run_.program_.count)
            put(at_[run_.program_.results[r].place], run_.written_[r] + i, n);
        }
      }
      return sums;
    }

   private:
    static constexpr std::size_t kBytes = sizeof(T) * kBlock;
    struct Free {
      void operator()(T* p) const { std::free(p); }
    };

    void do_steps(Place kind, std::int64_t n, std::vector<double>& sums) {
      std::size_t sum = 0;
      for (const Program::Step& step : run_.program_.steps) {
        if (kind == Place::elements) fetch_ahead();
        if (step.code == Code::sum) {
          if (kind != Place::elements) continue;
          if (sum == sums.size()) sums.push_back(0);
          sums[sum++] += fold::row(fold::Kind::sum, at_[step.a], n, 0);
        } else if (run_.program_.places[step.dst] == kind) {
          do_step(step, at_, n);
        }
      }
    }

    /// Asks for a step's share of the next block: a block is too short for the processor to see where it goes on.
    void fetch_ahead() {
      const std::int64_t share = kBlock / static_cast<std::int64_t>(run_.program_.steps.size()) + 1;
      const std::int64_t end = std::min(next_ + share, run_.program_.count);
      for (std::size_t k = 0; k < run_.inputs_.size(); ++k) {
        if (run_.program_.places[run_.program_.inputs[k]] != Place::elements) continue;
        for (std::int64_t i = next_; i < end; i += kLine) __builtin_prefetch(run_.inputs_[k] + i, 0, 2);
      }
      next_ = end;
    }

    void put(const T* from, T* to, std::int64_t n) const {
      const auto bytes = static_cast<std::size_t>(n) * sizeof(T);
      if (run_.streamed_)
        streamed_copy(from, to, bytes);
      else
        std::memcpy(to, from, bytes);
    }

    static constexpr std::int64_t kLine = 64 / sizeof(T);

    const Run& run_;
    std::int64_t next_ = 0;  // the first element that was not asked for
    std::unique_ptr<T, Free> blocks_;
    std::vector<T*> at_;  // each place's elements
  };

  static void do_step(const Program::Step& step, const std::vector<T*>& at, std::int64_t n) {
    if (step.code == Code::unary)
      row(step.unary, step.numbers, at[step.a], at[step.dst], n);
    else
      row(step.binary, step.numbers, at[step.a], at[step.b], at[step.dst], n);
  }

  /// What follows from the sums: on one element each.
  void finish(const std::vector<std::vector<double>>& sums) {
    std::vector<T> values(program_.places.size());
    std::vector<T*> at;
    for (T& value : values) at.push_back(&value);
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (program_.places[program_.inputs[i]] == Place::number) values[program_.inputs[i]] = *inputs_[i];
    }
    for (const Program::Constant& constant : program_.constants)
      values[constant.place] = static_cast<T>(constant.value);
    std::size_t sum = 0;
    for (const Program::Step& step : program_.steps) {
      if (step.code == Code::sum) {
        double total = 0;
        for (const std::vector<double>& of_chunk : sums) total += of_chunk[sum];
        values[step.dst] = static_cast<T>(total / step.numbers.a);
        ++sum;
      } else if (program_.places[step.dst] != Place::elements) {
        do_step(step, at, 1);
      }
    }
    for (std::size_t r = 0; r < results_.size(); ++r) {
      if (results_[r].numel() == 1) *written_[r] = values[program_.results[r].place];
    }
  }

  /// Places share blocks of memory when one is last read before the next is written. Numbers keep theirs.
  Registers assign_registers() const {
    const std::size_t places = program_.places.size(), steps = program_.steps.size();
    std::vector<std::size_t> last(places, 0);
    for (std::size_t k = 0; k < steps; ++k) {
      const Program::Step& step = program_.steps[k];
      last[step.a] = k;
      if (step.code == Code::binary) last[step.b] = k;
    }
    for (const Program::Result& result : program_.results) last[result.place] = steps;
    Registers registers;
    registers.of.resize(places);
    std::vector<bool> written(places);  // by a step, an element each
    std::vector<std::size_t> free;
    const auto take = [&](std::size_t place) {
      if (free.empty() || program_.places[place] != Place::elements) {
        registers.of[place] = registers.count++;
      } else {
        registers.of[place] = free.back();
        free.pop_back();
      }
    };
    for (std::size_t p = 0; p < places; ++p) {
      if (program_.places[p] == Place::number) take(p);
    }
    for (std::size_t k = 0; k < steps; ++k) {
      const Program::Step& step = program_.steps[k];
      if (program_.places[step.dst] == Place::elements) {
        take(step.dst);
        written[step.dst] = true;
      }
      const auto give_back = [&](std::size_t place) {
        if (written[place] && last[place] == k) free.push_back(registers.of[place]);
      };
      give_back(step.a);
      if (step.code == Code::binary && step.b != step.a) give_back(step.b);
    }
    return registers;
  }

  const Program& program_;
  bool streamed_;
  Registers registers_;
  std::vector<const T*> inputs_;
  std::vector<Tensor> results_;
  std::vector<T*> written_;
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
