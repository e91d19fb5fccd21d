// The exceptions that dagrad throws. Each message reads `op: what is wrong: what it got (what it wanted)`.
#pragma once

#include <stdexcept>

namespace dagrad {

/// Base of every exception that dagrad throws on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Shapes, sizes, axes or strides that do not fit.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// An element type that an op does not take, or types that differ where they must agree.
class DTypeError : public Error {
 public:
  using Error::Error;
};

/// A gradient that cannot be computed: graph freed, saved tensor overwritten, no derivative, NaN in anomaly mode.
class GradientError : public Error {
 public:
  using Error::Error;
};

/// A file or stream that cannot be read or written, or does not hold what its format promises.
class IoError : public Error {
 public:
  using Error::Error;
};

/// A value out of its range (a label, an index, an option), or a call that makes no sense in this state.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// A result beyond its bound of error, in verify mode.
class PrecisionError : public Error {
 public:
  using Error::Error;
};

/// Work that would run, but not as fast as it should: reference code, or a needless copy, under a strict ledger.
class PerformanceError : public Error {
 public:
  using Error::Error;
};

}  // namespace dagrad
