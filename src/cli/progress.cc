#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/text.h"
#include "cli/arguments.h"

namespace sconce::cli {

namespace {

constexpr auto kPatience = std::chrono::seconds(1);
constexpr auto kBetween = std::chrono::milliseconds(100);
constexpr std::size_t kBarWidth = 24;

void draw_line(std::string_view text) {
  // A progress bar that cannot be drawn is no reason to stop.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

ProgressBar::ProgressBar(const Arguments& arguments) : wanted_(::isatty(STDERR_FILENO) == 1 && !arguments.quiet()) {}

ProgressBar::~ProgressBar() { clear(); }

ProgressFunction ProgressBar::function() {
  if (!wanted_) return {};
  return [this](const ProgressReport& report) { show(report); };
}

void ProgressBar::clear() {
  if (drawn_) draw_line("\r\x1b[K");
  drawn_ = false;
}

void ProgressBar::show(const ProgressReport& report) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;
  const Clock::time_point now = Clock::now();
  if (now - begun_ < kPatience || now - last_ < kBetween) return;
  last_ = now;
  draw(report, std::chrono::duration<double>(now - begun_).count());
}

void ProgressBar::draw(const ProgressReport& report, double seconds) {
  std::string line = "\r" + std::string(report.stage) + " ";
  if (report.total != 0) {
    const double part = std::min(1.0, static_cast<double>(report.done) / static_cast<double>(report.total));
    const auto full = static_cast<std::size_t>(part * kBarWidth);
    line += "[" + std::string(full, '#') + std::string(kBarWidth - full, '.') + "] ";
    line += std::to_string(static_cast<unsigned>(part * 100)) + " % of " + human_bytes(report.total) + ", ";
  }
  const double rate = static_cast<double>(report.done) / seconds;
  line += human_bytes(report.done) + ", " + human_bytes(static_cast<std::uint64_t>(rate)) + "/s";
  if (report.total > report.done && rate > 0) {
    const auto left = static_cast<std::uint64_t>(static_cast<double>(report.total - report.done) / rate);
    line += ", " + std::to_string(left / 60) + ":" + (left % 60 < 10 ? "0" : "") + std::to_string(left % 60) + " left";
  }
  draw_line(line + "\x1b[K");
  drawn_ = true;
}

}  // namespace sconce::cli
