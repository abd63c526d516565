#include "formats/foreign/text_kinds.h"

#include <algorithm>
#include <array>
#include <string>

#include "archive/name_index.h"
#include "base/text.h"

namespace sconce::formats::foreign {

namespace {

constexpr std::string_view kBlanks = " \t\r\n\f\v";
constexpr std::size_t kShown = 60;

/// The text without what stands before its first letter.
std::string_view stripped(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text;
}

std::string_view first_line(std::string_view text) {
  return text.substr(0, std::min(text.find_first_of("\r\n"), text.size()));
}

/// Text as people write it: no control characters, and UTF-8 up to where the head may cut a letter.
bool is_text(std::string_view head, bool whole) {
  for (const char c : head)
    if (static_cast<unsigned char>(c) < 0x20 && kBlanks.find(c) == std::string_view::npos && c != '\x1b') return false;
  if (whole) return is_utf8(head);
  for (std::size_t cut = 0; cut < 4 && cut < head.size(); ++cut)
    if (is_utf8(head.substr(0, head.size() - cut))) return true;
  return false;
}

/// "KEY VALUE" of a pointer's lines; empty where there is none.
std::string_view pointer_value(std::string_view text, std::string_view key) {
  const std::size_t at = text.find("\n" + std::string(key) + " ");
  return at == std::string_view::npos ? std::string_view() : first_line(text.substr(at + key.size() + 2));
}

std::optional<Finding> lfs_pointer(std::string_view text) {
  if (!text.starts_with("version https://git-lfs.github.com/spec/") && !text.starts_with("version https://hawser."))
    return std::nullopt;
  const std::string oid = escaped(pointer_value(text, "oid").substr(0, 80));
  const std::string size = escaped(pointer_value(text, "size").substr(0, 20));
  std::string what = "this is a git-lfs pointer, not the file that it points to";
  if (!oid.empty() && !size.empty()) what += " (" + size + " bytes, " + oid + ")";
  return Finding{std::move(what), "run `git lfs pull` in the clone, or download the file itself",
                 ErrorCode::unsupported, std::nullopt};
}

std::optional<Finding> web_page(std::string_view text) {
  if (!text.starts_with('<')) return std::nullopt;
  const std::string start = archive::folded(text.substr(0, 256));
  if (start.starts_with("<!doctype html") || start.find("<html") != std::string::npos || start.starts_with("<head"))
    return not_read("a web page",
                    "the download went wrong: a login or an error page came in place of the file; open it in a "
                    "browser, and fetch the file again");
  if (start.find("<net ") != std::string::npos)
    return not_read("an OpenVINO model's description", "convert the model that it was made from");
  if (start.starts_with("<?xml") && text.find("<Error>") != std::string_view::npos)
    return not_read("the error message of a file store",
                    "the download went wrong; look into the file, and fetch it again");
  if (start.starts_with("<?xml")) return not_read("an XML document", "give Sconce the model file itself");
  return std::nullopt;
}

/// The first file that the index of a model in several files names.
std::string first_shard(std::string_view text) {
  const std::size_t map = text.find("\"weight_map\"");
  const std::size_t colon = text.find("\": \"", map == std::string_view::npos ? text.size() : map);
  if (colon == std::string_view::npos) return {};
  const std::string_view value = text.substr(colon + 4);
  return escaped(value.substr(0, std::min(value.find('"'), std::size_t{120})));
}

struct JsonKind {
  std::string_view key;
  std::string_view what;
  std::string_view advice;
};

constexpr std::string_view kBeside = "the weights are in another file beside it; give Sconce that one";

constexpr auto kJsonKinds = std::to_array<JsonKind>({
    {"\"model_type\"", "a model's configuration (config.json)", kBeside},
    {"\"architectures\"", "a model's configuration (config.json)", kBeside},
    {"\"_class_name\"", "a model's configuration (config.json)", kBeside},
    {"\"tokenizer_class\"", "a tokenizer's configuration", kBeside},
    {"\"added_tokens\"", "a tokenizer (tokenizer.json)", kBeside},
    {"\"nbformat\"", "a Jupyter notebook", "give Sconce the model file itself"},
    {"\"modelTopology\"", "a TensorFlow.js model", "convert the model that it was made from"},
});

std::optional<Finding> json(std::string_view text) {
  if (!text.starts_with('{') && !text.starts_with('[')) return std::nullopt;
  const std::string_view inside = stripped(text.substr(1));
  if (inside.empty() || std::string_view("\"{}[]-0123456789tfn").find(inside.front()) == std::string_view::npos)
    return std::nullopt;
  if (text.find("\"weight_map\"") != std::string_view::npos) {
    const std::string shard = first_shard(text);
    return not_read("the index of a model in several files",
                    "give Sconce one of the files that it names" + (shard.empty() ? "" : ", such as " + shard));
  }
  for (const JsonKind& kind : kJsonKinds)
    if (text.find(kind.key) != std::string_view::npos) return not_read(kind.what, kind.advice);
  return not_read("a JSON text", "give Sconce the model file itself");
}

constexpr std::string_view kPythonStarts[] = {"#!/usr/bin/env python", "import ", "from ", "def ", "class ", "\"\"\"",
                                              "# -*- coding"};

}  // namespace

std::optional<Finding> text_finding(std::string_view head, bool whole) {
  if (!is_text(head, whole)) return std::nullopt;
  const std::string_view text = stripped(head);
  if (text.empty()) return not_read("an empty text", "fetch the file again");
  if (auto found = lfs_pointer(text)) return found;
  if (auto found = web_page(text)) return found;
  if (auto found = json(text)) return found;
  for (const std::string_view start : kPythonStarts)
    if (text.starts_with(start)) return not_read("Python source", "give Sconce the file that it saves");
  return not_read("a text that begins with \"" + escaped(first_line(text).substr(0, kShown)) + "\"",
                  "look into it: it may say why the download failed; then fetch the model file");
}

}  // namespace sconce::formats::foreign
