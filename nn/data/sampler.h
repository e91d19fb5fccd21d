// Samplers: which samples an epoch visits, in which order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad::data {

/// Gives the order of each epoch. It depends on the sampler and the epoch alone, so epochs can be repeated, in any
/// order and from several threads.
class Sampler {
 public:
  virtual ~Sampler() = default;
  /// The indices of the samples that epoch `epoch` visits.
  virtual std::vector<std::int64_t> order(std::int64_t epoch) const = 0;
  /// How many that are.
  virtual std::int64_t size() const = 0;
};

/// 0, 1, ..., count - 1.
class SequentialSampler final : public Sampler {
 public:
  explicit SequentialSampler(std::int64_t count) : count_(count) {}
  std::vector<std::int64_t> order(std::int64_t epoch) const override;
  std::int64_t size() const override { return count_; }

 private:
  std::int64_t count_;
};

/// Every sample once, in a new order each epoch. Every order is as likely as every other.
class ShuffleSampler final : public Sampler {
 public:
  ShuffleSampler(std::int64_t count, std::uint64_t seed) : count_(count), seed_(seed) {}
  std::vector<std::int64_t> order(std::int64_t epoch) const override;
  std::int64_t size() const override { return count_; }

 private:
  std::int64_t count_;
  std::uint64_t seed_;
};

/// Each draw is independent of the others, so samples may come twice or never: as bagging wants it, or with weights to
/// even out rare classes.
class ReplacementSampler final : public Sampler {
 public:
  /// `draws` of `count` samples, each as likely as the others. Throws UsageError unless count >= 1.
  ReplacementSampler(std::int64_t count, std::int64_t draws, std::uint64_t seed);
  /// Sample i is drawn with a probability proportional to weights[i]. Throws UsageError unless all are finite, none
  /// below 0 and one above.
  ReplacementSampler(std::span<const double> weights, std::int64_t draws, std::uint64_t seed);
  std::vector<std::int64_t> order(std::int64_t epoch) const override;
  std::int64_t size() const override { return draws_; }

 private:
  std::int64_t count_ = 0, draws_;
  std::uint64_t seed_;
  std::vector<double> cumulated_;  // empty where all weights are the same
};

/// Every sample once, in a new order each epoch, in which every stretch (and so every batch) has about the share of
/// each class that the whole has: of class c, any n consecutive samples hold the expected number up to 2 more or less.
class StratifiedSampler final : public Sampler {
 public:
  /// Labels [N], i64.
  StratifiedSampler(const Tensor& labels, std::uint64_t seed);
  std::vector<std::int64_t> order(std::int64_t epoch) const override;
  std::int64_t size() const override { return count_; }

 private:
  std::int64_t count_;
  std::uint64_t seed_;
  std::vector<std::vector<std::int64_t>> classes_;
};

/// The samples at `indices` (one part of a split, say), in a new order each epoch.
class SubsetSampler final : public Sampler {
 public:
  SubsetSampler(std::vector<std::int64_t> indices, std::uint64_t seed) : indices_(std::move(indices)), seed_(seed) {}
  std::vector<std::int64_t> order(std::int64_t epoch) const override;
  std::int64_t size() const override { return static_cast<std::int64_t>(indices_.size()); }

 private:
  std::vector<std::int64_t> indices_;
  std::uint64_t seed_;
};

}  // namespace dagrad::data
