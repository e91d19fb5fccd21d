#include <iostream>

#include "dagrad/core/creation.h"

int main() {
  const dagrad::Tensor x = dagrad::ones({2, 3});
  if (x.numel() != 6) {
    std::cerr << "ones({2, 3}) has " << x.numel() << " elements (want 6)\n";
    return 1;
  }
}
