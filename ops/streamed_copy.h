// Copying past the caches. Internal.
#pragma once

#include <cstddef>

namespace dagrad {

/// As memcpy, but what is written does not go through the caches, and so is not read first. For results that nobody
/// reads soon. Before another thread may read it, the calling thread has to say that its copies have come to an end
/// (which waits for them, so not after each).
void streamed_copy(const void* from, void* to, std::size_t bytes);
void end_of_streamed_copies();

}  // namespace dagrad
