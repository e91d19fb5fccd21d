#include "dagrad/core/tensor.h"

#include <fmt/format.h>
#include <memory>
#include <new>
#include <string>

#include "dagrad/core/allocator.h"
#include "dagrad/core/capture/capture.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/leaf.h"
#include "dagrad/core/node.h"
#include "dagrad/core/overlap.h"
#include "dagrad/core/rehearsal.h"

namespace dagrad {
namespace {

/// Says what there was no memory for.
class OutOfMemory final : public std::bad_alloc {
 public:
  OutOfMemory(std::size_t bytes, const Spec& spec)
      : text_(std::make_shared<std::string>(fmt::format("out of memory: {:.1f} GiB for {} {}",
                                                        static_cast<double>(bytes) / (1 << 30), name_of(spec.dtype),
                                                        spec.shape.str()))) {}
  const char* what() const noexcept override { return text_->c_str(); }

 private:
  std::shared_ptr<const std::string> text_;  // copying an exception must not throw
};

Storage::Pointer allocate_storage(std::size_t bytes, const Spec& spec) {
  try {
    return Storage::allocate(bytes);
  } catch (const std::bad_alloc&) {
    if (bytes < (1 << 20)) throw;  // then there is hardly any for a message
    throw OutOfMemory(bytes, spec);
  }
}

}  // namespace

Tensor::Impl::Impl(Storage::Pointer storage_in, const Spec& spec, const Strides& strides_in, std::int64_t offset_in)
    : dtype(spec.dtype),
      contiguous(dagrad::is_contiguous(spec.shape, strides_in)),
      numel(1),
      offset(offset_in),
      storage(std::move(storage_in)),
      shape(spec.shape),
      strides(strides_in) {
  for (const std::int64_t size : shape) numel *= size;
}

Tensor::Impl::~Impl() = default;

void* Tensor::Impl::operator new(std::size_t bytes) { return allocator::allocate(bytes); }
void Tensor::Impl::operator delete(void* block, std::size_t bytes) noexcept { allocator::deallocate(block, bytes); }

void Tensor::destroy(Impl* impl) noexcept { delete impl; }

void Tensor::throw_undefined() {
  throw UsageError("tensor: undefined (want one that was made by a function or an op)");
}

void Tensor::throw_dtype(DType wanted) const {
  throw DTypeError(fmt::format("data: the elements are {}: asked for {}", name_of(dtype()), name_of(wanted)));
}

void Tensor::check_in_place(const char* op) const {
  if (requires_grad() && grad_enabled()) {
    throw UsageError(fmt::format(
        "{}: in-place change of a tensor that requires a gradient, shape {} (want NoGrad around it, or a new tensor)",
        op, shape().str()));
  }
}

bool Tensor::is_channels_last() const {
  const Impl* impl = checked();
  if (impl->shape.rank() < 3 || impl->shape.rank() > 5) return false;
  const Strides wanted = channels_last_strides(impl->shape);
  for (int axis = 0; axis < impl->shape.rank(); ++axis) {
    if (impl->shape[axis] > 1 && impl->strides[axis] != wanted[axis]) return false;
  }
  return true;
}

std::int64_t Tensor::size(std::int64_t axis) const { return shape()[normalize_axis("size", axis, dim())]; }

namespace {

void check_readable(const char* function) {
  if (watched(Watch::capture)) [[unlikely]]
    Capture::refuse(fmt::format("{}: the elements of a tensor are read", function),
                    "the tensor returned and read outside, or the reading in each_replay()");
}

}  // namespace

template <class T>
T Tensor::item() const {
  check_readable("item");
  if (numel() != 1)
    throw ShapeError(fmt::format("item: shape {} has {} elements (want exactly 1)", shape().str(), numel()));
  return visit_dtype(dtype(), [&]<class From>(From) { return convert_to<T>(*data<From>()); });
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  check_readable("to_vector");
  const Tensor source = contiguous_data(*this);
  std::vector<T> values(static_cast<std::size_t>(numel()));
  visit_dtype(dtype(), [&]<class From>(From) {
    const From* from = source.data<From>();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = convert_to<T>(from[i]);
  });
  return values;
}

template float Tensor::item<float>() const;
template double Tensor::item<double>() const;
template std::int64_t Tensor::item<std::int64_t>() const;
template int Tensor::item<int>() const;
template bool Tensor::item<bool>() const;
template std::vector<float> Tensor::to_vector<float>() const;
template std::vector<double> Tensor::to_vector<double>() const;
template std::vector<std::int64_t> Tensor::to_vector<std::int64_t>() const;
template std::vector<int> Tensor::to_vector<int>() const;
template std::vector<std::uint8_t> Tensor::to_vector<std::uint8_t>() const;
template std::vector<bool> Tensor::to_vector<bool>() const;

namespace {

void set_all(Tensor& t, double value) {
  Tensor source = Tensor::allocate({Shape{}, t.dtype()});
  visit_dtype(t.dtype(), [&]<class T>(T) { *source.mutable_data<T>() = convert_to<T>(value); });
  copy_elements(source.alias(t.shape(), Shape::filled(t.dim(), 0), 0), t);
}

/// Who changed `t`; a rehearsal hears of it, too, as it has not been done there.
void note(Tensor& t, std::string_view op, Location where) {
  t.note_in_place(op, where);
  if (Rehearsal* const rehearsal = Rehearsal::current()) rehearsal->changed(*t.storage());
}

}  // namespace

Tensor& Tensor::fill_(double value, Location where) {
  check_in_place("fill_");
  set_all(*this, value);
  note(*this, "fill_", where);
  return *this;
}

Tensor& Tensor::zero_(Location where) {
  check_in_place("zero_");
  set_all(*this, 0);
  note(*this, "zero_", where);
  return *this;
}

Tensor& Tensor::copy_(const Tensor& source, Location where) {
  check_in_place("copy_");
  if (broadcast_shapes("copy_", shape(), source.shape()) != shape()) {
    throw ShapeError(fmt::format("copy_: source {} does not broadcast to {}", source.shape().str(), shape().str()));
  }
  if (overlaps_itself(*this)) {
    throw UsageError(
        fmt::format("copy_: elements of the tensor overlap: shape {}, strides {} (want an own place for each)",
                    shape().str(), strides().str()));
  }
  // All is read before anything is written.
  Tensor from = source;
  if (share_memory(*this, source)) {
    from = allocate(source.spec());
    copy_elements(source, from);
  }
  copy_elements(from.alias(shape(), broadcast_strides(from.shape(), from.strides(), shape()), from.offset()), *this);
  note(*this, "copy_", where);
  return *this;
}

Tensor& Tensor::requires_grad_(bool value) {
  Impl* impl = checked();
  if (impl->node && !impl->node->is_leaf()) {
    throw GradientError(fmt::format("requires_grad_: the tensor is a result of '{}' (want a leaf: detach() first)",
                                    impl->node->name()));
  }
  if (value && !is_floating(impl->dtype)) {
    throw DTypeError(fmt::format("requires_grad_: {} has no gradients (want f32, bf16 or f64)", name_of(impl->dtype)));
  }
  if (value && !impl->node) set_node(make_leaf(*this), 0);
  if (!value) impl->node.reset();
  return *this;
}

bool Tensor::is_leaf() const { return !checked()->node || impl_->node->is_leaf(); }

Tensor Tensor::detach() const { return alias(shape(), strides(), offset()); }

Tensor Tensor::alias(const Shape& shape, const Strides& strides, std::int64_t offset) const {
  return Tensor(new Impl(storage(), Spec{shape, dtype()}, strides, offset));
}

void Tensor::set_node(NodePointer node, std::uint32_t index) {
  Impl* impl = checked();
  impl->node = std::move(node);
  impl->output_index = index;
}

bool Tensor::owns_elements_alone() const {
  if (checked()->references.load(std::memory_order_acquire) != 1) return false;
  if (watched(Watch::capture)) [[unlikely]]
    return impl_->storage->references() == 1 + Capture::references_to(*impl_->storage);
  return impl_->storage->unique();
}

Tensor Tensor::allocate(const Spec& spec) {
  const std::size_t item = item_size(spec.dtype);
  const auto count = static_cast<std::size_t>(checked_numel("empty", spec.shape, item));
  const bool channels_last = spec.format == Format::channels_last && spec.shape.rank() >= 3;
  return Tensor(new Impl(allocate_storage(count * item, spec), spec,
                         channels_last ? channels_last_strides(spec.shape) : contiguous_strides(spec.shape), 0));
}

Tensor Tensor::from_storage(Storage::Pointer storage, const Spec& spec, const Strides& strides, std::int64_t offset) {
  checked_numel("from_storage", spec.shape, item_size(spec.dtype));
  return Tensor(new Impl(std::move(storage), spec, strides, offset));
}

}  // namespace dagrad
