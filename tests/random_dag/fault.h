// Running a program by dagrad, and what is wrong with what it gives.
#pragma once

#include <optional>
#include <string>

#include "random_dag/program.h"

namespace dagrad::random_dag {

/// The first value or derivative that dagrad gets wrong, or what it throws; nothing when all is right. The program
/// must be regular.
std::optional<std::string> fault_of(const Program& program);

}  // namespace dagrad::random_dag
