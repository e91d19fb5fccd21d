#include "dagrad/ops/norm_channels.h"

#include <algorithm>

#include "dagrad/core/parallel.h"
#include "dagrad/ops/fold.h"
#include "dagrad/ops/norm_lines.h"

namespace dagrad {
namespace {

constexpr std::int64_t kGrain = 16 << 10;  // elements that are worth a thread

/// A matrix cut into parts of rows that are read twice while they are in the cache, and added up in one go. The cut
/// depends on the size alone, so that results do not depend on the number of threads.
struct Parts {
  std::int64_t rows, count;
  std::int64_t total;

  explicit Parts(const Channels& size) : total(size.count()) {
    constexpr std::int64_t kElements = 64 << 10;
    rows = std::min(std::clamp<std::int64_t>(kElements / size.channels, 16, 256), total);
    count = (total + rows - 1) / rows;
  }
  norm_lines::Size of(std::int64_t part, std::int64_t columns) const {
    return {std::min(rows, total - part * rows), columns};
  }
};

template <class T>
const T* moved(const T* from, std::int64_t by) {
  return from == nullptr ? from : from + by;
}

/// f(part) for each part, or each line.
template <class F>
void for_parts(std::int64_t count, std::int64_t elements, const F& f) {
  if (count * elements <= kGrain) {
    for (std::int64_t i = 0; i < count; ++i) f(i);
    return;
  }
  parallel_for(count, std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(elements, 1)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) f(i);
               });
}

template <class T>
Tensor workspace(std::int64_t rows, std::int64_t columns) {
  return Tensor::allocate({{rows, columns}, dtype_of<T>});
}

/// The moments of `parts` sets of `each` values together, for each column of their own moments [parts, columns].
template <class T>
void merge(const Tensor& means, const Tensor& squares, std::int64_t parts, std::int64_t each, T* mean, T* total) {
  const std::int64_t columns = means.size(1);
  Tensor own = Tensor::allocate({{columns}, dtype_of<T>});
  fold::fold_into(fold::Kind::sum, squares.alias({parts, columns}, squares.strides(), squares.offset()),
                  AxisSet::one(0, 2), own);
  norm_lines::column_moments(means.data<T>(), {parts, columns}, mean, total);
  const T* inside = own.data<T>();
  for (std::int64_t j = 0; j < columns; ++j) total[j] = inside[j] + static_cast<T>(each) * total[j];
}

/// Takes in `count` more values for each column, after `before` (Chan, Golub and LeVeque 1979).
template <class T>
void take_in(const T* more_mean, const T* more_squares, std::int64_t before, std::int64_t count, std::int64_t columns,
             T* mean, T* squares) {
  const T share = static_cast<T>(count) / static_cast<T>(before + count);
  for (std::int64_t j = 0; j < columns; ++j) {
    const T distance = more_mean[j] - mean[j];
    mean[j] += share * distance;
    squares[j] += more_squares[j] + distance * distance * share * static_cast<T>(before);
  }
}

template <class X, class T>
void moments_of_columns(const Channels& size, const X* x, T* mean, T* squares) {
  const Parts parts(size);
  const std::int64_t columns = size.channels;
  if (parts.count == 1) return norm_lines::column_moments(x, {parts.total, columns}, mean, squares);
  Tensor means = workspace<T>(parts.count, columns), distances = workspace<T>(parts.count, columns);
  T* m = means.mutable_data<T>();
  T* s = distances.mutable_data<T>();
  for_parts(parts.count, parts.rows * columns, [&](std::int64_t part) {
    norm_lines::column_moments(x + part * parts.rows * columns, parts.of(part, columns), m + part * columns,
                               s + part * columns);
  });
  const std::int64_t last = parts.count - 1;
  merge(means, distances, last, parts.rows, mean, squares);
  take_in(m + last * columns, s + last * columns, last * parts.rows, parts.of(last, columns).rows, columns, mean,
          squares);
}

template <class X, class T>
void moments_of_lines(const Channels& size, const X* x, T* mean, T* squares) {
  const bool one = size.samples == 1;
  Tensor means, distances;
  if (!one) {
    means = workspace<T>(size.samples, size.channels);
    distances = workspace<T>(size.samples, size.channels);
  }
  T* m = one ? mean : means.mutable_data<T>();
  T* s = one ? squares : distances.mutable_data<T>();
  for_parts(size.samples * size.channels, size.positions, [&](std::int64_t line) {
    const auto moments = norm_lines::moments(x + line * size.positions, size.positions);
    m[line] = moments.mean;
    s[line] = moments.squares;
  });
  if (!one) merge(means, distances, size.samples, size.positions, mean, squares);
}

/// The sums of parts, [parts, 2 channels].
template <class T>
void add_up(const Tensor& parts, T* sums) {
  Tensor total = Tensor::allocate({{parts.size(1)}, dtype_of<T>});
  fold::fold_into(fold::Kind::sum, parts, AxisSet::one(0, 2), total);
  std::copy_n(total.data<T>(), total.numel(), sums);
}

template <class X, class T>
void sums_of_columns(const Channels& size, const X* g, const X* x, const X* y, const T* mean, T* sums) {
  const Parts parts(size);
  const std::int64_t columns = size.channels;
  Tensor all;
  if (parts.count > 1) all = workspace<T>(parts.count, 2 * columns);
  T* to = parts.count > 1 ? all.mutable_data<T>() : sums;
  for_parts(parts.count, parts.rows * columns, [&](std::int64_t part) {
    const std::int64_t at = part * parts.rows * columns;
    T* of_part = to + part * 2 * columns;
    norm_lines::column_sums(g + at, x + at, moved(y, at), mean, parts.of(part, columns), of_part, of_part + columns);
  });
  if (parts.count > 1) add_up(all, sums);
}

template <class X, class T>
void sums_of_lines(const Channels& size, const X* g, const X* x, const X* y, const T* mean, T* sums) {
  Tensor all;
  if (size.samples > 1) all = workspace<T>(size.samples, 2 * size.channels);
  T* to = size.samples > 1 ? all.mutable_data<T>() : sums;
  for_parts(size.samples * size.channels, size.positions, [&](std::int64_t line) {
    const std::int64_t at = line * size.positions, sample = line / size.channels, channel = line % size.channels;
    const auto found = norm_lines::sums(g + at, x + at, moved(y, at), mean[channel], size.positions);
    T* of_sample = to + sample * 2 * size.channels;
    of_sample[channel] = found.g;
    of_sample[size.channels + channel] = found.gx;
  });
  if (size.samples > 1) add_up(all, sums);
}

}  // namespace

Channels Channels::of(const Tensor& t) {
  Channels size{t.size(0), t.size(1), 1, !t.is_contiguous()};
  for (int axis = 2; axis < t.dim(); ++axis) size.positions *= t.shape()[axis];
  if (size.positions == 1) size.last = true;
  return size;
}

template <class X, class T>
void channel_moments(const Channels& size, const X* x, T* mean, T* squares) {
  if (size.last)
    moments_of_columns(size, x, mean, squares);
  else
    moments_of_lines(size, x, mean, squares);
}

template <class X, class T>
void channel_sums(const Channels& size, const X* g, const X* x, const X* y, const T* mean, T* sums) {
  if (size.last)
    sums_of_columns(size, g, x, y, mean, sums);
  else
    sums_of_lines(size, g, x, y, mean, sums);
}

template <class X, class T>
void normalize_channels(const Channels& size, const X* x, const T* mean, const T* scale, const T* shift, bool relu,
                        X* dst) {
  if (size.last) {
    const Parts parts(size);
    for_parts(parts.count, parts.rows * size.channels, [&](std::int64_t part) {
      const std::int64_t at = part * parts.rows * size.channels;
      norm_lines::normalize_columns(x + at, mean, scale, shift, relu, dst + at, parts.of(part, size.channels));
    });
  } else {
    for_parts(size.samples * size.channels, size.positions, [&](std::int64_t line) {
      const std::int64_t at = line * size.positions, channel = line % size.channels;
      norm_lines::normalize(x + at, mean[channel], scale[channel], shift[channel], relu, dst + at, size.positions);
    });
  }
}

template <class X, class T>
void channel_gradient(const Channels& size, const X* g, const X* x, const X* y, const ChannelGradient<T>& by, X* dst) {
  if (size.last) {
    const Parts parts(size);
    for_parts(parts.count, parts.rows * size.channels, [&](std::int64_t part) {
      const std::int64_t at = part * parts.rows * size.channels;
      norm_lines::gradient_columns(g + at, x + at, moved(y, at), by.mean, by.scale, by.shift, by.slope, dst + at,
                                   parts.of(part, size.channels));
    });
  } else {
    for_parts(size.samples * size.channels, size.positions, [&](std::int64_t line) {
      const std::int64_t at = line * size.positions, c = line % size.channels;
      const norm_lines::Gradient<T> of_line{by.mean[c], by.scale[c], by.slope == nullptr ? 0 : by.shift[c],
                                            by.slope == nullptr ? 0 : by.slope[c]};
      norm_lines::gradient(g + at, x + at, moved(y, at), of_line, dst + at, size.positions);
    });
  }
}

template void channel_moments(const Channels&, const float*, float*, float*);
template void channel_moments(const Channels&, const double*, double*, double*);
template void channel_moments(const Channels&, const BFloat16*, float*, float*);
template void channel_sums(const Channels&, const float*, const float*, const float*, const float*, float*);
template void channel_sums(const Channels&, const double*, const double*, const double*, const double*, double*);
template void channel_sums(const Channels&, const BFloat16*, const BFloat16*, const BFloat16*, const float*, float*);
template void normalize_channels(const Channels&, const float*, const float*, const float*, const float*, bool, float*);
template void normalize_channels(const Channels&, const double*, const double*, const double*, const double*, bool,
                                 double*);
template void normalize_channels(const Channels&, const BFloat16*, const float*, const float*, const float*, bool,
                                 BFloat16*);
template void channel_gradient(const Channels&, const float*, const float*, const float*, const ChannelGradient<float>&,
                               float*);
template void channel_gradient(const Channels&, const double*, const double*, const double*,
                               const ChannelGradient<double>&, double*);
template void channel_gradient(const Channels&, const BFloat16*, const BFloat16*, const BFloat16*,
                               const ChannelGradient<float>&, BFloat16*);

}  // namespace dagrad
