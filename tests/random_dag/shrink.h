// Making a program that shows a fault as small as it can be.
#pragma once

#include <functional>

#include "random_dag/program.h"

namespace dagrad::random_dag {

/// Leaves out, cuts off and makes smaller whatever can be without `fails` becoming false, until nothing more can. Only
/// regular programs are tried. `fails(program)` must be true.
Program shrink(Program program, const std::function<bool(const Program&)>& fails);

}  // namespace dagrad::random_dag
