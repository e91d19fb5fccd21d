// Verify mode: every f32 or bf16 result compared with the op's f64 kernel, while the program runs.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dagrad/core/tensor.h"
#include "dagrad/core/watch.h"

namespace dagrad {

/// An element of a result that is beyond its bound.
struct Mismatch {
  std::string op;      ///< the op's name
  std::string place;   ///< like `'mul' in the backward of 'tanh', recorded at model.cpp:12`
  std::size_t result;  ///< which of the op's results
  Shape index;         ///< where in it
  double got, want;    ///< what the kernel gave, and what the f64 kernel gives for the same inputs
  double bound;        ///< how far they may be apart
  std::string str() const;
};

/// How far a result may be off: Note [Bounds by probing] in verify.cpp.
struct VerifyOptions {
  double f32_roundings = 64;  ///< how many roundings to 24 bits a term of a result may go through
  double bf16_roundings = 4;  ///< and how many to 8 bits, where bf16 goes in or comes out
  /// Called with each op's first mismatch; when empty, PrecisionError is thrown instead.
  std::function<void(const Mismatch&)> on_mismatch = {};
};

/// For a scope: each result of the calling thread's ops in f32 or bf16, those of backwards too, is compared with what
/// the op's f64 kernel makes of the same inputs. The first element beyond its bound throws PrecisionError, which names
/// the op, where it was called (for the ops of a backward: where their forward was), the index and both values.
/// Results of integers and bools must be equal. Costs a run of the f64 kernel for every op, many times the op's own.
///
/// Views compute nothing and are passed over. Random ops (dropout) hold the position of their random stream as an
/// attribute, so their f64 run draws the same numbers; an op whose forward advances a state of its own must say
/// `static constexpr bool verifiable = false`, and is then passed over, as is one that takes no f64.
class VerifyMode {
 public:
  explicit VerifyMode(VerifyOptions options = {});
  ~VerifyMode();
  VerifyMode(const VerifyMode&) = delete;
  VerifyMode& operator=(const VerifyMode&) = delete;

  /// How many ops were compared so far, and by name how many were passed over.
  std::size_t compared() const { return compared_; }
  const std::map<std::string, std::size_t>& passed_over() const { return passed_over_; }

  /// Runs the op on other inputs.
  using Rerun = std::function<std::vector<Tensor>(std::span<const Tensor> inputs)>;
  /// For apply(): compares what the running op made of `inputs`.
  static void check(std::span<const Tensor* const> inputs, std::span<const Tensor> results, const Rerun& rerun);
  /// For apply(): notes that the running op cannot be compared.
  static void pass_over();

 private:
  VerifyOptions options_;
  std::size_t compared_ = 0;
  std::map<std::string, std::size_t> passed_over_;
  VerifyMode* outer_;
  WatchScope watch_{Watch::verify};
};

}  // namespace dagrad
