// The exception of captured steps.
#pragma once

#include "dagrad/core/error.h"

namespace dagrad {

/// A step that cannot be captured, or replayed any more, though its function may well be called as it stands.
class CaptureError : public UsageError {
 public:
  using UsageError::UsageError;
};

}  // namespace dagrad
