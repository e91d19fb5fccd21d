// Checking that something throws, and what it says.
#pragma once

#include <exception>
#include <gtest/gtest.h>
#include <string>

namespace dagrad {

/// Expects `action()` to throw an E whose message is exactly `message`.
template <class E, class F>
void expect_error(const F& action, const std::string& message) {
  try {
    action();
  } catch (const E& error) {
    EXPECT_EQ(std::string(error.what()), message);
    return;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "threw another exception: " << error.what() << "\nwanted: " << message;
    return;
  }
  ADD_FAILURE() << "threw nothing\nwanted: " << message;
}

/// Expects `action()` to throw an E whose message contains `part`.
template <class E, class F>
void expect_error_with(const F& action, const std::string& part) {
  try {
    action();
  } catch (const E& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what() << "\nwanted in it: " << part;
    return;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "threw another exception: " << error.what() << "\nwanted in it: " << part;
    return;
  }
  ADD_FAILURE() << "threw nothing\nwanted: " << part;
}

}  // namespace dagrad
