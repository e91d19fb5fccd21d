// Kernels that round more often than others. Internal.
#pragma once

namespace dagrad::detail {

/// How many roundings the kernel of the op that runs on the calling thread says its terms go through; 0: as usual.
/// Verify mode reads and clears it after each op.
extern constinit thread_local double kernel_roundings;

}  // namespace dagrad::detail
