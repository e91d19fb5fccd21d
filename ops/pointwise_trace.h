// Watching which elementwise kernels a function calls. Internal.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dagrad/core/add_observer.h"
#include "dagrad/core/tensor.h"
#include "dagrad/ops/pointwise.h"
#include "dagrad/ops/pointwise_program.h"

namespace dagrad::pointwise {

class Trace;

namespace detail {

// Read by every elementwise kernel, so without a call.
extern constinit thread_local Trace* trace;

}  // namespace detail

/// Whether all elements are the same one in memory.
bool one_element(const Tensor& t);

/// While it lives, the calling thread's elementwise kernels and sums are written down and not computed. To be used in a
/// rehearsal, in which nothing else is computed either.
class Trace final : public AddObserver {
 public:
  /// For functions of `inputs`, each contiguous and of `count` elements or of one.
  Trace(std::span<const Tensor> inputs, DType dtype, std::int64_t count);
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  // For the kernels.
  void unary(Unary f, const Tensor& src, const Tensor& dst, Numbers numbers);
  void binary(Binary f, const Tensor& a, const Tensor& b, const Tensor& dst, Numbers numbers);
  /// f(src, number), or f(number, src).
  void binary(Binary f, const Tensor& src, double number, bool number_first, const Tensor& dst);
  /// dst, of one element, is the sum of all elements of src, divided by `divisor`.
  void sum(const Tensor& src, const Tensor& dst, double divisor);
  void added(const Tensor& a, const Tensor& b, const Tensor& dst) override { binary(Binary::add, a, b, dst, {}); }

  /// The kernels that lead to the results; nothing when something else led to them, see problem().
  std::optional<Program> finish(std::span<const Tensor> results);
  /// Tensors that the function read beside its inputs; they follow the program's inputs as further ones.
  const std::vector<Tensor>& others() const { return others_; }
  const std::string& problem() const { return problem_; }

 private:
  struct Known {
    Tensor tensor;  // held, so that no other takes its memory
    std::uint32_t version;
    std::size_t place;
  };
  std::optional<std::size_t> place_of(const Tensor& t);
  std::size_t add_place(Program::Place kind, const Tensor& t);
  void add_step(Program::Step step, const Tensor& dst, std::span<const std::size_t> operands);
  bool whole(const Tensor& t) const { return t.numel() == program_.count && t.is_contiguous(); }
  /// Why there can be no program: because of what an op, or the function, reads; or of what an op gives.
  void refuse_source(const Tensor& t, std::string_view why);
  void refuse_result(const Tensor& t, std::string_view why);
  void refuse(std::string_view what, const Tensor& t, std::string_view why);

  Program program_;
  std::vector<Tensor> others_;
  std::unordered_map<const Storage*, Known> known_;
  std::string problem_;
  bool recording_;  // whether ops were recorded around it
  Trace* outer_;
  AddObserver* outer_observer_;
};

}  // namespace dagrad::pointwise
