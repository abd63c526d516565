#include "model/verify_records.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "base/fail.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "base/text.h"
#include "base/work.h"

namespace sconce::model {

namespace {

using formats::OpenedRecord;
using formats::RecordCheck;

// Pieces of a large record go to several threads; each is read through a buffer that stays in the second level cache,
// so that its checksum is computed there. Measured: 256 KiB is as fast as anything up to 1 MiB, and more is slower.
constexpr std::uint64_t kPiece = std::uint64_t{16} << 20;
constexpr std::size_t kBuffer = std::size_t{256} << 10;
constexpr std::size_t kBufferAlignment = 4096;
constexpr std::size_t kUnusedNamed = 100;

std::string hex(std::uint32_t value) {
  std::array<char, 11> text{};
  std::snprintf(text.data(), text.size(), "0x%08x", value);
  return text.data();
}

struct Free {
  void operator()(std::byte* bytes) const { ::operator delete[](bytes, std::align_val_t{kBufferAlignment}); }
};
using Buffer = std::unique_ptr<std::byte[], Free>;

Buffer new_buffer() {
  return Buffer(static_cast<std::byte*>(::operator new[](kBuffer, std::align_val_t{kBufferAlignment})));
}

/// A part of a record, and what came of it.
struct Piece {
  std::uint32_t record = 0;
  std::uint32_t crc = 0;
  bool read = false;  ///< all of it
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

ErrorPlace place_of(const RecordCheck& record) {
  ErrorPlace place;
  place.record = record.record;
  place.offset = record.file_offset;
  return place;
}

class RecordReader {
 public:
  RecordReader(const std::vector<RecordCheck>& records, const VerifyOptions& options, Findings& findings)
      : records_(records), options_(options), findings_(findings) {
    for (std::uint32_t number = 0; number < records_.size(); ++number) cut(number);
  }

  void run() {
    std::uint64_t total = 0;
    for (const Piece& piece : pieces_) total += piece.size;
    buffers_.resize(workers_for(pieces_.size(), options_.threads));
    WorkMeter meter(options_.progress, options_.cancel, "verify", total);
    std::uint64_t told = 0;
    run_parallel(
        pieces_.size(), options_.threads, [this](std::size_t job, unsigned worker) { read(pieces_[job], worker); },
        [&] {
          const std::uint64_t done = done_;
          meter.advance(done - told);
          told = done;
        });
  }

  /// Compares checksums; `pieces_` are in the order of records.
  void compare(VerifyReport& report) const {
    report.bytes_read += done_;
    for (const auto& [number, failure] : failures_) findings_.add(number, failure.second);
    std::size_t at = 0;
    for (std::uint32_t number = 0; number < records_.size(); ++number) {
      std::uint32_t crc = 0;
      bool whole = true;
      for (; at < pieces_.size() && pieces_[at].record == number; ++at) {
        crc = crc32_combine(crc, pieces_[at].crc, pieces_[at].size);
        whole = whole && pieces_[at].read;
      }
      if (whole) compare_record(number, crc, report);
    }
  }

 private:
  /// A record that lies in the file as it is can be read from anywhere; a compressed one only from its start.
  void cut(std::uint32_t number) {
    const std::uint64_t size = records_[number].size;
    const std::uint64_t step = size > kPiece && lies_bare(records_[number]) ? kPiece : size;
    std::uint64_t offset = 0;
    do {
      const std::uint64_t part = std::min(step, size - offset);
      pieces_.push_back({.record = number, .offset = offset, .size = part});
      offset += part;
    } while (offset < size);
  }

  static bool lies_bare(const RecordCheck& record) {
    try {
      const SourcePtr bytes = record.open().bytes;
      return bytes->size() == record.size && (bytes->extent(0, record.size) || bytes->view(0, record.size) != nullptr);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::io) throw;
      return false;  // whoever reads it will say what is wrong with it
    }
  }

  void read(Piece& piece, unsigned worker) {
    const RecordCheck& record = records_[piece.record];
    try {
      const OpenedRecord opened = record.open();
      if (piece.offset == 0 && !opened.note.empty()) findings_.note(piece.record, opened.note, place_of(record));
      if (opened.bytes->size() != record.size)
        fail(ErrorCode::damaged, "the record holds " + std::to_string(opened.bytes->size()) + " bytes, where " +
                                     std::to_string(record.size) + " are declared");
      read_bytes(*opened.bytes, piece, worker);
    } catch (Error& error) {
      if (error.code() == ErrorCode::io || error.code() == ErrorCode::cancelled) throw;
      error.add_place(place_of(record));
      failed(piece, error);
    }
  }

  /// Of the errors of a record the one that stands first in it is told; the others mostly are the same.
  void failed(const Piece& piece, const Error& error) {
    const std::lock_guard lock(mutex_);
    const auto [place, added] = failures_.try_emplace(piece.record, piece.offset, error);
    if (!added && piece.offset < place->second.first) place->second = {piece.offset, error};
  }

  void read_bytes(const ByteSource& bytes, Piece& piece, unsigned worker) {
    Buffer& buffer = buffers_[worker];
    if (!buffer) buffer = new_buffer();
    for (std::uint64_t done = 0; done < piece.size;) {
      const std::span<std::byte> window(buffer.get(), std::min<std::uint64_t>(kBuffer, piece.size - done));
      bytes.read_at(piece.offset + done, window);
      piece.crc = crc32(piece.crc, window);
      done += window.size();
      done_ += window.size();
      if (options_.cancel.stop_requested()) fail(ErrorCode::cancelled, "cancelled");
    }
    piece.read = true;
  }

  void compare_record(std::uint32_t number, std::uint32_t crc, VerifyReport& report) const {
    const RecordCheck& record = records_[number];
    const std::uint32_t recorded = record.crc32.value_or(0);
    // Zero says that none was computed, unless it is the right one: that of no bytes at all, as a rule.
    if (!record.crc32 || (recorded == 0 && crc != 0)) {
      if (record.size != 0) ++report.checksums_not_recorded;
      return;
    }
    ++report.checksums;
    if (crc == recorded) return;
    findings_.add(
        number, {Severity::wrong, "the CRC-32 of the bytes is " + hex(crc) + ", but the file records " + hex(recorded),
                 place_of(record), "the bytes are not those that were written; fetch the file again"});
  }

  const std::vector<RecordCheck>& records_;
  const VerifyOptions& options_;
  Findings& findings_;
  std::vector<Piece> pieces_;
  std::vector<Buffer> buffers_;
  std::atomic<std::uint64_t> done_ = 0;
  std::mutex mutex_;
  std::map<std::uint32_t, std::pair<std::uint64_t, Error>> failures_;  // by record: offset of the piece, what it threw
};

void note_unused(const std::vector<RecordCheck>& records, Findings& findings, VerifyReport& report) {
  for (std::size_t number = 0; number < records.size(); ++number) {
    const RecordCheck& record = records[number];
    if (record.used) continue;
    if (++report.unused_records <= kUnusedNamed)
      findings.note(number,
                    record.metadata ? "stands beside the tree; torch.load does not read it"
                                    : "nothing uses this record of " + human_bytes(record.size),
                    place_of(record));
  }
  if (report.unused_records > kUnusedNamed)
    findings.note(records.size(),
                  "nothing uses " + with_commas(report.unused_records - kUnusedNamed) + " further records");
}

void note_not_recorded(const std::vector<RecordCheck>& records, Findings& findings, const VerifyReport& report) {
  if (report.checksums_not_recorded == 0) return;
  if (report.checksums == 0)
    findings.note(records.size(),
                  "the file records no checksums: that its bytes are those that were written cannot be told", {},
                  "compare the file's digest with the one that its source publishes");
  else
    findings.note(records.size(), with_commas(report.checksums_not_recorded) + " of " + with_commas(records.size()) +
                                      " records have no checksum");
}

}  // namespace

void Findings::finish(VerifyReport& report) {
  std::ranges::stable_sort(found_, {}, [](const auto& entry) { return entry.first; });
  for (auto& [subject, finding] : found_) {
    if (finding.severity == Severity::wrong) report.whole = false;
    report.findings.push_back(std::move(finding));
  }
  found_.clear();
}

void verify_records(const std::vector<RecordCheck>& records, const VerifyOptions& options, Findings& findings,
                    VerifyReport& report) {
  report.records = records.size();
  RecordReader reader(records, options, findings);
  reader.run();
  reader.compare(report);
  note_unused(records, findings, report);
  note_not_recorded(records, findings, report);
}

}  // namespace sconce::model
