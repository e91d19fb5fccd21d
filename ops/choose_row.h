// One of two elements, by a truth value. Internal.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace dagrad {
namespace detail {

template <std::size_t kBytes>
using Bits = std::conditional_t<
    kBytes == 8, std::uint64_t,
    std::conditional_t<kBytes == 4, std::uint32_t, std::conditional_t<kBytes == 2, std::uint16_t, std::uint8_t>>>;

/// In line, with a(i) and b(i). By bits, as a compiler vectorises no loop over truth values; and both sides are read
/// whatever the condition, or a random one costs 4 ns an element for what is guessed wrong.
template <class T, class A, class B>
void choose_in_line(T* dst, const std::uint8_t* test, const A& a, const B& b, std::int64_t count) {
  using U = Bits<sizeof(T)>;
  for (std::int64_t i = 0; i < count; ++i) {
    const U yes = std::bit_cast<U>(a(i)), no = std::bit_cast<U>(b(i));
    const U mask = static_cast<U>(-static_cast<U>(test[i]));
    dst[i] = std::bit_cast<T>(static_cast<U>((yes & mask) | (no & ~mask)));
  }
}

}  // namespace detail

/// dst[i] = test[i] ? a[i] : b[i], with steps in elements; a step of 0 is one element for all.
template <class T>
void choose_row(T* dst, std::int64_t dst_step, const bool* test, std::int64_t test_step, const T* a,
                std::int64_t a_step, const T* b, std::int64_t b_step, std::int64_t count) {
  const auto unit = [](std::int64_t step) { return step == 0 || step == 1; };
  if (dst_step != 1 || test_step != 1 || !unit(a_step) || !unit(b_step)) {
    for (std::int64_t i = 0; i < count; ++i) dst[i * dst_step] = test[i * test_step] ? a[i * a_step] : b[i * b_step];
    return;
  }
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(test);
  if constexpr (std::is_same_v<T, bool>) {
    const auto of = [](auto* row) { return reinterpret_cast<std::uint8_t*>(const_cast<bool*>(row)); };
    choose_row<std::uint8_t>(of(dst), 1, test, 1, of(a), a_step, of(b), b_step, count);
  } else {
    const auto each = [](const T* x) { return [x](std::int64_t i) { return x[i]; }; };
    const auto same = [](const T* x) { return [value = *x](std::int64_t) { return value; }; };
    if (a_step == 1 && b_step == 1)
      detail::choose_in_line(dst, bytes, each(a), each(b), count);
    else if (a_step == 1)
      detail::choose_in_line(dst, bytes, each(a), same(b), count);
    else if (b_step == 1)
      detail::choose_in_line(dst, bytes, same(a), each(b), count);
    else
      detail::choose_in_line(dst, bytes, same(a), same(b), count);
  }
}

}  // namespace dagrad
