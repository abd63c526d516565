// Text where a model should be: what it is says why.
#include "formats/foreign/text_kinds.h"

#include "formats/foreign/foreign_files.h"

namespace sconce::formats::foreign {
namespace {

using namespace testing;
using ::testing::HasSubstr;

TEST(ForeignText, AGitLfsPointerTellsWhatItPointsTo) {
  const Error error = refusal(
      "version https://git-lfs.github.com/spec/v1\n"
      "oid sha256:4665a5ea423c2713d436b5ee50593a9640e0018c1550b5a0002f74190d6caea8\n"
      "size 438007537\n");
  EXPECT_THAT(error, is_error(ErrorCode::unsupported, "438007537 bytes, sha256:4665a5ea"));
  EXPECT_THAT(error.advice(), HasSubstr("git lfs pull"));
}

TEST(ForeignText, AGitLfsPointerMayBeCutShort) {
  EXPECT_THAT(refusal("version https://git-lfs.github.com/spec/v1\n"), is_error(ErrorCode::unsupported, "git-lfs"));
}

TEST(ForeignText, KindsOfTextAreNamed) {
  const struct {
    const char* text;
    const char* words;
  } cases[] = {
      {"<!DOCTYPE html>\n<html>", "a web page"},
      {"\xEF\xBB\xBF \n<HTML lang=\"en\">", "a web page"},
      {"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "the error message of a file store"},
      {"<?xml version=\"1.0\"?>\n<net name=\"model\" version=\"11\">", "OpenVINO"},
      {"<?xml version=\"1.0\"?><a/>", "an XML document"},
      {"{\"model_type\": \"bert\"}", "a model's configuration"},
      {"{\n  \"architectures\": [\"Llama\"]}", "a model's configuration"},
      {"{\"error\": \"not found\"}", "a JSON text"},
      {"[1, 2, 3]", "a JSON text"},
      {"import torch\n", "Python source"},
      {"#!/usr/bin/env python3\n", "Python source"},
      {"Entry not found", "begins with \"Entry not found\""},
      {"Invalid username or password.\nmore", "begins with \"Invalid username or password.\""},
      {"\xD0\xB0\xD0\xB1", "a text that begins with"},
      {"  \n", "an empty text"},
  };
  for (const auto& [text, words] : cases) EXPECT_THAT(refusal(text), is_error(ErrorCode::unsupported, words));
}

TEST(ForeignText, TheIndexOfAModelInPiecesNamesAPiece) {
  const Error error =
      refusal(R"({"metadata": {"total_size": 9}, "weight_map": {"a": "model-00001-of-00002.safetensors"}})");
  EXPECT_THAT(error, is_error(ErrorCode::unsupported, "the index of a model in several files"));
  EXPECT_THAT(error.advice(), HasSubstr("such as model-00001-of-00002.safetensors"));
}

TEST(ForeignText, ControlCharactersOfAFileNeverReachTheTerminal) {
  EXPECT_THAT(refusal("\x1b[31mred").what(), ::testing::Not(HasSubstr("\x1b")));
}

TEST(ForeignText, AHeadMayEndInsideALetter) {
  std::string text(4095, 'a');
  text += "\xD0\xB0";
  EXPECT_TRUE(text_finding(text.substr(0, 4096), false));
  EXPECT_FALSE(text_finding(text.substr(0, 4096), true)) << "a whole file that ends so is no text";
}

TEST(ForeignText, BytesAreNoText) {
  EXPECT_FALSE(text_finding("text and " + raw("\0"), true));
  EXPECT_FALSE(text_finding("\xFF\xFE", true));
}

}  // namespace
}  // namespace sconce::formats::foreign
