// What a rewrite did and could not do, by kind, with the places where.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <sconce/rewrite.h>

#include "model/state.h"

namespace sconce::model::rewrite {

class Changes {
 public:
  enum class Fate : std::uint8_t { changed, dropped, remaining };

  /// Something about one value: a sentence without its place.
  void add(Fate fate, std::string what, tree::NodeId node);
  /// Something about the whole file.
  void add(Fate fate, std::string what) { add(fate, std::move(what), tree::kNoNode); }
  [[nodiscard]] bool anything_remains() const noexcept { return remains_; }

  /// Looks up where the values lie that were added since the last time: before the tree changes.
  void name(const Checkpoint::State& state);
  /// One sentence for each kind, in the order in which they came, with the first places and the number of the others.
  [[nodiscard]] RewriteReport report() const;

 private:
  static constexpr std::size_t kPlaces = 12;  // that are named of a kind
  static constexpr std::size_t kKinds = 200;  // a file may have a class for every object
  struct Place {
    tree::NodeId node;
    std::string name;
    bool named = false;
  };
  struct Entry {
    Fate fate;
    std::string what;
    std::vector<Place> places;
    std::uint64_t count = 0;
  };

  std::vector<Entry> entries_;
  std::map<std::pair<Fate, std::string>, std::size_t> by_text_;
  std::uint64_t more_kinds_ = 0;
  bool remains_ = false;
};

}  // namespace sconce::model::rewrite
