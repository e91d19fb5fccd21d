// Eigenvalues of symmetric tridiagonal matrices.
#pragma once

#include <vector>

namespace dagrad::tools::lab {

/// Ascending; `off` holds the numbers beside the diagonal, one fewer than on it. By bisection on the number of negative
/// pivots (Sturm's sequence; Golub and Van Loan, Matrix Computations, 8.4).
std::vector<double> tridiagonal_eigenvalues(const std::vector<double>& diagonal, const std::vector<double>& off);

}  // namespace dagrad::tools::lab
