#include "tools/command.h"

int main(int count, char** arguments) { return dagrad::tools::run_program({arguments + 1, arguments + count}); }
