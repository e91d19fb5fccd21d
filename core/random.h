// Counter-based random numbers.
#pragma once

#include <array>
#include <cstdint>

#include "dagrad/core/tensor.h"

namespace dagrad {

/// A stream of random numbers: Philox4x32-10 (Salmon et al., SC 2011) keyed by the seed and driven by a counter.
/// Draw number i depends on the seed and on i alone, so results do not change with the number of threads.
/// Copying copies the position. Not thread-safe: give each thread its own.
class Generator {
 public:
  explicit Generator(std::uint64_t seed = 0) : seed_(seed) {}

  std::uint64_t seed() const { return seed_; }
  /// The next unused block of four 32-bit words; saving seed and position saves the state.
  std::uint64_t position() const { return position_; }
  void set_position(std::uint64_t position) { position_ = position; }
  void manual_seed(std::uint64_t seed) { *this = Generator(seed); }

  /// Sets aside `blocks` blocks and returns the first; a kernel then reads any of them in any order.
  std::uint64_t reserve(std::uint64_t blocks);

  /// The four words of one block.
  static std::array<std::uint32_t, 4> block(std::uint64_t seed, std::uint64_t position);

  std::uint64_t next_u64();
  /// U[0, 1) with 53 random bits.
  double next_uniform();
  /// An unbiased integer in [0, bound). Throws UsageError when bound is 0.
  std::uint64_t next_below(std::uint64_t bound);

  /// An independent stream: equal arguments give equal streams (one per worker, epoch, sample, ...).
  Generator fork(std::uint64_t stream) const;

 private:
  std::uint64_t seed_;
  std::uint64_t position_ = 0;
};

/// The calling thread's generator, which every random function uses by default. Seed 0 at the start of each thread.
Generator& default_generator();

/// Seeds the calling thread's generator.
void manual_seed(std::uint64_t seed);

/// Overwrites `dst` (f32, bf16 or f64, contiguous) with draws from U[low, high).
void fill_uniform(Tensor& dst, double low, double high, Generator& generator);
/// Overwrites `dst` with draws from N(mean, std^2), by Box and Muller's transform.
void fill_normal(Tensor& dst, double mean, double std, Generator& generator);

}  // namespace dagrad
