// Who wants to know of additions of gradients. Internal.
#pragma once

#include "dagrad/core/tensor.h"

namespace dagrad {

/// Sees the calling thread's add_elements() instead of its being done.
class AddObserver {
 public:
  virtual void added(const Tensor& a, const Tensor& b, const Tensor& dst) = 0;

 protected:
  AddObserver() = default;
  ~AddObserver() = default;
  AddObserver(const AddObserver&) = default;
  AddObserver& operator=(const AddObserver&) = default;
};

namespace detail {

extern constinit thread_local AddObserver* add_observer;

}  // namespace detail
}  // namespace dagrad
