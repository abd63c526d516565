// What verify() found, gathered by many threads and put into order at the end.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <sconce/error.h>
#include <sconce/verify.h>

namespace sconce::model {

using Severity = VerifyFinding::Severity;

/// Thread-safe. Findings come out in the order of what they are about, not in that of threads.
class Findings {
 public:
  explicit Findings(std::string file) : file_(std::move(file)) {}

  /// `subject`: number of the record or tensor.
  void add(std::size_t subject, VerifyFinding finding) {
    if (finding.place.file.empty()) finding.place.file = file_;
    const std::lock_guard lock(mutex_);
    found_.emplace_back(subject, std::move(finding));
  }
  void add(std::size_t subject, const Error& error) {
    add(subject, {Severity::wrong, error.message(), error.place(), error.advice()});
  }
  void note(std::size_t subject, std::string message, ErrorPlace place = {}, std::string advice = {}) {
    add(subject, {Severity::note, std::move(message), std::move(place), std::move(advice)});
  }

  /// Moves all to the report.
  void finish(VerifyReport& report);

 private:
  std::string file_;
  std::mutex mutex_;
  std::vector<std::pair<std::size_t, VerifyFinding>> found_;
};

}  // namespace sconce::model
