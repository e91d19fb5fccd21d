#include "dagrad/ops/fold.h"

#include "dagrad/ops/reduce_loop.h"

namespace dagrad::fold {
namespace {

template <class T>
struct Floats {
  using Value = T;
  using Total = double;
  static constexpr std::int64_t kRow = kRowBlock, kRows = kColumnBlock;
  static constexpr bool kWidens = true;
  Kind kind;
  const double* c;
  const Take& take;

  double start() const { return fold::start(kind); }
  void row(double& total, const T* x, std::int64_t count, std::int64_t, std::int64_t at) const {
    join(total, fold::row(kind, x, count, c == nullptr ? 0 : c[at]));
  }
  void columns(double* totals, const T* x, std::int64_t stride, std::int64_t rows, std::int64_t count, std::int64_t,
               const Results& results) const {
    std::array<double, 1024> centres;
    if (c != nullptr) {
      for (std::int64_t j = 0; j < count; ++j) centres[static_cast<std::size_t>(j)] = c[results(j)];
    }
    fold::columns(kind, x, stride, rows, count, c == nullptr ? nullptr : centres.data(), totals);
  }
  void join(double& total, double other) const { total = fold::join(kind, total, other); }
  void finish(std::int64_t at, double total) const { take(at, total); }
};

struct Integers {
  using Value = std::int64_t;
  using Total = std::int64_t;
  static constexpr std::int64_t kRow = kRowBlock, kRows = kColumnBlock;
  static constexpr bool kWidens = true;
  Kind kind;
  const TakeInteger& take;

  std::int64_t start() const { return start_of_integers(kind); }
  void row(std::int64_t& total, const std::int64_t* x, std::int64_t count, std::int64_t, std::int64_t) const {
    join(total, fold::row(kind, x, count));
  }
  void columns(std::int64_t* totals, const std::int64_t* x, std::int64_t stride, std::int64_t rows, std::int64_t count,
               std::int64_t, const Results&) const {
    fold::columns(kind, x, stride, rows, count, totals);
  }
  void join(std::int64_t& total, std::int64_t other) const {
    total = kind == Kind::count_of_nonzeros ? total + other : fold::join(kind, total, other);
  }
  void finish(std::int64_t at, std::int64_t total) const { take(at, total); }
};

}  // namespace

void fold(Kind kind, const Tensor& src, AxisSet axes, const double* c, const Take& take) {
  if (src.numel() == 0) {
    const std::int64_t results = checked_numel("fold", axes.dropped(src.shape()));
    for (std::int64_t i = 0; i < results; ++i) take(i, start(kind));
    return;
  }
  switch (src.dtype()) {
    case DType::f32: return reduce_loop<float>(src, axes, Floats<float>{kind, c, take});
    case DType::bf16: return reduce_loop<BFloat16>(src, axes, Floats<float>{kind, c, take});
    default: return reduce_loop<double>(src, axes, Floats<double>{kind, c, take});
  }
}

void fold_integers(Kind kind, const Tensor& src, AxisSet axes, const TakeInteger& take) {
  if (src.numel() == 0) {
    const std::int64_t results = checked_numel("fold", axes.dropped(src.shape()));
    for (std::int64_t i = 0; i < results; ++i) take(i, start_of_integers(kind));
    return;
  }
  switch (src.dtype()) {
    case DType::i64: return reduce_loop<std::int64_t>(src, axes, Integers{kind, take});
    case DType::u8: return reduce_loop<std::uint8_t>(src, axes, Integers{kind, take});
    default: return reduce_loop<bool>(src, axes, Integers{kind, take});
  }
}

void fold_into(Kind kind, const Tensor& src, AxisSet axes, Tensor& dst) {
  if (is_floating(src.dtype())) {
    const Writer write(dst);
    return fold(kind, src, axes, nullptr, [&write](std::int64_t at, double result) { write(at, result); });
  }
  visit_dtype(dst.dtype(), [&]<class T>(T) {
    T* to = dst.mutable_data<T>();
    fold_integers(kind, src, axes, [to](std::int64_t at, std::int64_t result) { to[at] = convert_to<T>(result); });
  });
}

void Writer::operator()(std::int64_t at, double value) const {
  switch (dtype_) {
    case DType::f32: static_cast<float*>(data_)[at] = static_cast<float>(value); break;
    case DType::bf16: static_cast<BFloat16*>(data_)[at] = BFloat16(static_cast<float>(value)); break;
    default: static_cast<double*>(data_)[at] = value;
  }
}

}  // namespace dagrad::fold
