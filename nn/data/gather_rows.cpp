#include "dagrad/nn/data/gather_rows.h"

#include <cstring>

#include "dagrad/core/copy.h"

namespace dagrad::data {

Tensor gather_rows(const Tensor& source_in, std::span<const std::int64_t> indices) {
  const Tensor source = contiguous_data(source_in);
  Shape shape = source.shape();
  shape[0] = static_cast<std::int64_t>(indices.size());
  Tensor rows = Tensor::allocate({shape, source.dtype()});
  if (rows.numel() == 0) return rows;
  const std::size_t row_bytes = rows.bytes() / indices.size();
  const auto* from = static_cast<const std::byte*>(source.raw_data());
  auto* to = static_cast<std::byte*>(rows.mutable_raw_data());
  for (const std::int64_t index : indices) {
    std::memcpy(to, from + static_cast<std::size_t>(index) * row_bytes, row_bytes);
    to += row_bytes;
  }
  return rows;
}

}  // namespace dagrad::data
