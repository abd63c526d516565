#include "model/torch_manifest.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "base/json_reader.h"

namespace sconce::torch_manifest {

namespace {

using Token = JsonReader::Token;

std::vector<std::int64_t> integers(JsonReader& json) {
  std::vector<std::int64_t> found;
  json.expect(Token::begin_array, "numbers");
  while (json.next() == Token::number) found.push_back(json.as_i64());
  return found;
}

/// Calls `member` with each key of an object whose `{` was just read.
template <typename Member>
void each_member(JsonReader& json, Member&& member) {
  while (json.next() == Token::key) {
    const std::string key(json.text());
    member(key);
  }
}

/// Calls `element` for each object of an array.
template <typename Element>
void each_object(JsonReader& json, Element&& element) {
  json.expect(Token::begin_array, "array");
  while (json.next() == Token::begin_object) element();
}

std::string scalar(JsonReader& json) {
  switch (json.next()) {
    case Token::null: return "null";
    case Token::boolean: return json.boolean() ? "true" : "false";
    default: return std::string(json.text());
  }
}

TensorEntry parse_tensor(JsonReader& json) {
  TensorEntry tensor;
  each_member(json, [&](const std::string& key) {
    if (key == "name")
      tensor.name = json.expect_string(key);
    else if (key == "dtype")
      tensor.dtype = json.expect_string(key);
    else if (key == "layout")
      tensor.layout = json.expect_string(key);
    else if (key == "device")
      tensor.device = json.expect_string(key);
    else if (key == "sha256")
      tensor.sha256 = json.expect_string(key);
    else if (key == "shape")
      tensor.shape = integers(json);
    else if (key == "stride")
      tensor.stride = integers(json);
    else if (key == "storage_offset")
      tensor.storage_offset = json.expect_u64(key);
    else if (key == "storage")
      tensor.storage = json.expect_u64(key);
    else if (key == "nbytes")
      tensor.nbytes = json.expect_u64(key);
    else if (key == "requires_grad")
      tensor.requires_grad = scalar(json) == "true";
    else
      throw std::runtime_error("a manifest has an unknown member: " + key);
  });
  return tensor;
}

ValueEntry parse_value(JsonReader& json) {
  ValueEntry value;
  each_member(json, [&](const std::string& key) {
    if (key == "name")
      value.name = json.expect_string(key);
    else if (key == "type")
      value.type = json.expect_string(key);
    else
      value.text = scalar(json);
  });
  return value;
}

}  // namespace

bool Manifest::is_loose(std::string_view name) const {
  for (std::size_t end = name.size();; --end) {
    if ((end == name.size() || name[end] == '.') && loose.contains(name.substr(0, end))) return true;
    if (end == 0) return false;
  }
}

Manifest parse_manifest(std::string_view text) {
  Manifest manifest;
  JsonReader json(text);
  json.expect(Token::begin_object, "manifest");
  each_member(json, [&](const std::string& key) {
    if (key == "tensors") {
      each_object(json, [&] { manifest.tensors.push_back(parse_tensor(json)); });
    } else if (key == "values") {
      each_object(json, [&] { manifest.values.push_back(parse_value(json)); });
    } else if (key == "within") {
      json.expect(Token::begin_object, key);
      each_member(json, [&](const std::string& name) {
        json.expect(Token::begin_array, name);
        while (json.next() == Token::string) manifest.within.emplace_back(name, json.text());
      });
    } else {
      json.expect(Token::begin_array, key);
      while (json.next() == Token::string) manifest.loose.emplace(json.text());
    }
  });
  return manifest;
}

std::vector<FileEntry> parse_index(std::string_view text) {
  std::vector<FileEntry> files;
  JsonReader json(text);
  json.expect(Token::begin_object, "index");
  each_member(json, [&](const std::string& key) {
    if (key != "files") return json.skip_value();
    each_object(json, [&] {
      FileEntry& file = files.emplace_back();
      each_member(json, [&](const std::string& member) {
        if (member == "file")
          file.file = json.expect_string(member);
        else if (member == "manifest")
          file.manifest = json.expect_string(member);
        else
          json.skip_value();
      });
    });
  });
  return files;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream all;
  all << file.rdbuf();
  return all.str();
}

namespace {

TEST(TorchManifest, LooseNamesCoverWhatIsBelowThem) {
  const Manifest manifest =
      parse_manifest(R"({"tensors":[{"name":"a","dtype":"float32","shape":[2],"requires_grad":true}],)"
                     R"("values":[{"name":"epoch","type":"int","value":3}],"loose":["a.b"]})");
  EXPECT_EQ(manifest.tensors.at(0).shape, (std::vector<std::int64_t>{2}));
  EXPECT_TRUE(manifest.tensors.at(0).requires_grad);
  EXPECT_EQ(manifest.values.at(0).text, "3");
  EXPECT_TRUE(manifest.is_loose("a.b"));
  EXPECT_TRUE(manifest.is_loose("a.b.c"));
  EXPECT_FALSE(manifest.is_loose("a.bc"));
  EXPECT_FALSE(manifest.is_loose("a"));
}

}  // namespace
}  // namespace sconce::torch_manifest
