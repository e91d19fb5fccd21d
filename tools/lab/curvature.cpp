#include <cmath>
#include <fmt/format.h>

#include "dagrad/core/backward.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/random.h"
#include "dagrad/nn/data/generators.h"
#include "dagrad/ops/ops.h"
#include "tools/lab/kit.h"
#include "tools/lab/notebook.h"
#include "tools/lab/tridiagonal.h"

namespace dagrad::tools::lab {
namespace {

/// The loss's Hessian over all parameters as one operator on vectors of doubles, by differentiating twice.
class Hessian {
 public:
  Hessian(nn::Module& model, const data::Dataset& data) : parameters_(model.parameters()) {
    loss_ = cross_entropy(model(data.features), data.labels);
    gradients_ = grad(std::vector{loss_}, parameters_, {}, {.create_graph = true});
  }

  std::size_t size() const {
    std::size_t n = 0;
    for (const Tensor& p : parameters_) n += static_cast<std::size_t>(p.numel());
    return n;
  }

  std::vector<double> operator()(const std::vector<double>& v) const {
    std::vector<Tensor> parts;
    std::size_t at = 0;
    for (const Tensor& p : parameters_) {
      const auto count = static_cast<std::size_t>(p.numel());
      parts.push_back(tensor(std::vector<double>(v.begin() + static_cast<std::ptrdiff_t>(at),
                                                 v.begin() + static_cast<std::ptrdiff_t>(at + count)),
                             p.shape()));
      at += count;
    }
    std::vector<double> result;
    for (const Tensor& part : grad(gradients_, parameters_, parts, {.retain_graph = true})) {
      const std::vector<double> elements = values(part);
      result.insert(result.end(), elements.begin(), elements.end());
    }
    return result;
  }

  double loss() const { return loss_.item<double>(); }
  double gradient_norm() const {
    double squares = 0;
    for (const Tensor& g : gradients_) squares += sum(square(g.detach())).item<double>();
    return std::sqrt(squares);
  }

 private:
  std::vector<Tensor> parameters_, gradients_;
  Tensor loss_;
};

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
  return total;
}

/// Estimates of a symmetric operator's eigenvalues, ascending, by `steps` steps of Lanczos with full
/// reorthogonalisation: the outermost come out first.
std::vector<double> lanczos(const Hessian& hessian, int steps) {
  Generator generator(11);
  std::vector<std::vector<double>> basis{values(randn({static_cast<std::int64_t>(hessian.size())}, f64, generator))};
  const double length = std::sqrt(dot(basis[0], basis[0]));
  for (double& x : basis[0]) x /= length;
  std::vector<double> diagonal, off;
  for (int step = 0; step < steps; ++step) {
    std::vector<double> next = hessian(basis.back());
    diagonal.push_back(dot(next, basis.back()));
    for (int pass = 0; pass < 2; ++pass) {
      for (const std::vector<double>& q : basis) {
        const double along = dot(next, q);
        for (std::size_t i = 0; i < next.size(); ++i) next[i] -= along * q[i];
      }
    }
    const double norm = std::sqrt(dot(next, next));
    if (norm < 1e-10 || step + 1 == steps) break;
    for (double& x : next) x /= norm;
    off.push_back(norm);
    basis.push_back(std::move(next));
  }
  return tridiagonal_eigenvalues(diagonal, off);
}

/// The eigenvector of the Hessian's smallest eigenvalue: power iteration on `shift` I - H, where no eigenvalue of H is
/// above `shift`.
std::vector<double> most_negative_direction(const Hessian& hessian, double shift) {
  Generator generator(12);
  std::vector<double> v = values(randn({static_cast<std::int64_t>(hessian.size())}, f64, generator));
  for (int step = 0; step < 200; ++step) {
    std::vector<double> next = hessian(v);
    for (std::size_t i = 0; i < v.size(); ++i) next[i] = shift * v[i] - next[i];
    const double norm = std::sqrt(dot(next, next));
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = next[i] / norm;
  }
  return v;
}

/// Moves the parameters by `length` along a unit vector over all of them.
void move(nn::Module& net, const std::vector<double>& direction, double length) {
  const NoGrad guard;
  std::size_t at = 0;
  for (Tensor p : net.parameters()) {
    std::vector<double> elements = values(p);
    for (double& x : elements) x += length * direction[at++];
    p.copy_(tensor(elements, p.shape()));
  }
}

/// With all weights 0 no unit differs from another and the gradient vanishes although the loss is not least: a saddle.
void leave_a_saddle(Notebook& book, const data::Dataset& moons) {
  nn::Sequential net = nn::mlp({2, 8, 2}, {.activation = nn::ActivationKind::tanh});
  net.to(f64);
  {
    const NoGrad guard;
    for (Tensor p : net.parameters()) nn::init::zeros_(p);
  }
  const Hessian hessian(net, moons);
  const std::vector<double> eigenvalues = lanczos(hessian, 40);
  const std::vector<double> down = most_negative_direction(hessian, eigenvalues.back() + 1);
  Table table{{"begun", "gradient norm", "smallest eigenvalue", "largest", "loss after 100 steps", "after 400"}};
  std::vector<Series> curves;
  for (const double length : {0.0, 1e-6, 1e-2}) {
    nn::Sequential moved = nn::deep_copy(net);
    move(moved, down, length);
    const double norm = Hessian(moved, moons).gradient_norm();
    optim::SGD sgd(moved.parameters(), {.lr = 0.5});
    std::vector<double> losses;
    losses.reserve(400);
    for (int step = 0; step < 400; ++step) losses.push_back(train_step(moved, sgd, moons.features, moons.labels));
    const std::string name = length == 0 ? "at the saddle" : fmt::format("{} beside it", length);
    table.rows.push_back({name, fmt::format("{:.1e}", norm), fmt::format("{:.2g}", eigenvalues.front()),
                          fmt::format("{:.2g}", eigenvalues.back()), fmt::format("{:.4f}", losses[99]),
                          fmt::format("{:.4f}", losses.back())});
    curves.push_back(counted(name, losses));
  }
  book.table("A 2-8-2 network with all weights 0, moved along the direction of most negative curvature", table);
  book.charts({line_chart({.title = "Plain descent from a saddle", .x_label = "step", .y_label = "loss"}, curves)});
}

}  // namespace

void run_curvature(Notebook& book) {
  manual_seed(6);
  data::Dataset moons = data::moons(120, {.noise = 0.1, .seed = 3});
  moons.features = to(moons.features, f64);
  nn::Sequential net = nn::mlp({2, 12, 12, 2}, {.activation = nn::ActivationKind::tanh});
  net.to(f64);
  optim::Adam adam(net.parameters(), {.lr = 0.01});
  Table table{{"step", "loss", "gradient norm", "smallest eigenvalue", "largest", "condition number, about",
               "negative among the outermost"}};
  Series smallest{"smallest", {}, {}}, largest{"largest", {}, {}};
  int step = 0;
  for (const int until : {0, 10, 50, 100, 200, 400, 800}) {
    for (; step < until; ++step) train_step(net, adam, moons.features, moons.labels);
    const Hessian hessian(net, moons);
    const std::vector<double> eigenvalues = lanczos(hessian, 60);
    double least_size = INFINITY;
    int negative = 0;
    for (const double e : eigenvalues) {
      if (std::abs(e) > 1e-9) least_size = std::min(least_size, std::abs(e));
      negative += e < -1e-6 ? 1 : 0;
    }
    table.rows.push_back({std::to_string(step), fmt::format("{:.4f}", hessian.loss()),
                          fmt::format("{:.2g}", hessian.gradient_norm()), fmt::format("{:.2g}", eigenvalues.front()),
                          fmt::format("{:.3g}", eigenvalues.back()),
                          fmt::format("{:.1e}", eigenvalues.back() / least_size), std::to_string(negative)});
    smallest.x.push_back(step);
    smallest.y.push_back(eigenvalues.front());
    largest.x.push_back(step);
    largest.y.push_back(eigenvalues.back());
  }
  book.table("A 2-12-12-2 network on two moons, trained by Adam; the Hessian by Lanczos", table);
  book.charts({line_chart({.title = "Extreme eigenvalues of the Hessian", .x_label = "step"}, {smallest, largest})});
  leave_a_saddle(book, moons);
  book.say(
      "The eigenvalues span many powers of ten: along most directions the loss is almost flat while a few are steep, "
      "which is what holds plain descent to small rates. Negative ones say that where training passes "
      "is no valley: along some directions the loss curves down, as at a saddle. In a saddle the gradient vanishes, "
      "and "
      "descent that begins beside it stays for the longer the nearer it begins.");
}

}  // namespace dagrad::tools::lab
