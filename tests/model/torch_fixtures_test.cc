// Files that real PyTorch 1.7, 1.13, 2.6, 2.13 and 2.14 wrote, read through the library and compared with what the same
// PyTorch says is in them. No PyTorch is needed: files and manifests are in tests/fixtures/torch-*.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sconce/sconce.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>

#include "model/torch_manifest.h"

namespace sconce {
namespace {

using torch_manifest::Manifest;
using torch_manifest::TensorEntry;
using torch_manifest::ValueEntry;

/// A file of a fixture folder.
struct Fixture {
  std::string version;
  torch_manifest::FileEntry file;

  [[nodiscard]] std::string path(const std::string& name) const {
    return SCONCE_SOURCE_DIR "/tests/fixtures/torch-" + version + "/" + name;
  }
};
void PrintTo(const Fixture& fixture, std::ostream* out) { *out << fixture.version << "/" << fixture.file.file; }

std::vector<Fixture> fixtures() {
  std::vector<Fixture> all;
  for (const char* version : {"1.7", "1.13", "2.6", "2.13", "2.14"}) {
    const Fixture folder{version, {}};
    for (auto& file : torch_manifest::parse_index(torch_manifest::read_file(folder.path("index.json"))))
      all.push_back({version, std::move(file)});
  }
  return all;
}

std::string name_of(const testing::TestParamInfo<Fixture>& info) {
  std::string name = "torch_" + info.param.version + "_" + info.param.file.file;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

struct FoundTensor {
  std::string name;
  Tensor tensor;
  std::optional<std::uint64_t> storage;
};

/// Tensors in the order of the walk; those at places that are a matter of taste only where the manifest names them.
std::vector<FoundTensor> tensors_of(const Checkpoint& checkpoint, const Manifest& manifest) {
  std::vector<FoundTensor> found;
  WalkOptions options;
  options.values = false;
  checkpoint.walk(options, [&](const Leaf& leaf) {
    const auto named = [&](const TensorEntry& tensor) { return tensor.name == leaf.name(); };
    if (!manifest.is_loose(leaf.name()) || std::ranges::any_of(manifest.tensors, named))
      found.push_back({std::string(leaf.name()), leaf.tensor(), leaf.storage_number()});
    return true;
  });
  return found;
}

std::multimap<std::string, Value> values_of(const Checkpoint& checkpoint) {
  std::multimap<std::string, Value> found;
  WalkOptions options;
  options.tensors = false;
  checkpoint.walk(options, [&](const Leaf& leaf) {
    found.emplace(leaf.name(), leaf.value());
    return true;
  });
  return found;
}

std::vector<std::int64_t> copy(std::span<const std::int64_t> numbers) { return {numbers.begin(), numbers.end()}; }

void compare(const TensorEntry& expected, const Tensor& tensor) {
  EXPECT_EQ(to_string(tensor.dtype()), expected.dtype);
  EXPECT_EQ(tensor.device(), expected.device);
  EXPECT_EQ(tensor.requires_grad(), expected.requires_grad);
  EXPECT_EQ(copy(tensor.shape()), expected.shape.value_or(copy(tensor.shape())));
  EXPECT_EQ(copy(tensor.strides()), expected.stride.value_or(copy(tensor.strides())));
  if (expected.storage_offset) {
    EXPECT_EQ(tensor.storage_offset(), static_cast<std::int64_t>(*expected.storage_offset));
  }
  if (expected.layout != "jagged") {
    EXPECT_EQ(to_string(tensor.layout()), expected.layout);
  }
  if (expected.sha256) {
    EXPECT_EQ(tensor.sha256(), *expected.sha256);
  }
}

/// Storages are shared by the same tensors on both sides.
void compare_sharing(const std::vector<TensorEntry>& expected, const std::vector<FoundTensor>& found) {
  std::map<std::uint64_t, std::uint64_t> ours_of, theirs_of;
  for (std::size_t at = 0; at < found.size(); ++at) {
    if (!expected[at].storage) continue;
    SCOPED_TRACE(found[at].name);
    ASSERT_TRUE(found[at].storage);
    const std::uint64_t theirs = *expected[at].storage, ours = *found[at].storage;
    EXPECT_EQ(ours_of.emplace(theirs, ours).first->second, ours) << "torch shares a storage, the reader does not";
    EXPECT_EQ(theirs_of.emplace(ours, theirs).first->second, theirs) << "the reader shares what torch does not";
  }
}

bool same_number(double expected, double found) {
  return expected == found || (std::isnan(expected) && std::isnan(found));
}

bool same(const ValueEntry& expected, const Value& value) {
  if (to_string(value.kind()) != expected.type) return false;
  switch (value.kind()) {
    case Kind::none: return true;
    case Kind::boolean: return expected.text == (value.as_bool() ? "true" : "false");
    case Kind::str: return expected.text == value.as_str();
    case Kind::floating: return same_number(std::strtod(expected.text.c_str(), nullptr), value.as_float());
    case Kind::scalar:
      if (expected.text == "true") return value.as_int() == 1;
      return same_number(std::strtod(expected.text.c_str(), nullptr), value.as_float());
    default: return expected.text == value.to_text();
  }
}

class TorchFixture : public testing::TestWithParam<Fixture> {
 protected:
  [[nodiscard]] static std::string path() { return GetParam().path(GetParam().file.file); }
  const Manifest manifest_ =
      torch_manifest::parse_manifest(torch_manifest::read_file(GetParam().path(GetParam().file.manifest)));
};

TEST_P(TorchFixture, TensorsAreThoseThatTorchSees) {
  const std::vector<FoundTensor> found = tensors_of(load(path()), manifest_);
  std::vector<std::string> names, expected_names;
  for (const FoundTensor& tensor : found) names.push_back(tensor.name);
  for (const TensorEntry& tensor : manifest_.tensors) expected_names.push_back(tensor.name);
  ASSERT_EQ(names, expected_names);
  for (std::size_t at = 0; at < found.size(); ++at) {
    SCOPED_TRACE(names[at]);
    compare(manifest_.tensors[at], found[at].tensor);
  }
  compare_sharing(manifest_.tensors, found);
}

TEST_P(TorchFixture, WrappersShowTheTensorsInside) {
  std::multimap<std::string, std::string> hashes;
  for (const NamedTensor& tensor : load(path()).tensors())
    if (manifest_.is_loose(tensor.name) && tensor.tensor.has_storage())
      hashes.emplace(tensor.tensor.sha256(), tensor.name);
  for (const auto& [place, hash] : manifest_.within) {
    const auto found = hashes.find(hash);
    ASSERT_NE(found, hashes.end()) << "a part of " << place;
    EXPECT_TRUE(found->second.starts_with(place + ".")) << found->second;
  }
}

TEST_P(TorchFixture, ValuesAreThoseThatTorchSees) {
  const std::multimap<std::string, Value> found = values_of(load(path()));
  for (const ValueEntry& expected : manifest_.values) {
    if (manifest_.is_loose(expected.name)) continue;
    const auto [first, last] = found.equal_range(expected.name);
    EXPECT_TRUE(std::any_of(first, last, [&](const auto& entry) { return same(expected, entry.second); }))
        << '"' << expected.name << "\" should be the " << expected.type << " " << expected.text << ", not "
        << (first == last ? "absent" : std::string(to_string(first->second.kind())) + " " + first->second.to_text());
  }
}

INSTANTIATE_TEST_SUITE_P(All, TorchFixture, testing::ValuesIn(fixtures()), name_of);

}  // namespace
}  // namespace sconce
