// verify(): files of real PyTorch that are whole, and the same files with a byte changed.
#include <sconce/verify.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "archive/zip_builder.h"
#include "base/endian.h"
#include "model/model_builder.h"

namespace sconce {
namespace {

using archive::testing::ZipBuilder;
using test::fixture;
using ::testing::HasSubstr;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A file in memory, and where the bytes of its tensors are.
struct File {
  explicit File(std::string_view name) : bytes(read_file(fixture(name))) {}
  [[nodiscard]] Checkpoint load() const { return sconce::load(source()); }
  [[nodiscard]] SourcePtr source() const { return memory_source(std::as_bytes(std::span(bytes)), {}, "damaged.pt"); }
  /// Where the bytes of a storage begin; it must be one of load().
  [[nodiscard]] std::size_t offset_of(const Storage& storage) const {
    return static_cast<std::size_t>(storage.view().data() - std::as_bytes(std::span(bytes)).data());
  }
  [[nodiscard]] VerifyReport verify(const VerifyOptions& options = {}) const {
    return sconce::verify(source(), options);
  }
  /// Overwrites one 64-bit number of an index tensor, and the checksums of its record, so that only its sense is wrong.
  void set_index(std::string_view tensor, std::size_t at, std::int64_t value) {
    const Storage storage = load().tensor(tensor).storage();
    const std::size_t begin = offset_of(storage);
    const std::uint32_t before = storage.checksum().value().crc32;
    store_le(bytes.data() + begin + 8 * at, static_cast<std::uint64_t>(value));
    std::string old_crc;
    std::string new_crc;
    append_le(old_crc, before);
    append_le(new_crc, crc32(std::string_view(bytes).substr(begin, storage.nbytes())));
    for (std::size_t found = bytes.find(old_crc); found != std::string::npos; found = bytes.find(old_crc, found + 4))
      bytes.replace(found, 4, new_crc);
  }
  std::string bytes;
};

/// The messages of findings that are wrong, one a line, with record and key.
std::string wrong(const VerifyReport& report) {
  std::string text;
  for (const VerifyFinding& finding : report.findings)
    if (finding.severity == VerifyFinding::Severity::wrong)
      text += finding.place.record + finding.place.key + ": " + finding.message + "\n";
  return text;
}

std::string notes(const VerifyReport& report) {
  std::string text;
  for (const VerifyFinding& finding : report.findings)
    if (finding.severity == VerifyFinding::Severity::note)
      text += finding.place.record + finding.place.key + ": " + finding.message + "\n";
  return text;
}

TEST(Verify, FindsNothingWrongInFilesOfPyTorch) {
  for (const char* name : {"state_dict", "tied", "views", "dtypes", "sparse_coo", "sparse_csr", "sparse_compressed",
                           "nested_strided", "quantized", "training_run", "optimizer_state", "meta"}) {
    const File file("torch-2.13/" + std::string(name) + ".zip.pt");
    const VerifyReport report = file.verify();
    EXPECT_TRUE(report.whole) << name << "\n" << wrong(report);
    EXPECT_EQ(report.format, "pytorch-zip");
    EXPECT_EQ(report.bytes, file.bytes.size());
    EXPECT_EQ(report.file, "damaged.pt");
    EXPECT_GT(report.records, 2U);
    EXPECT_EQ(report.checksums, report.records) << name;
    EXPECT_EQ(report.checksums_not_recorded, 0U);
    EXPECT_EQ(report.unused_records, 0U);
  }
}

TEST(Verify, CountsTensorsOnce) {
  const VerifyReport report = File("torch-2.13/tied.zip.pt").verify();
  EXPECT_GT(report.tensors, 0U);
  EXPECT_GT(report.bytes_read, 0U);
}

TEST(Verify, NamesTheRecordWhoseBytesChangedWithBothChecksums) {
  File file("torch-2.13/state_dict.zip.pt");
  const Tensor tensor = file.load().tensors().front().tensor;
  const std::string record = tensor.storage().record();
  const std::size_t offset = file.offset_of(tensor.storage());
  file.bytes[offset] = static_cast<char>(file.bytes[offset] ^ 1);
  const VerifyReport report = file.verify();
  EXPECT_FALSE(report.whole);
  const auto finding = std::ranges::find(report.findings, VerifyFinding::Severity::wrong, &VerifyFinding::severity);
  ASSERT_NE(finding, report.findings.end());
  EXPECT_EQ(finding->place.record, record);
  EXPECT_LT(finding->place.offset.value(), offset);
  EXPECT_THAT(finding->message, HasSubstr("the CRC-32 of the bytes is 0x"));
  EXPECT_THAT(finding->message, HasSubstr("the file records 0x"));
  EXPECT_THAT(finding->advice, HasSubstr("fetch the file again"));
}

TEST(Verify, FindsEveryFlippedBitOfATensor) {
  const File whole("torch-2.13/bare_tensor.zip.pt");
  const Storage storage = whole.load().tensors().front().tensor.storage();
  const std::size_t begin = whole.offset_of(storage);
  for (std::uint64_t bit = 0; bit < 8 * storage.nbytes(); ++bit) {
    File file = whole;
    char& byte = file.bytes[begin + static_cast<std::size_t>(bit / 8)];
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
    EXPECT_FALSE(file.verify().whole) << bit;
  }
}

TEST(Verify, GoesOnAfterARecordThatCannotBeRead) {
  File file("torch-2.13/state_dict.zip.pt");
  const auto tensors = file.load().tensors();
  ASSERT_GE(tensors.size(), 2U);
  const Storage first = tensors[0].tensor.storage();
  const Storage second = tensors[1].tensor.storage();
  // The local header of the first, and a byte of the second.
  file.bytes.replace(file.bytes.rfind("PK\3\4", file.offset_of(first)), 4, "LOST");
  file.bytes[file.offset_of(second)] ^= 1;
  const VerifyReport report = file.verify();
  EXPECT_THAT(wrong(report), HasSubstr(first.record() + ": "));
  EXPECT_THAT(wrong(report), HasSubstr(second.record() + ": the CRC-32"));
}

TEST(Verify, SaysOnceThatAFormatRecordsNoChecksums) {
  for (const char* name : {"torch-2.13/state_dict.legacy.pt", "torch-2.13/no_crc32.zip.pt"}) {
    const VerifyReport report = File(name).verify();
    EXPECT_TRUE(report.whole) << wrong(report);
    EXPECT_GT(report.checksums_not_recorded, 0U) << name;
    EXPECT_THAT(notes(report), HasSubstr("checksum")) << name;
  }
}

TEST(Verify, NotesRecordsThatNothingUses) {
  const archive::testing::BuiltZip zip = ZipBuilder()
                                             .add("archive/data.pkl", std::string("\x80\x02}q\0.", 6))
                                             .add("archive/version", "3\n")
                                             .add("archive/data/7", "nobody's")
                                             .build();
  const VerifyReport report = verify(memory_source(std::as_bytes(std::span(zip.bytes))));
  EXPECT_TRUE(report.whole) << wrong(report);
  EXPECT_EQ(report.unused_records, 1U);
  EXPECT_THAT(notes(report), HasSubstr("archive/data/7: nothing uses this record of 8 B"));
}

TEST(Verify, ReadsCompressedRecords) {
  const std::string content(3'000'000, 'x');
  auto zip = ZipBuilder()
                 .add("archive/data.pkl", std::string("\x80\x02}q\0.", 6))
                 .add("archive/version", "3\n")
                 .add({.name = "archive/data/0", .content = content, .deflate = true})
                 .build();
  VerifyReport report = verify(memory_source(std::as_bytes(std::span(zip.bytes))));
  EXPECT_TRUE(report.whole) << wrong(report);
  EXPECT_EQ(report.checksums, 3U);
  zip.put32(zip.records[2].local + 14, 1);  // CRC-32 in the local header, and in the directory
  zip.put32(zip.records[2].directory + 16, 1);
  report = verify(memory_source(std::as_bytes(std::span(zip.bytes))));
  EXPECT_FALSE(report.whole);
}

TEST(Verify, ChecksRecordsOfManyPieces) {
  std::string content(50'000'000, 'x');  // 48 MiB: pieces for several threads
  for (std::size_t at = 0; at < content.size(); at += 1000) content[at] = static_cast<char>(at / 1000);
  auto zip = ZipBuilder()
                 .add("archive/data.pkl", std::string("\x80\x02}q\0.", 6))
                 .add("archive/version", "3\n")
                 .add("archive/data/0", content)
                 .build();
  for (const unsigned threads : {1U, 2U, 5U}) {
    VerifyOptions options;
    options.threads = threads;
    std::uint64_t told = 0;
    options.progress = [&](const ProgressReport& progress) { told = progress.done; };
    const VerifyReport report = verify(memory_source(std::as_bytes(std::span(zip.bytes))), options);
    EXPECT_TRUE(report.whole) << wrong(report);
    EXPECT_EQ(report.bytes_read, content.size() + 8);
    EXPECT_EQ(told, report.bytes_read);
  }
  zip.bytes[zip.records[2].payload + 40'000'000] ^= 1;
  EXPECT_FALSE(verify(memory_source(std::as_bytes(std::span(zip.bytes)))).whole);
}

TEST(Verify, RefusesSparseIndicesOutsideOfTheTensor) {
  File file("torch-2.13/sparse_coo.zip.pt");
  file.set_index("coo.indices", 0, 3);  // rows are 0 to 2
  EXPECT_THAT(wrong(file.verify()), HasSubstr("coo: indices at position 0: 3 lies outside of a dimension of 3"));
  file.set_index("coo.indices", 0, -1);
  EXPECT_THAT(wrong(file.verify()), HasSubstr("-1 lies outside"));
}

TEST(Verify, RefusesCompressedIndicesThatDoNotAscend) {
  File file("torch-2.13/sparse_csr.zip.pt");
  const auto begins = file.load().tensor("csr.crow_indices").to_vector<std::int64_t>();
  file.set_index("csr.crow_indices", 1, 9);
  EXPECT_THAT(wrong(file.verify()), HasSubstr("csr: crow_indices at position 1: 9"));
  file.set_index("csr.crow_indices", 1, begins[1]);
  ASSERT_TRUE(file.verify().whole) << wrong(file.verify());
  file.set_index("csr.crow_indices", 0, 1);
  EXPECT_THAT(wrong(file.verify()), HasSubstr("must begin with 0"));
  file.set_index("csr.crow_indices", 0, 0);
  file.set_index("csr.col_indices", 0, 3);
  EXPECT_THAT(wrong(file.verify()), HasSubstr("csr: col_indices at position 0: 3 lies outside of a line of 3"));
}

TEST(Verify, ThrowsWhereTheFileCannotBeWalked) {
  File file("torch-2.13/state_dict.zip.pt");
  file.bytes.resize(file.bytes.size() / 2);
  EXPECT_THAT(test::error_of([&] { (void)file.verify(); }), test::is_error(ErrorCode::truncated, "damaged.pt"));
  EXPECT_THAT(test::error_of([] { (void)verify(fixture("no such file.pt")); }),
              test::is_error(ErrorCode::io, "no such file.pt"));
}

TEST(Verify, CanBeStopped) {
  std::stop_source stop;
  stop.request_stop();
  VerifyOptions options;
  options.cancel = stop.get_token();
  const File file("torch-2.13/state_dict.zip.pt");
  EXPECT_THAT(test::error_of([&] { (void)file.verify(options); }), test::is_error(ErrorCode::cancelled, "cancelled"));
}

}  // namespace
}  // namespace sconce
