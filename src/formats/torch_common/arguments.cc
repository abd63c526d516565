#include "formats/torch_common/arguments.h"

namespace sconce::formats::torch_common {

void wrong_argument(std::string_view call, std::string_view what) {
  fail(ErrorCode::damaged, std::string(call) + ": " + std::string(what), {},
       "PyTorch would refuse this file, too; fetch it again or save it again");
}

void Arguments::wrong(std::size_t at, std::string_view expected) const {
  std::string what = "argument " + std::to_string(at) + " must be " + std::string(expected);
  if (at < nodes_.size()) what += ", not a " + std::string(to_string(document_.kind(nodes_[at])));
  wrong_argument(call_, what);
}

void Arguments::expect_count(std::size_t least, std::size_t most) const {
  if (nodes_.size() >= least && nodes_.size() <= most) return;
  std::string wanted = std::to_string(least);
  if (most != least) wanted += " to " + std::to_string(most);
  wrong_argument(call_, wanted + " arguments expected, not " + std::to_string(nodes_.size()));
}

std::uint32_t Arguments::storage(std::size_t at) const {
  if (kind(at) != Kind::storage) wrong(at, "a storage");
  return document_.storage_number(nodes_[at]);
}

std::int64_t Arguments::integer(std::size_t at) const {
  if (kind(at) != Kind::integer) wrong(at, "an integer");
  if (document_.is_big(nodes_[at])) wrong(at, "an integer of at most 64 bits");
  return document_.integer_value(nodes_[at]);
}

bool Arguments::boolean(std::size_t at) const {
  if (kind(at) == Kind::integer && !document_.is_big(nodes_[at])) return document_.integer_value(nodes_[at]) != 0;
  if (kind(at) != Kind::boolean) wrong(at, "a bool");
  return document_.boolean_value(nodes_[at]);
}

double Arguments::number(std::size_t at) const {
  if (kind(at) == Kind::floating) return document_.floating_value(nodes_[at]);
  return static_cast<double>(integer(at));
}

std::string_view Arguments::text(std::size_t at) const {
  if (kind(at) != Kind::str) wrong(at, "a string");
  return document_.text(nodes_[at]);
}

std::vector<std::int64_t> Arguments::integers(std::size_t at) const {
  if (kind(at) != Kind::tuple && kind(at) != Kind::size && kind(at) != Kind::list) wrong(at, "a tuple of integers");
  std::vector<std::int64_t> values;
  const auto elements = document_.elements(nodes_[at]);
  // A shape or stride of more than 64 numbers is refused later; never copy a list of millions.
  for (const NodeId id : elements.first(std::min<std::size_t>(elements.size(), 65))) {
    if (document_.kind(id) != Kind::integer || document_.is_big(id)) wrong(at, "a tuple of 64-bit integers");
    values.push_back(document_.integer_value(id));
  }
  return values;
}

DType Arguments::dtype(std::size_t at) const {
  if (kind(at) == Kind::dtype)
    if (const auto found = dtype_from_string(document_.text(nodes_[at]))) return *found;
  wrong(at, "a dtype that tensors can have");
}

NodeId Arguments::tensor(std::size_t at) const {
  if (kind(at) != Kind::tensor) wrong(at, "a tensor");
  return nodes_[at];
}

Arguments Arguments::tuple(std::size_t at) const {
  if (kind(at) != Kind::tuple && kind(at) != Kind::list) wrong(at, "a tuple");
  return {document_, call_, document_.elements(nodes_[at])};
}

}  // namespace sconce::formats::torch_common
