// The loops of ops/winograd.h. Internal.
#pragma once

#include <cstdint>

namespace dagrad::winograd {

// Note [Minimal filtering]
// Winograd's algorithm F(4x4, 3x3) (Lavin and Gray 2015, "Fast algorithms for convolutional neural networks") takes 36
// products for the 16 results of a tile and each pair of channels, where the sums as they are written take 144:
//
//   dst = A' [ (G w G') * (B' src B) ] A, per tile of 6 x 6 of src and 4 x 4 of dst, * element by element
//
// Summed over channels, * is a product of matrices for each of the 36 positions, which are called planes here. The
// matrices come from evaluating polynomials at 0, a, -a, b, -b and infinity. The usual a = 1, b = 2 lose a digit:
// relative to the sum's own size the error is 22 units in the last place for 32 channels, 38 for 128 (root mean square,
// of normal numbers), and 61 and 106 at the last element of a tile, against 5 and 10 of the plain sum. With a =
// sqrt(1/2), b = sqrt(2) it is 10 and 17, and 15 and 26 at worst: b = 1 / a treats a tile alike from both ends.
inline constexpr std::int64_t kTile = 4, kWindow = 6, kPlanes = kWindow * kWindow, kTaps = 9;

/// The tiles of a convolution's result, in row-major order over the batch; both tensors are channels-last.
struct Tiles {
  std::int64_t batch;
  std::int64_t rows, columns;          // of dst
  std::int64_t src_rows, src_columns;  //
  std::int64_t row_padding, column_padding;

  std::int64_t down() const { return (rows + kTile - 1) / kTile; }
  std::int64_t across() const { return (columns + kTile - 1) / kTile; }
  std::int64_t count() const { return batch * down() * across(); }
};

/// Tiles [begin, end), as rows of the planes: those of tile `begin` come first.
struct Range {
  std::int64_t begin, end;
  std::int64_t count() const { return end - begin; }
};

/// How far the planes of a matrix lie from each other: an odd number of cache lines, for elements of all 36 are read
/// and written together, and would meet in few sets of the first-level cache.
inline std::int64_t plane_size(std::int64_t rows, std::int64_t columns) { return rows * columns + 16; }

// Numbers of channels are multiples of 16.

/// planes [36, tiles, channels] = B' src B, with zeros around src.
void planes_of_src(const Tiles& tiles, Range range, const float* src, std::int64_t channels, float* planes);
/// dst = A' planes A + bias (null: 0). Returns whether all of it is finite.
bool dst_of_planes(const Tiles& tiles, Range range, const float* planes, std::int64_t channels, const float* bias,
                   float* dst);
/// planes [36, tiles, channels] = A diff_dst A'; adds the sums over diff_dst to `sums` [channels].
void planes_of_diff_dst(const Tiles& tiles, Range range, const float* diff_dst, std::int64_t channels, float* planes,
                        float* sums);

/// Weights [O, C, 3, 3] as planes [36, inner, columns]: for inner channel i and column j the taps lie at weights + i *
/// inner_stride + j * column_stride, in the opposite order where `flipped`.
struct WeightsLayout {
  std::int64_t inner, columns, inner_stride, column_stride;
  bool flipped;
};
/// planes = G w G' for the inner channels of the range.
void planes_of_weights(const WeightsLayout& layout, Range inner, const float* weights, float* planes);
/// weights = G' planes G, likewise. Returns whether all of it is finite.
bool weights_of_planes(const WeightsLayout& layout, Range inner, const float* planes, float* weights);

/// dst [rows, columns] = a b, or += with `add`: a's element (i, k) lies at a + i * row + k * column, b is row-major
/// [inner, columns].
struct Product {
  std::int64_t rows, inner, columns;
  std::int64_t a_row, a_column;
  bool add;
};
void multiply(const Product& product, const float* a, const float* b, float* dst);

}  // namespace dagrad::winograd
