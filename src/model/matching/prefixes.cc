#include "model/matching/prefixes.h"

#include <utility>

#include "base/fail.h"

namespace sconce::model::matching {

namespace {

/// Takes `components` ("module.") out wherever they stand as whole components and something follows.
std::optional<std::string> without(std::string_view name, std::string_view components) {
  std::string rest;
  bool changed = false;
  for (std::size_t at = 0; at < name.size();) {
    const bool at_component = at == 0 || name[at - 1] == '.';
    if (at_component && name.substr(at).starts_with(components) && at + components.size() < name.size()) {
      at += components.size();
      changed = true;
    } else {
      const std::size_t dot = name.find('.', at);
      const std::size_t end = dot == std::string_view::npos ? name.size() : dot + 1;
      rest += name.substr(at, end - at);
      at = end;
    }
  }
  return changed ? std::optional(std::move(rest)) : std::nullopt;
}

}  // namespace

std::optional<std::string> PrefixChange::apply(std::string_view name) const {
  if (anywhere) return without(name, from);
  if (!name.starts_with(from) || (name.size() == from.size() && to.empty())) return std::nullopt;
  std::string_view rest = name.substr(from.size());
  // "module" means "module.", too: no name of PyTorch begins with a dot.
  if (to.empty() && rest.size() > 1 && rest.front() == '.') rest.remove_prefix(1);
  std::string changed = to;
  changed += rest;
  return changed;
}

PrefixChange prefix_change(std::string_view text) {
  PrefixChange change;
  change.text = std::string(text);
  std::string_view from = text;
  if (const std::size_t equals = text.find('='); equals != std::string_view::npos) {
    from = text.substr(0, equals);
    change.to = std::string(text.substr(equals + 1));
  }
  if (from.starts_with("*.")) {
    change.anywhere = true;
    from.remove_prefix(2);
  }
  change.from = std::string(from);
  if (change.from == change.to)
    fail(ErrorCode::invalid_argument, "the prefix \"" + change.text + "\" changes nothing", {},
         "write \"module.\", \"*.module.\", \"old.=new.\" or \"=new.\"");
  if (change.anywhere && (!change.to.empty() || !change.from.ends_with('.') || change.from.size() < 2))
    fail(ErrorCode::invalid_argument,
         "\"" + change.text + "\" has to be whole components with a dot at the end, and nothing in their place", {},
         "write \"*.module.\"");
  return change;
}

std::vector<PrefixChange> prefix_changes(std::span<const std::string> texts) {
  std::vector<PrefixChange> changes;
  for (const std::string& text : texts) changes.push_back(prefix_change(text));
  return changes;
}

std::string apply_prefix_changes(std::span<const PrefixChange> changes, std::string name,
                                 std::vector<std::size_t>* used) {
  std::vector<bool> done(changes.size(), false);
  const auto round = [&](bool adding) {
    bool changed = false;
    for (std::size_t at = 0; at < changes.size(); ++at) {
      if (done[at] || changes[at].from.empty() != adding) continue;
      std::optional<std::string> other = changes[at].apply(name);
      if (!other) continue;
      name = *std::move(other);
      done[at] = changed = true;
      if (used != nullptr) used->push_back(at);
    }
    return changed;
  };
  while (round(false)) {
  }
  while (round(true)) {
  }
  return name;
}

}  // namespace sconce::model::matching
