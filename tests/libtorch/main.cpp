#include <ATen/ATen.h>
#include <gtest/gtest.h>

// libtorch's own kernels are compared with, not its oneDNN, which it may share with dagrad.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  at::globalContext().setUserEnabledMkldnn(false);
  return RUN_ALL_TESTS();
}
