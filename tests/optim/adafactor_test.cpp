// Adafactor against its formula by plain loops, for matrices, stacks of matrices and vectors.
#include "dagrad/optim/adafactor.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "dagrad/core/creation.h"
#include "trajectory.h"

namespace dagrad::optim {
namespace {

using Vector = std::vector<double>;

/// One step for `batch` matrices [rows, columns], or with rows = 0 for a vector.
struct Reference {
  AdafactorOptions o;
  std::size_t batch, rows, columns;
  Vector row = Vector(batch * std::max<std::size_t>(rows, 1), 0);
  Vector col = Vector(batch * columns, 0);
  Vector variance = Vector(batch * columns, 0);

  void step(Vector& p, const Vector& g, int t) {
    const double eps1 = o.eps1.value_or(std::numeric_limits<double>::epsilon());
    const double w = std::pow(t, o.beta2_decay), rho = std::min(o.lr, 1 / std::sqrt(t));
    double square = 0;
    for (const double x : p) square += x * x;
    const double alpha = std::max(o.eps2, std::sqrt(square / static_cast<double>(p.size()))) * rho;
    Vector v(p.size());
    if (rows == 0) {
      for (std::size_t i = 0; i < p.size(); ++i) v[i] = variance[i] = (1 - w) * variance[i] + w * g[i] * g[i];
    } else {
      for (std::size_t b = 0; b < batch; ++b) {
        for (std::size_t r = 0; r < rows; ++r) {
          double mean = 0;
          for (std::size_t c = 0; c < columns; ++c) mean += std::pow(g[at(b, r, c)], 2) / static_cast<double>(columns);
          row[b * rows + r] = (1 - w) * row[b * rows + r] + w * mean;
        }
        for (std::size_t c = 0; c < columns; ++c) {
          double mean = 0;
          for (std::size_t r = 0; r < rows; ++r) mean += std::pow(g[at(b, r, c)], 2) / static_cast<double>(rows);
          col[b * columns + c] = (1 - w) * col[b * columns + c] + w * mean;
        }
        double mean = 0;
        for (std::size_t r = 0; r < rows; ++r) mean += row[b * rows + r] / static_cast<double>(rows);
        for (std::size_t r = 0; r < rows; ++r)
          for (std::size_t c = 0; c < columns; ++c)
            v[at(b, r, c)] = row[b * rows + r] * col[b * columns + c] / std::max(mean, eps1);
      }
    }
    Vector u(p.size());
    double total = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      u[i] = g[i] / std::max(std::sqrt(v[i]), eps1);
      total += u[i] * u[i];
    }
    const double rms = std::sqrt(total / static_cast<double>(p.size()));
    for (std::size_t i = 0; i < p.size(); ++i)
      p[i] = p[i] - o.lr * o.weight_decay * p[i] - alpha * u[i] / std::max(1.0, rms / o.d);
  }
  std::size_t at(std::size_t b, std::size_t r, std::size_t c) const { return (b * rows + r) * columns + c; }
};

/// With its zero so far away that no element comes near it, where steps of one length make rounding errors grow.
double far_gradient(std::size_t i, double p) { return 0.1 * p + 100 + 50 * std::sin(static_cast<double>(i)); }

TEST(Adafactor, FollowsItsFormula) {
  struct Case {
    Shape shape;
    std::size_t batch, rows, columns;
  };
  const std::vector<AdafactorOptions> settings = {
      {},
      {.lr = 0.03, .beta2_decay = -0.5, .eps1 = 1e-3, .eps2 = 0.1, .d = 1.5, .weight_decay = 0.1},
      {.lr = 0.02, .maximize = true},
  };
  for (const AdafactorOptions& o : settings) {
    for (const Case& k : {Case{{5, 7}, 1, 5, 7}, Case{{3, 4, 2}, 3, 4, 2}, Case{{2, 2, 3, 300}, 4, 3, 300},
                          Case{{11}, 1, 0, 11}, Case{{}, 1, 0, 1}}) {
      Tensor p = empty(k.shape, f64);
      Vector expected(static_cast<std::size_t>(p.numel()));
      for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = p.mutable_data<double>()[i] = start_of(i);
      p.requires_grad_();
      Adafactor optimizer({p}, o);
      Reference reference{o, k.batch, k.rows, k.columns};
      for (int t = 1; t <= 100; ++t) {
        Tensor gradient = empty_like(p);
        Vector g(expected.size());
        for (std::size_t i = 0; i < g.size(); ++i) {
          g[i] = far_gradient(i, expected[i]);
          gradient.mutable_data<double>()[i] = (o.maximize ? -1 : 1) * far_gradient(i, p.data<double>()[i]);
        }
        p.set_grad(gradient);
        optimizer.step();
        reference.step(expected, g, t);
        for (std::size_t i = 0; i < g.size(); ++i)
          ASSERT_NEAR(p.data<double>()[i], expected[i], 1e-12 * std::max(1.0, std::abs(expected[i])))
              << k.shape.str() << " step " << t;
      }
    }
  }
}

}  // namespace
}  // namespace dagrad::optim
