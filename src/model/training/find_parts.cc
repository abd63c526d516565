#include "model/training/find_parts.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "model/model_shape.h"
#include "model/training/part_names.h"
#include "model/training/recognise.h"
#include "model/training/scan.h"

namespace sconce::model::training {

namespace {

constexpr std::size_t kDepth = 6;            // of containers that are looked into
constexpr std::size_t kProgressDepth = 4;    // of numbers that say how far it was
constexpr std::size_t kMostChildren = 4096;  // of a container that is looked into
constexpr std::size_t kMostPlaces = 100'000;
constexpr std::size_t kMostParts = 2000;
constexpr std::size_t kMostPathBytes = std::size_t{32} << 20;  // of names: a long key may lie under many paths

/// A value of the tree above the parts.
struct Place {
  NodeId node = kNoNode;
  std::size_t parent = 0;
  std::size_t depth = 0;
  std::string path;
  std::string key;
  std::optional<PartKind> of_layout;  ///< what the layout has under the key of the root that leads here
  std::optional<TrainingPart> part;
  bool progress = false;
  bool past = false;  ///< in a list of dicts, and not in the last: a history, whose end counts
  bool part_below = false;
  bool progress_below = false;
};

class Finder {
 public:
  explicit Finder(const Checkpoint::State& state)
      : state_(state), document_(*state.document), visited_(document_.node_count(), false) {}

  FoundParts run() {
    found_.layout = find_layout(document_, state_.roots.front(), state_.facts.name);
    // A path of the first object begins with its number only where there are several, as in walks.
    for (std::size_t at = 0; at < state_.roots.size(); ++at) {
      Place root;
      root.node = state_.roots[at];
      if (state_.roots.size() > 1) root.path = root.key = std::to_string(at);
      open_.push_back(std::move(root));
    }
    std::ranges::reverse(open_);
    while (!open_.empty() && places_.size() < kMostPlaces && path_bytes_ < kMostPathBytes) visit();
    if (!open_.empty()) found_.complete = false;
    measure();
    return std::move(found_);
  }

 private:
  void visit() {
    Place place = std::move(open_.back());
    open_.pop_back();
    if (place.depth == 0) place.parent = places_.size();
    classify(place);
    const bool open = !place.part && !place.progress && may_open(place);
    places_.push_back(std::move(place));
    const std::size_t at = places_.size() - 1;
    if (places_[at].part) note(at, &Place::part_below);
    if (places_[at].progress) note(at, &Place::progress_below);
    if (open) add_children(at);
  }

  /// Sets a flag of all places above.
  void note(std::size_t at, bool Place::*below) {
    while (places_[at].depth != 0) {
      at = places_[at].parent;
      if (places_[at].*below) return;
      places_[at].*below = true;
    }
  }

  bool may_open(const Place& place) {
    if (!is_container(document_, place.node) || place.depth >= kDepth || visited_[place.node]) return false;
    visited_[place.node] = true;
    return true;
  }

  void classify(Place& place) {
    std::optional<Recognised> is = recognised(place);
    if (!is && place.depth == 0 && model::is_flat_model(document_, place.node)) flat_root_ = true;
    if (is) {
      place.part = TrainingPart{.kind = is->kind, .path = place.path, .what = std::move(is->what)};
      place.part->by = KnownBy::structure;
      name_model(place);
      if (place.of_layout == place.part->kind) place.part->by = KnownBy::layout;
      return;
    }
    classify_number(place);
    if (!place.progress) classify_by_name(place);
  }

  /// A value that many places share is looked at once.
  const std::optional<Recognised>& recognised(const Place& place) {
    const auto known = recognised_.find(place.node);
    if (known != recognised_.end()) return known->second;
    return recognised_.emplace(place.node, recognise(document_, place.node, place.key)).first->second;
  }

  /// Which of several models it is, only its name says.
  void name_model(Place& place) {
    TrainingPart& part = *place.part;
    if (part.kind != PartKind::model) return;
    if (place.of_layout == PartKind::ema || is_average_name(place.path)) {
      part.kind = PartKind::ema;
      part.by = KnownBy::name;
    } else if (place.of_layout == PartKind::model) {
      part.by = KnownBy::layout;
    } else if (place.of_layout == PartKind::other || place.key.starts_with("criterion") || place.key == "loss_fn") {
      part.kind = PartKind::other;
    } else if (kind_by_name(place.key) == PartKind::scaler) {
      part.kind = PartKind::other;  // of inputs or targets; one of gradients has no such state
    } else if (const auto named = kind_by_name(place.key); named && *named != PartKind::hyper_parameters) {
      // An optimizer's own layout, of tensors by name only.
      part.kind = *named;
      part.by = KnownBy::name;
    }
  }

  void classify_number(Place& place) {
    if (place.depth == 0 || place.depth > kProgressDepth || place.past || place.of_layout == PartKind::hyper_parameters)
      return;
    const bool named = place.of_layout == PartKind::progress || is_progress_name(place.key);
    if (named && is_number(document_, place.node)) place.progress = true;
  }

  void classify_by_name(Place& place) {
    if (place.depth == 0) return;
    const bool container = is_container(document_, place.node);
    const bool text = document_.kind(place.node) == Kind::str;
    std::optional<PartKind> kind;
    KnownBy by = KnownBy::name;
    if (place.depth == 1 && place.of_layout && *place.of_layout != PartKind::other) {
      kind = place.of_layout;
      by = KnownBy::layout;
    } else if (place.depth <= 3 && !(place.depth == 1 && place.of_layout)) {
      kind = kind_by_name(place.key);
    }
    if (!kind || (!container && !(text && *kind == PartKind::hyper_parameters))) return;
    // What has parts of its own inside is looked into: a list of optimizers, a dict of schedulers.
    const bool inside_decides = *kind == PartKind::optimizer || *kind == PartKind::scheduler ||
                                *kind == PartKind::model || *kind == PartKind::ema || *kind == PartKind::scaler;
    if (inside_decides && tree::has_children(document_, place.node)) {
      fallback_.emplace_back(places_.size(), std::pair{*kind, by});
      return;
    }
    place.part = TrainingPart{.kind = *kind, .path = place.path, .what = text_for(place.node), .by = by};
  }

  std::string text_for(NodeId node) const {
    const Kind kind = document_.kind(node);
    if (kind == Kind::object) return document_.class_name(node);
    if (kind == Kind::str) return "text";
    if (!tree::has_children(document_, node)) return "empty";
    const std::size_t size = kind == Kind::dict ? document_.dict_record(node).count : document_.elements(node).size();
    return std::string(to_string(kind)) + " of " + std::to_string(size);
  }

  void add_children(std::size_t at) {
    const NodeId node = places_[at].node;
    std::vector<tree::Child> children;
    if (tree::is_sequence(document_.kind(node))) {
      const auto elements = document_.elements(node);
      for (std::size_t each = 0; each < std::min(elements.size(), kMostChildren); ++each)
        children.push_back(
            {.how = PathStep::How::index, .index = static_cast<std::int64_t>(each), .value = elements[each]});
    } else if (document_.kind(node) == Kind::dict) {
      if (document_.dict_record(node).count > kMostChildren) return;
      children = fields(document_, node);
    } else {
      tree::collect_children(document_, node, children);
      if (children.size() > kMostChildren) return;
    }
    const std::size_t first = open_.size();
    for (const tree::Child& child : children) add_child(at, child);
    if (is_history(node))
      for (std::size_t each = first; each + 1 < open_.size(); ++each) open_[each].past = true;
    std::reverse(open_.begin() + static_cast<std::ptrdiff_t>(first), open_.end());
  }

  bool is_history(NodeId node) const {
    return document_.kind(node) == Kind::list && std::ranges::all_of(document_.elements(node), [&](NodeId element) {
             return document_.kind(element) == Kind::dict;
           });
  }

  void add_child(std::size_t parent, const tree::Child& child) {
    const Place& above = places_[parent];
    Place place;
    place.node = child.value;
    place.parent = parent;
    place.depth = above.depth + 1;
    place.key = tree::step_text(document_, child);
    if (path_bytes_ >= kMostPathBytes) return;
    place.path = joined(above.path, place.key);
    path_bytes_ += place.key.size() + place.path.size();
    place.past = above.past;
    place.of_layout = above.depth == 0 ? found_.layout.kind_of(place.key) : above.of_layout;
    open_.push_back(std::move(place));
  }

  /// Parts are counted and given out in the order of the tree, and with them what holds tensors and is no part.
  void measure() {
    for (const auto& [at, named] : fallback_)
      if (!places_[at].part_below && !places_[at].part)
        places_[at].part = TrainingPart{
            .kind = named.first, .path = places_[at].path, .what = text_for(places_[at].node), .by = named.second};
    if (flat_root_) add_flat_model();
    Scanner scanner(document_);
    std::size_t hidden_until = 0;  // depth of a part: what is below it is in it
    bool hidden = false;
    for (Place& place : places_) {
      if (hidden && place.depth > hidden_until) continue;
      hidden = false;
      if (place.progress) found_.progress.push_back({place.path, place.node});
      const bool unknown = !place.part && !place.progress && !place.part_below && !place.progress_below &&
                           (is_container(document_, place.node) || is_tensor(document_, place.node) ||
                            document_.kind(place.node) == Kind::storage);
      if (!place.part && !place.progress && !unknown) continue;
      hidden = place.part.has_value() || unknown;
      hidden_until = place.depth;
      add_part(place, unknown, scanner);
    }
    found_.complete = found_.complete && scanner.complete();
  }

  void add_part(Place& place, bool unknown, Scanner& scanner) {
    if (found_.parts.size() >= kMostParts) {
      found_.complete = false;
      return;
    }
    const Extent extent = scanner.scan(place.node);
    if (unknown && extent.tensors == 0 && extent.bytes == 0) return;
    FoundPart found;
    found.node = place.node;
    found.cyclic = extent.cyclic;
    if (place.part) {
      found.part = std::move(*place.part);
    } else {
      found.part.path = place.path;
      found.part.what = unknown ? text_for_unknown(place.node) : "number";
      found.part.kind = unknown ? PartKind::other : PartKind::progress;
      found.part.by = place.of_layout == found.part.kind ? KnownBy::layout : KnownBy::name;
      if (unknown) found.part.by = KnownBy::structure;
    }
    if (found.part.kind == PartKind::data) note_progress_of(found);
    found.part.tensors = extent.tensors;
    found.part.bytes = extent.bytes;
    if (found.part.what == "state_dict" || found.part.what.starts_with("state_dict with"))
      found.part.what.insert(10,
                             " of " + std::to_string(extent.tensors) + (extent.tensors == 1 ? " tensor" : " tensors"));
    found_.parts.push_back(std::move(found));
  }

  /// Iterators over data know the epoch (fairseq's train_iterator).
  void note_progress_of(const FoundPart& data) {
    for (const tree::Child& child : fields(document_, data.node)) {
      const std::string name = tree::step_text(document_, child);
      if (is_progress_name(name) && is_number(document_, child.value))
        found_.progress.push_back({joined(data.part.path, name), child.value});
    }
  }

  std::string text_for_unknown(NodeId node) const {
    return is_container(document_, node) ? text_for(node) : std::string(to_string(document_.kind(node)));
  }

  /// Tensors by name in the root, with numbers beside them: the root is the model, the numbers are progress.
  void add_flat_model() {
    const bool tensors = std::ranges::any_of(places_, [&](const Place& place) {
      return place.depth == 1 && !place.part && !place.progress && is_tensor(document_, place.node);
    });
    if (!tensors || places_.front().part_below) return;
    places_.front().part = TrainingPart{.kind = PartKind::model, .what = "state_dict"};
    for (const Place& place : places_)
      if (place.progress && !is_tensor(document_, place.node)) found_.progress.push_back({place.path, place.node});
  }

  const Checkpoint::State& state_;
  const Document& document_;
  FoundParts found_;
  std::vector<bool> visited_;
  std::unordered_map<NodeId, std::optional<Recognised>> recognised_;
  std::size_t path_bytes_ = 0;
  std::vector<Place> places_;  // in the order of the tree
  std::vector<Place> open_;
  std::vector<std::pair<std::size_t, std::pair<PartKind, KnownBy>>> fallback_;  // parts by name if nothing is inside
  bool flat_root_ = false;
};

}  // namespace

FoundParts find_parts(const Checkpoint::State& state) { return Finder(state).run(); }

}  // namespace sconce::model::training
