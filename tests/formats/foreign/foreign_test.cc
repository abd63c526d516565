// Files that are no checkpoints, by their first bytes: each has a name, and an advice.
#include "formats/foreign/foreign.h"

#include "formats/foreign/foreign_files.h"

namespace sconce::formats::foreign {
namespace {

using namespace testing;

TEST(Foreign, KnownMarksAreNamed) {
  const std::string riff = raw("RIFF\x24\0\0\0");
  const struct {
    std::string bytes;
    const char* words;
  } cases[] = {
      {"\x89HDF\r\n\x1a\n" + raw("\0\0"), "an HDF5 file"},
      {"lmgg" + raw("\1\0\0\0"), "a GGML file"},
      {"tjgg" + raw("\3\0\0\0"), "a GGML file (ggjt)"},
      {raw("\x1c\0\0\0PTMF\0\0"), "a PyTorch mobile model (flatbuffer)"},
      {raw("\x1c\0\0\0TFL3\0\0"), "a TensorFlow Lite model"},
      {raw("\x1c\0\0\0ET12\0\0"), "an ExecuTorch program"},
      {"PYTORCH1" + raw("\0\0"), "from before 1.0"},
      {raw("\0asm\1\0\0\0"), "a WebAssembly module"},
      {"PAR1" + raw("\0\0"), "a Parquet table"},
      {raw("SQLite format 3\0\x10\0"), "an SQLite database"},
      {raw("\x1f\x8b\x08\0\0\0\0\0"), "a gzip file"},
      {"BZh91AY&SY" + raw("\0"), "a bzip2 file"},
      {raw("\xFD") + "7zXZ" + raw("\0\0\4"), "an xz file"},
      {"\x28\xB5\x2F\xFD" + raw("\x24\0"), "a Zstandard file"},
      {"\x04\x22\x4D\x18" + raw("\x64\0"), "an LZ4 file"},
      {raw("x\x9c\x03\0\0\0\0\1"), "joblib"},
      {raw("x\x5e\x03\0\0\0\0\1"), "joblib"},
      {"7z\xBC\xAF\x27\x1C" + raw("\0\4"), "a 7z archive"},
      {"Rar!\x1A\x07" + raw("\1\0"), "a RAR archive"},
      {"%PDF-1.7\n%\xE2\xE3", "a PDF document"},
      {"\x89PNG\r\n\x1a\n" + raw("\0\0"), "a PNG picture"},
      {"\xFF\xD8\xFF\xE0" + raw("\0"), "a JPEG picture"},
      {riff + "WEBPVP8 ", "a WebP picture"},
      {raw("\0\0\0\x20"
           "ftypisom"),
       "an MP4 film"},
      {raw("\x7F"
           "ELF\2\1\1\0"),
       "a Linux program"},
      {"MZ" + std::string(58, '\0') + raw("\x40\0\0\0PE\0\0"), "a Windows program"},
  };
  for (const auto& [bytes, words] : cases) {
    const Error error = refusal(bytes);
    EXPECT_THAT(error, is_error(ErrorCode::unsupported, words));
    EXPECT_NE(error.advice(), "") << words;
  }
}

TEST(Foreign, ADownloadThatWasNeverFilledIsDamaged) {
  EXPECT_THAT(refusal(std::string(10'000, '\0')), is_error(ErrorCode::damaged, "first 4096 bytes of the file are all"));
}

TEST(Foreign, ATarArchiveTellsItsFirstMember) {
  std::string block(1024, '\0');
  block.replace(0, 12, "weights/a.pt");
  block.replace(100, 7, "0000644");
  block.replace(124, 11, "00000000000");
  block.replace(257, 6, raw("ustar\0"));
  block[156] = '0';
  block.replace(148, 8, "        ");
  unsigned sum = 0;
  for (std::size_t at = 0; at < 512; ++at) sum += static_cast<unsigned char>(block[at]);
  std::string digits = "000000";
  for (std::size_t at = 6; at-- > 0; sum /= 8) digits[at] = static_cast<char>('0' + sum % 8);
  block.replace(148, 7, digits + '\0');
  EXPECT_THAT(refusal(block), is_error(ErrorCode::unsupported, "first member is weights/a.pt"));
}

TEST(Foreign, BytesWithoutAnyMarkAreNotGuessed) {
  EXPECT_FALSE(recognised(raw("\x3f\x80\0\0\x40\0\0\0\x40\x40\0\0")));
  EXPECT_FALSE(recognised(raw("\xFF\xFE\0\1\2\3")));
  EXPECT_FALSE(recognised("MZ" + raw("\1\0")));
}

}  // namespace
}  // namespace sconce::formats::foreign
