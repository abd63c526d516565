// Opening NumPy's files as the registry does, from bytes in memory.
#pragma once

#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archive/zip_builder.h"
#include "base/slice.h"
#include "formats/numpy/reader.h"

namespace sconce::formats::numpy::testing {

using archive::testing::error_of;
using archive::testing::is_error;

/// A fixture, as NumPy wrote it.
inline std::string fixture(const std::string& name) {
  std::ifstream file(SCONCE_SOURCE_DIR "/tests/fixtures/numpy/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// An array of version 1.0 with this dict and these elements.
inline std::string npy(const std::string& dict, const std::string& elements = {}, char major = 1) {
  std::string file = "\x93NUMPY";
  file += major;
  file += '\0';
  if (major == 1)
    append_le(file, static_cast<std::uint16_t>(dict.size()));
  else
    append_le(file, static_cast<std::uint32_t>(dict.size()));
  return file + dict + elements;
}

/// The dict of an array.
inline std::string dict_of(const std::string& descr, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': " + descr + ", 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}

struct OpenedArrays {
  Opened opened;
  [[nodiscard]] Value root(std::size_t at = 0) const { return {opened.document, opened.roots[at]}; }
  [[nodiscard]] Tensor tensor(std::size_t at = 0) const { return root(at).as_tensor(); }
};

inline OpenedArrays open_bytes(const std::string& bytes) {
  OpenContext context;
  context.source = string_source(bytes);
  context.budget = std::make_shared<MemoryBudget>(context.limits);
  context.document = std::make_shared<tree::Document>(context.budget);
  if (!bytes.starts_with("PK")) return {open_npy(context)};
  context.zip = archive::ZipArchive::open(context.source, context.limits, *context.budget);
  return {open_npz(context)};
}

inline Error open_error(const std::string& bytes) {
  return error_of([&] { (void)open_bytes(bytes); });
}

}  // namespace sconce::formats::numpy::testing
