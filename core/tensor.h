// Tensor: the one value type of dagrad.
#pragma once

#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "dagrad/core/dtype.h"
#include "dagrad/core/location.h"
#include "dagrad/core/shape.h"
#include "dagrad/core/storage.h"

namespace dagrad {

class Node;
class Tensor;
void intrusive_ptr_add_ref(Node* node);
void intrusive_ptr_release(Node* node);
using NodePointer = boost::intrusive_ptr<Node>;

/// In which order a dense tensor's elements lie. The logical shape is [N, C, spatial...] in both: convolutions and
/// pooling give channels-last strides, elementwise ops keep them.
enum class Format : std::uint8_t { row_major, channels_last };

/// What an op promises about a result before it runs: its shape and element type, and how it is to lie in memory.
struct Spec {
  Shape shape;
  DType dtype = f32;
  Format format = Format::row_major;
};

/// A hook on a tensor: sees the finished gradient; what it returns replaces it (an undefined tensor keeps it).
using GradientHook = std::function<Tensor(const Tensor& gradient)>;

/// An n-dimensional array with value semantics of a handle: copies share the same elements and the same history.
/// Reading from several threads is safe; writing while another thread uses the tensor is not.
class Tensor {
 public:
  Tensor() = default;  ///< undefined: stands for "no tensor" (a missing bias, a gradient that is zero)

  bool defined() const { return impl_ != nullptr; }
  explicit operator bool() const { return defined(); }

  const Shape& shape() const { return checked()->shape; }
  const Strides& strides() const { return checked()->strides; }
  /// Shape and element type, for a row-major tensor.
  Spec spec() const { return {shape(), dtype()}; }
  /// The same for a tensor that lies as this one does: for ops whose kernels walk over any strides.
  Spec spec_with_format() const { return {shape(), dtype(), format()}; }
  int dim() const { return checked()->shape.rank(); }
  std::int64_t numel() const { return checked()->numel; }
  DType dtype() const { return checked()->dtype; }
  std::size_t bytes() const { return static_cast<std::size_t>(numel()) * item_size(dtype()); }
  /// The size along `axis`, which may count from the end. Throws ShapeError.
  std::int64_t size(std::int64_t axis) const;
  /// Offset of the first element from the start of the storage, in elements.
  std::int64_t offset() const { return checked()->offset; }
  /// Whether the elements lie in row-major order without gaps.
  bool is_contiguous() const { return checked()->contiguous; }
  /// Whether a tensor of 3 to 5 dimensions lies without gaps in the order [N, spatial..., C].
  bool is_channels_last() const;
  /// channels_last when it is that and not also row-major.
  Format format() const { return is_contiguous() || !is_channels_last() ? Format::row_major : Format::channels_last; }
  const Storage::Pointer& storage() const { return checked()->storage; }

  /// The first element, for reading. Throws DTypeError when T is not the element type.
  template <class T>
  const T* data() const {
    check_dtype(dtype_of<T>);
    return static_cast<const T*>(raw_data());
  }
  /// The first element, for writing; counts as an in-place change (raises the version). Throws DTypeError.
  template <class T>
  T* mutable_data() {
    check_dtype(dtype_of<T>);
    return static_cast<T*>(mutable_raw_data());
  }
  const void* raw_data() const {
    const Impl* impl = checked();
    return impl->storage->data() + impl->offset * static_cast<std::int64_t>(item_size(impl->dtype));
  }
  void* mutable_raw_data() {
    checked()->storage->bump_version();
    return const_cast<void*>(raw_data());
  }

  /// The only element, converted to T. Throws ShapeError unless numel() is 1.
  template <class T>
  T item() const;
  /// All elements in row-major order, converted to T.
  template <class T>
  std::vector<T> to_vector() const;

  // --- in place, never recorded ---

  /// Sets every element. Throws UsageError on a tensor whose history is being recorded (use NoGrad).
  Tensor& fill_(double value, Location where = Location::current());
  Tensor& zero_(Location where = Location::current());
  /// Copies the elements of `source`, which must broadcast to this shape; converts the element type.
  Tensor& copy_(const Tensor& source, Location where = Location::current());
  /// Says who made the last in-place change, for the error that follows when a backward needed the elements as they
  /// were. `op` must live as long as the program.
  void note_in_place(std::string_view op, Location where = {}) { storage()->note_change(op, where); }

  // --- autograd ---

  /// Whether gradients flow to or through this tensor.
  bool requires_grad() const { return defined() && impl_->node != nullptr; }
  /// Makes a leaf of this tensor (or a constant again). Throws GradientError on a non-leaf, DTypeError on integers.
  Tensor& requires_grad_(bool value = true);
  /// True unless an op recorded it.
  bool is_leaf() const;
  /// The accumulated gradient of a leaf, or of a tensor on which retain_grad() was called; undefined when there is
  /// none.
  Tensor grad() const;
  /// Replaces the gradient (undefined frees it). Throws ShapeError/DTypeError when it does not match.
  void set_grad(Tensor gradient) const;
  /// Frees the gradient, or with `set_to_none = false` fills it with zeros.
  void zero_grad(bool set_to_none = true) const;
  /// Keeps the gradient of a non-leaf readable by grad() after backward.
  void retain_grad() const;
  /// The same elements without history.
  Tensor detach() const;
  /// Accumulates d(this)/d(leaf) into every leaf's grad. See dagrad::backward for the options.
  void backward(const Tensor& gradient = {}, bool retain_graph = false, bool create_graph = false) const;
  /// Runs `hook` on this tensor's gradient each time it is complete; returns a handle for remove_hook.
  int register_hook(GradientHook hook) const;
  void remove_hook(int handle) const;
  /// A name for messages and drawings.
  Tensor& set_name(std::string name);
  std::string name() const;
  /// The node that produced this tensor, or the leaf's own node; null when no gradient is required.
  const NodePointer& node() const { return checked()->node; }
  /// Which output of node() this tensor is.
  std::uint32_t output_index() const { return checked()->output_index; }
  /// How often the elements were changed in place (views count together).
  std::uint32_t version() const { return storage()->version(); }

  /// Whether two handles are the same tensor.
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }

  // --- for ops ---

  /// A view of the same storage with other shape, strides and offset, without history.
  Tensor alias(const Shape& shape, const Strides& strides, std::int64_t offset) const;
  /// Attaches the history: this tensor is output `index` of `node`.
  void set_node(NodePointer node, std::uint32_t index);
  /// How many handles share this tensor; a view, and what detach() gives, is another tensor.
  std::uint32_t handles() const { return checked()->references.load(std::memory_order_acquire); }
  /// Whether this handle is the only one to its elements, so that they may be overwritten.
  bool owns_elements_alone() const;
  /// An uninitialised dense tensor.
  static Tensor allocate(const Spec& spec);
  static Tensor from_storage(Storage::Pointer storage, const Spec& spec, const Strides& strides, std::int64_t offset);

 private:
  struct Impl;
  using ImplPointer = boost::intrusive_ptr<Impl>;
  friend void intrusive_ptr_add_ref(Impl* impl);
  friend void intrusive_ptr_release(Impl* impl);

  struct Impl {
    std::atomic<std::uint32_t> references{0};
    DType dtype;
    bool contiguous;
    std::uint32_t output_index = 0;
    std::int64_t numel;
    std::int64_t offset;
    Storage::Pointer storage;
    NodePointer node;
    Shape shape;
    Strides strides;

    Impl(Storage::Pointer storage, const Spec& spec, const Strides& strides, std::int64_t offset);
    ~Impl();
    static void* operator new(std::size_t bytes);
    static void operator delete(void* block, std::size_t bytes) noexcept;
  };

  explicit Tensor(Impl* impl) : impl_(impl) {}
  static void destroy(Impl* impl) noexcept;
  Impl* checked() const {
    if (!impl_) throw_undefined();
    return impl_.get();
  }
  [[noreturn]] static void throw_undefined();
  [[noreturn]] void throw_dtype(DType wanted) const;
  void check_dtype(DType wanted) const {
    if (dtype() != wanted) throw_dtype(wanted);
  }
  void check_in_place(const char* op) const;

  ImplPointer impl_;
};

inline void intrusive_ptr_add_ref(Tensor::Impl* impl) { impl->references.fetch_add(1, std::memory_order_relaxed); }
inline void intrusive_ptr_release(Tensor::Impl* impl) {
  if (impl->references.fetch_sub(1, std::memory_order_acq_rel) == 1) Tensor::destroy(impl);
}

}  // namespace dagrad
