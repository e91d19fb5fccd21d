// Writes the op reference: write_op_reference SOURCES FILE.
#include <fstream>
#include <iostream>

#include "op_table/op_reference.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: write_op_reference SOURCES FILE\n";
    return 2;
  }
  std::ofstream file(argv[2]);
  file << dagrad::op_table::op_reference(argv[1]);
  file.close();
  if (file) return 0;
  std::cerr << "write_op_reference: cannot write " << argv[2] << "\n";
  return 1;
}
