// The cache of primitives. Internal to core/onednn: the only header that includes oneDNN's.
#pragma once

#include <array>
#include <boost/container/static_vector.hpp>
#include <chrono>
#include <cstdint>
#include <dnnl.hpp>
#include <initializer_list>
#include <vector>

#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/parallel.h"
#include "dagrad/core/tensor.h"

namespace dagrad::onednn {

/// Which kind of primitive a key is for.
enum class Kind : std::int64_t {
  eltwise,
  binary,
  matmul,
  log_softmax,
  log_softmax_backward,
  convolution,
  convolution_backward_data,
  convolution_backward_weights,
  repeated_matmul,
  reorder_of_repeated_matmul,
};

dnnl::engine& engine();
dnnl::memory::data_type data_type(DType dtype);
dnnl::algorithm algorithm_of(Eltwise algorithm);
/// The descriptor of a tensor as it lies in memory; a 0-dim tensor as one of shape [1].
dnnl::memory::desc describe(const Tensor& t);
/// Attributes that every primitive here is made with: scratchpads come from dagrad's allocator.
dnnl::primitive_attr attributes();

/// How many threads a primitive may use: one when its work (in floating-point operations or elements moved) is small.
int threads_for(std::int64_t work, std::int64_t worth_forking);

/// What tells one primitive from another, as a row of integers.
class Key {
 public:
  Key(Kind kind, int threads) : threads_(threads) { add(static_cast<std::int64_t>(kind)).add(threads); }
  Key& add(std::int64_t word) {
    words_.push_back(word);
    return *this;
  }
  Key& add(const Tensor& t);

  int threads() const { return threads_; }
  const std::int64_t* begin() const { return words_.data(); }
  const std::int64_t* end() const { return words_.data() + words_.size(); }
  std::uint64_t hash() const;

 private:
  boost::container::static_vector<std::int64_t, 120> words_;
  int threads_;
};

/// A tensor in the role of one of the primitive's arguments (DNNL_ARG_SRC, ...), laid out as `desc`.
struct Argument {
  int role;
  void* data;
  bool written;
};

/// A primitive with the descriptors of its arguments, in the order in which run() gets their data. Where `wanted` (when
/// not empty, as long as `descriptors`) differs, the argument is reordered on its way in or out.
struct Built {
  dnnl::primitive primitive;
  std::vector<dnnl::memory::desc> descriptors;
  std::size_t scratchpad_bytes = 0;
  std::vector<dnnl::memory::desc> wanted = {};
};

using Clock = std::chrono::steady_clock;

struct Executable;
/// The calling thread's primitive for `key`, or null when it has none yet.
Executable* find(const Key& key);
/// Keeps what was `built` since `start`.
Executable& insert(const Key& key, std::initializer_list<Argument> arguments, Built built, Clock::time_point start);
void execute(Executable& executable, std::initializer_list<Argument> arguments);
/// The same with a scratchpad of scratchpad_bytes() that the caller keeps.
void execute(Executable& executable, std::initializer_list<Argument> arguments, void* scratchpad);
std::size_t scratchpad_bytes(const Executable& executable);
/// The layout of the argument at position `i` of those that the primitive was made with.
dnnl::memory::desc descriptor(const Executable& executable, std::size_t i);

/// Executes the primitive that `key` stands for, making it by `build()` -> Built when it is new to the calling thread.
template <class Build>
void run(const Key& key, std::initializer_list<Argument> arguments, const Build& build) {
  const ThreadLimit limit(key.threads());
  Executable* executable = find(key);
  if (executable == nullptr) {
    const Clock::time_point start = Clock::now();
    executable = &insert(key, arguments, build(), start);
  }
  execute(*executable, arguments);
}

inline Argument in(int role, const Tensor& t) { return {role, const_cast<void*>(t.raw_data()), false}; }
inline Argument out(int role, Tensor& t) { return {role, t.mutable_raw_data(), true}; }

}  // namespace dagrad::onednn
