// Asking what a file is, from bytes in memory.
#pragma once

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archive/zip_builder.h"
#include "base/slice.h"
#include "formats/foreign/foreign.h"

namespace sconce::formats::foreign::testing {

using archive::testing::error_of;
using archive::testing::is_error;

/// A literal with its zero bytes.
template <std::size_t size>
std::string raw(const char (&text)[size]) {
  return {text, size - 1};
}

inline Sniff sniff_of(const std::string& bytes) {
  Sniff sniff;
  sniff.source = string_source(bytes);
  sniff.head = bytes.substr(0, Sniff::kHead);
  return sniff;
}

inline bool recognised(const std::string& bytes) { return is_foreign(sniff_of(bytes)); }

/// What the owner of the file is told. The test fails where nobody claims it.
inline Error refusal(const std::string& bytes) {
  EXPECT_TRUE(recognised(bytes)) << bytes.substr(0, 40);
  return error_of([&] {
    OpenContext context;
    context.source = string_source(bytes);
    (void)refuse(context);
  });
}

}  // namespace sconce::formats::foreign::testing
