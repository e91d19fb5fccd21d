#include "dagrad/ops/tile_matmul.h"

#ifdef __x86_64__
#include <algorithm>
#include <optional>

#include "dagrad/core/onednn/booking.h"
#include "dagrad/core/parallel.h"
#include "dagrad/ops/tile_kernels.h"

// Note [Products of matrices as they lie]. oneDNN brings the second operand of a product into an order of its own, at
// each call and before it multiplies. Here weights [out, in] are read where they lie,
//   src weights^T as the rows of weights by src^T, 64 samples at a time, whose sums are turned back at the end, or for
//   many samples as rows of src by 64 rows of weights at a time, turned;
//   diff_dst weights as rows of diff_dst by strips of weights, each gathered in the shadow of the one before;
//   diff_dst^T src as columns of diff_dst by strips of src, both gathered first, which is little beside dst.
// bf16 are multiplied in pairs along the inner dimension: where it runs over rows, they are paired as they are
// gathered.
namespace dagrad::tile_matmul {
namespace {

using tile_kernels::kWidth;
using tile_kernels::Strip;

constexpr std::int64_t kWord = 4;              // bytes
constexpr std::int64_t kMostWords = 2048;      // of an inner dimension: so a strip stays in the second-level cache
constexpr std::int64_t kCached = 512 << 10;    // bytes of b that stay there beside all else
constexpr std::int64_t kWorthGathering = 192;  // rows that make up for a copy of b
constexpr std::int64_t kTile = 6;              // rows
constexpr std::int64_t kBlock = 8 * kTile;     // rows of a that are gathered together

std::int64_t up(std::int64_t n, std::int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

/// A matrix as it lies; steps in bytes.
struct Operand {
  const std::byte* data;
  std::ptrdiff_t row, column;
};

Operand operand(const Tensor& t) {
  const auto item = static_cast<std::ptrdiff_t>(item_size(t.dtype()));
  return {static_cast<const std::byte*>(t.raw_data()), t.strides()[0] * item, t.strides()[1] * item};
}

/// dst in pieces, each computed by one thread: strips of 64 along one axis times parts of the other.
struct Pieces {
  std::int64_t strips, parts = 1;
  std::int64_t part_size;

  /// Parts are multiples of `unit`.
  Pieces(std::int64_t along, std::int64_t across, std::int64_t unit) : strips((along + kWidth - 1) / kWidth) {
    // As many parts as make the pieces a multiple of the threads, or many.
    const std::int64_t threads = num_threads();
    while (count() < 4 * threads && count() % threads != 0) ++parts;
    part_size = parts == 1 ? across : up((across + parts - 1) / parts, unit);
  }
  std::int64_t count() const { return strips * parts; }
};

/// Calls work(begin, end, scratch) for runs of pieces, one on each thread, with so many bytes of scratch memory.
template <class Work>
void for_runs(std::int64_t count, std::int64_t scratch_bytes, const Work& work) {
  const std::int64_t workers = std::min<std::int64_t>(num_threads(), count);
  Tensor scratch = Tensor::allocate({{workers, scratch_bytes}, DType::u8});
  auto* memory = static_cast<std::byte*>(scratch.mutable_raw_data());
  parallel_for(workers, 1, [&](std::int64_t begin, std::int64_t end) {
    work(count * begin / workers, count * end / workers, memory + begin * scratch_bytes);
  });
}

template <class T, class Out>
class Product {
 public:
  Product(const Tensor& a, const Tensor& b, Tensor& dst)
      : rows_(dst.size(0)),
        columns_(dst.size(1)),
        words_(a.size(1) / (kPaired ? 2 : 1)),
        a_(operand(a)),
        b_(operand(b)),
        dst_(static_cast<std::byte*>(dst.mutable_raw_data())),
        dst_row_(dst.strides()[0] * kItem) {}

  /// For b whose columns lie in line.
  void by_columns(const float* bias, bool relu) const {
    const Pieces pieces(rows_, columns_, 16);
    const std::int64_t turned = words_ * kStripRow;
    for_runs(
        pieces.count(), turned + kBlock * kStripRow, [&](std::int64_t first, std::int64_t last, std::byte* scratch) {
          for (std::int64_t piece = first; piece < last; ++piece) {
            const std::int64_t row = piece / pieces.parts * kWidth, rows = std::min(kWidth, rows_ - row);
            const std::int64_t begin = piece % pieces.parts * pieces.part_size;
            const std::int64_t end = std::min(begin + pieces.part_size, columns_);
            tile_kernels::turn(a_.data + row * a_.row, a_.row, rows, words_, scratch);
            // A block's sums are turned back before they leave the first-level cache.
            for (std::int64_t column = begin; column < end; column += kBlock)
              columns_by_rows(row, rows, column, std::min(kBlock, end - column), scratch, scratch + turned, bias, relu);
          }
        });
  }

  /// For b whose columns lie in line, and more rows than make up for turning b.
  void by_turned_columns(const float* bias, bool relu) const {
    const Pieces pieces(columns_, rows_, kTile);
    for_runs(pieces.count(), words_ * kStripRow, [&](std::int64_t first, std::int64_t last, std::byte* scratch) {
      std::int64_t there = -1;  // the strip that has been turned
      for (std::int64_t piece = first; piece < last; ++piece) {
        const std::int64_t number = piece / pieces.parts, column = number * kWidth;
        const std::int64_t begin = piece % pieces.parts * pieces.part_size;
        const std::int64_t columns = std::min(kWidth, columns_ - column);
        if (there != number) tile_kernels::turn(b_.data + column * b_.column, b_.column, columns, words_, scratch);
        there = number;
        tile_kernels::multiply<T, Out>({.rows = std::min(begin + pieces.part_size, rows_) - begin,
                                        .inner = words_,
                                        .columns = columns,
                                        .a = a_.data + begin * a_.row,
                                        .a_row = a_.row,
                                        .a_word = kWord,
                                        .b = scratch,
                                        .b_row = kStripRow,
                                        .dst = dst_ + begin * dst_row_ + column * kItem,
                                        .dst_row = dst_row_,
                                        .bias = bias == nullptr ? nullptr : bias + column,
                                        .relu = relu});
      }
    });
  }

  /// For b whose rows lie in line. Of a that has to be gathered, as much at a time as stays in the cache.
  void by_rows() const {
    const bool turned = a_.column != kItemOfT;
    const std::int64_t most = std::max<std::int64_t>(1, kCached / (words_ * kWord * kBlock)) * kBlock;
    if (!turned || !gathers_short() || rows_ <= most) return rows_by_rows(turned);
    for (std::int64_t row = 0; row < rows_; row += most) {
      Product some = *this;
      some.rows_ = std::min(most, rows_ - row);
      some.a_.data += row * a_.row;
      some.dst_ += row * dst_row_;
      some.rows_by_rows(turned);
    }
  }

 private:
  void rows_by_rows(bool turned) const {
    Tensor blocks;
    Strip strip{.inner = words_, .a = a_.data, .a_row = a_.row, .a_word = a_.column, .dst_row = dst_row_};
    std::ptrdiff_t block = kBlock * a_.row;
    if (turned && gathers_short()) {
      blocks = gathered({a_.data, a_.column, a_.row}, rows_, kBlock);
      strip.a = static_cast<const std::byte*>(blocks.raw_data());
      strip.a_row = kWord;
      strip.a_word = kBlock * kWord;
      block = words_ * strip.a_word;
    } else if (!turned) {
      strip.a_word = kWord;
    }
    if (turned && words_ * columns_ * kWord <= kCached)
      row_by_row(strip, block);
    else
      strip_by_strip(strip, block);
  }

  static constexpr bool kPaired = sizeof(T) == 2;
  static constexpr std::ptrdiff_t kItem = sizeof(Out), kItemOfT = sizeof(T);
  static constexpr std::ptrdiff_t kStripRow = kWidth * kWord;

  /// Some columns of dst for the rows of a that are in `strip` as columns.
  void columns_by_rows(std::int64_t row, std::int64_t rows, std::int64_t column, std::int64_t columns,
                       const std::byte* strip, std::byte* sums, const float* bias, bool relu) const {
    std::byte* const dst = dst_ + row * dst_row_ + column * kItem;
    for (std::int64_t i = 0; i < rows; ++i) {  // there when it is written
      for (std::int64_t at = 0; at < columns * kItem; at += 64) __builtin_prefetch(dst + i * dst_row_ + at, 1, 2);
    }
    tile_kernels::multiply<T, float>({.rows = columns,
                                      .inner = words_,
                                      .columns = up(rows, 16),
                                      .a = b_.data + column * b_.column,
                                      .a_row = b_.column,
                                      .a_word = kWord,
                                      .b = strip,
                                      .b_row = kStripRow,
                                      .dst = sums,
                                      .dst_row = kStripRow});
    tile_kernels::turn_back<Out>(reinterpret_cast<const float*>(sums), rows, columns,
                                 bias == nullptr ? nullptr : bias + column, relu, dst, dst_row_);
  }

  /// Whether a few rows are worth gathering: pairs, and columns so long that they miss the cache at each row.
  bool gathers_short() const { return kPaired || words_ > 256; }

  /// Two strips of b in turn: while one is multiplied by, the next one is gathered. `block`: from kBlock rows of a to
  /// the next.
  void strip_by_strip(const Strip& like, std::ptrdiff_t block) const {
    const Pieces pieces(columns_, rows_, kTile);
    const bool gathers = kPaired || rows_ >= kWorthGathering;
    const std::int64_t size = gathers ? words_ * kStripRow : 0;
    for_runs(pieces.count(), 2 * size, [&](std::int64_t first, std::int64_t last, std::byte* scratch) {
      std::int64_t there = -1;  // the strip that has been gathered
      for (std::int64_t piece = first; piece < last; ++piece) {
        const std::int64_t number = piece / pieces.parts, column = number * kWidth;
        const std::int64_t begin = piece % pieces.parts * pieces.part_size;
        const std::int64_t end = std::min(begin + pieces.part_size, rows_);
        const std::byte* const src = b_.data + column * kItemOfT;
        std::byte* const gathered = scratch + number % 2 * size;
        Strip strip = like;
        strip.columns = std::min(kWidth, columns_ - column);
        strip.b = gathers ? gathered : src;
        strip.b_row = gathers ? kStripRow : b_.row;
        if (gathers && there != number)
          tile_kernels::gather<T>(src, b_.row, words_, strip.columns, gathered, kStripRow);
        there = number;
        if (pieces.parts == 1 && piece + 1 < last && column + 2 * kWidth <= columns_) {
          strip.next = {src + kWidth * kItemOfT, b_.row, gathers ? scratch + (number + 1) % 2 * size : nullptr};
          ++there;
        }
        const bool whole = block == kBlock * like.a_row;
        for (std::int64_t row = begin; row < end; row += strip.rows) {
          strip.rows = whole ? end - row : std::min(kBlock - row % kBlock, end - row);
          strip.a = like.a + row / kBlock * block + row % kBlock * like.a_row;
          strip.dst = dst_ + row * dst_row_ + column * kItem;
          tile_kernels::multiply<T, Out>(strip);
          strip.next = {};
        }
      }
    });
  }

  /// For b that stays in the cache as a whole: so dst, which does not, is written in line.
  void row_by_row(Strip like, std::ptrdiff_t block) const {
    Tensor strips;
    like.columns = columns_;
    like.b = b_.data;
    like.b_row = b_.row;
    if (gathers_short()) {
      strips = gathered(b_, columns_, kWidth);
      like.b = static_cast<const std::byte*>(strips.raw_data());
      like.b_row = kStripRow;
      like.b_strip = words_ * kStripRow;
    }
    parallel_for(rows_, kTile, [&](std::int64_t begin, std::int64_t end) {
      Strip strip = like;
      if (like.b == b_.data) bring(b_, words_, columns_ * kWord);
      for (std::int64_t row = begin; row < end; row += strip.rows) {
        strip.next = {};
        if (like.b == b_.data && row + 2 * kBlock <= end)
          strip.next = {like.a + (row + kBlock) * kWord, like.a_word, nullptr};
        strip.rows = std::min(kBlock - row % kBlock, end - row);
        strip.a = like.a + row / kBlock * block + row % kBlock * like.a_row;
        strip.dst = dst_ + row * dst_row_;
        tile_kernels::multiply<T, Out>(strip);
      }
    });
  }

  /// Rows into the second-level cache, in the order in which memory is quick.
  static void bring(const Operand& m, std::int64_t rows, std::int64_t bytes) {
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(m.data + i * m.row + at, 0, 2);
    }
  }

  /// The columns of m in blocks of `width`, each row by row without gaps.
  Tensor gathered(const Operand& m, std::int64_t columns, std::int64_t width) const {
    const std::int64_t blocks = (columns + width - 1) / width;
    Tensor result = Tensor::allocate({{blocks, words_, width}, f32});
    auto* to = static_cast<std::byte*>(result.mutable_raw_data());
    parallel_for(blocks, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        tile_kernels::gather<T>(m.data + i * width * kItemOfT, m.row, words_, std::min(width, columns - i * width),
                                to + i * words_ * width * kWord, width * kWord);
      }
    });
    return result;
  }

  std::int64_t rows_, columns_, words_;
  Operand a_, b_;
  std::byte* dst_;
  std::ptrdiff_t dst_row_;
};

/// Whether turning src and the sums costs less than oneDNN's packing of b; both as parts of the whole, measured on
/// Zen 4 for 32 to 2048 rows by 64 to 3072 columns.
bool worth_turning(std::int64_t rows, std::int64_t inner, std::int64_t columns, DType type) {
  const auto r = static_cast<double>(rows), k = static_cast<double>(inner), c = static_cast<double>(columns);
  const double padding = static_cast<double>(up(rows, 16)) / r - 1;
  return (type == f32 ? 6 : 10) * (1 / k + 1 / c) + padding < 5 / r + 0.015;
}

/// Whether turning the columns of b, once for all rows of a, costs less than either.
bool worth_turning_columns(std::int64_t rows, std::int64_t inner, std::int64_t columns, DType type) {
  if (columns % 16 != 0) return false;
  return type == f32 ? rows >= 512 || (rows >= 256 && inner >= 256) : rows >= 512 && inner >= 512;
}

bool lies_in_rows(const Tensor& t) { return t.strides()[1] == 1 && t.strides()[0] >= t.size(1); }
bool lies_in_columns(const Tensor& t) { return t.strides()[0] == 1 && t.strides()[1] >= t.size(0); }

template <class T, class Out>
void run(const Tensor& a, const Tensor& b, const Tensor& bias, Tensor& dst, bool relu) {
  const Product<T, Out> product(a, b, dst);
  if (lies_in_rows(b)) return product.by_rows();
  const float* const shift = bias.defined() ? bias.data<float>() : nullptr;
  if (worth_turning_columns(dst.size(0), a.size(1), dst.size(1), a.dtype()))
    product.by_turned_columns(shift, relu);
  else
    product.by_columns(shift, relu);
}

}  // namespace

bool run(const Tensor& a, const Tensor& b, const Tensor& bias, Tensor& dst, bool relu) {
  if (!tile_kernels::available()) return false;
  if (dst.dim() != 2 || (a.dtype() != f32 && a.dtype() != bf16) || b.dtype() != a.dtype()) return false;
  const std::int64_t inner = a.size(1), per_word = a.dtype() == bf16 ? 2 : 1;
  if (inner % per_word != 0 || inner / per_word > kMostWords || !lies_in_rows(dst)) return false;
  const bool plain = !bias.defined() && !relu;
  if (lies_in_rows(b)) {
    if (!plain || dst.size(1) % 16 != 0 || (!lies_in_rows(a) && !lies_in_columns(a))) return false;
  } else if (!lies_in_columns(b) || !lies_in_rows(a) ||
             (bias.defined() && (bias.dtype() != f32 || !bias.is_contiguous()))) {
    return false;
  }
  if (!lies_in_rows(b) && !worth_turning(dst.size(0), inner, dst.size(1), a.dtype()) &&
      !worth_turning_columns(dst.size(0), inner, dst.size(1), a.dtype()))
    return false;
  constexpr std::int64_t kLeast = 32;
  if (std::min({dst.size(0), dst.size(1), inner}) < kLeast) return false;

  constexpr std::int64_t kWorthForking = std::int64_t{1} << 19;  // multiplications: some 5 us of one core
  const ThreadLimit limit(dst.numel() * inner < kWorthForking ? 1 : num_threads());
  std::optional<onednn::Booking> booking;
  if (watched(Watch::ledger))
    booking.emplace(onednn::Identity{"matmul", "tiles:avx512", a.bytes() + b.bytes() + dst.bytes()});
  if (a.dtype() == f32)
    run<float, float>(a, b, bias, dst, relu);
  else if (dst.dtype() == f32)
    run<BFloat16, float>(a, b, bias, dst, relu);
  else
    run<BFloat16, BFloat16>(a, b, bias, dst, relu);
  return true;
}

}  // namespace dagrad::tile_matmul
#else
bool dagrad::tile_matmul::run(const Tensor&, const Tensor&, const Tensor&, Tensor&, bool) { return false; }
#endif
