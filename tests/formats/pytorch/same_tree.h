// Whether two trees are the same to a program that holds them: kinds, flavours, order, identity, sharing, bytes.
#pragma once

#include <cstring>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tensor/elements.h"
#include "tree/document.h"
#include "tree/repr.h"

namespace sconce::formats::pytorch::testing {

/// Compares nodes of two documents in lockstep; keeps what was found equal, so that identity counts.
class TreeComparer {
 public:
  TreeComparer(const tree::Document& a, const tree::Document& b) : a_(a), b_(b) {}

  /// What differs first, or nothing.
  std::string difference(tree::NodeId a, tree::NodeId b) {
    waiting_.push_back({a, b});
    while (!waiting_.empty()) {
      const auto [one, other] = waiting_.back();
      waiting_.pop_back();
      if (std::string text = compare(one, other); !text.empty()) return text;
    }
    return {};
  }

 private:
  using NodeId = tree::NodeId;

  static bool has_identity(Kind kind) {
    switch (kind) {
      case Kind::list:
      case Kind::dict:
      case Kind::set:
      case Kind::bytearray:
      case Kind::tensor:
      case Kind::object: return true;
      default: return false;
    }
  }

  void wait(NodeId a, NodeId b) { waiting_.push_back({a, b}); }

  std::string compare(NodeId a, NodeId b) {
    if (a == tree::kNoNode || b == tree::kNoNode) return a == b ? "" : "something is missing";
    const Kind kind = a_.kind(a);
    if (kind != b_.kind(b)) return std::string(to_string(kind)) + " became " + std::string(to_string(b_.kind(b)));
    if (has_identity(kind)) {
      const auto [known, added] = partner_.try_emplace(a, b);
      if (known->second != b) return "a shared " + std::string(to_string(kind)) + " became two";
      if (!added) return {};
      if (!partner_back_.try_emplace(b, a).second) return "two " + std::string(to_string(kind)) + "s became one";
    }
    switch (kind) {
      case Kind::list:
      case Kind::tuple:
      case Kind::size:
      case Kind::slice:
      case Kind::range: return elements(a_.elements(a), b_.elements(b));
      case Kind::dict:
      case Kind::set:
      case Kind::frozenset: return dicts(a_.dict_record(a), b_.dict_record(b));
      case Kind::object: return objects(a_.object_record(a), b_.object_record(b));
      case Kind::tensor: return tensors(a, b);
      case Kind::storage: return storages(a_.storage_number(a), b_.storage_number(b));
      case Kind::global: return a_.global_record(a).canonical == b_.global_record(b).canonical ? "" : "another class";
      case Kind::str:
        return a_.text(a) == b_.text(b) && a_.str_kind(a) == b_.str_kind(b) ? "" : "text " + std::string(a_.text(a));
      case Kind::floating: {
        const double one = a_.floating_value(a);
        const double other = b_.floating_value(b);
        return std::memcmp(&one, &other, sizeof one) == 0 ? "" : "another float";
      }
      case Kind::bytes:
      case Kind::bytearray: return a_.text(a) == b_.text(b) ? "" : "other bytes";
      default: return tree::leaf_text(a_, a) == tree::leaf_text(b_, b) ? "" : "value " + tree::leaf_text(a_, a);
    }
  }

  std::string elements(std::span<const NodeId> a, std::span<const NodeId> b) {
    if (a.size() != b.size()) return "another length";
    for (std::size_t at = 0; at < a.size(); ++at) wait(a[at], b[at]);
    return {};
  }

  std::string dicts(const tree::DictRecord& a, const tree::DictRecord& b) {
    if (a.flavor != b.flavor) return "another kind of dict";
    wait(a.factory, b.factory);
    const bool attributes = a.attributes != tree::kNoNode && a_.dict_record(a.attributes).count != 0;
    if (attributes) wait(a.attributes, b.attributes);
    return elements({a.pairs, std::size_t{2} * a.count}, {b.pairs, std::size_t{2} * b.count});
  }

  std::string objects(const tree::ObjectRecord& a, const tree::ObjectRecord& b) {
    if (a.how != b.how || a.step_count != b.step_count) return "an object was made in another way";
    wait(a.callable, b.callable);
    wait(a.args, b.args);
    wait(a.kwargs, b.kwargs);
    for (std::uint32_t at = 0; at < a.step_count; ++at) {
      if (a.steps[at].event != b.steps[at].event) return "another event of an object";
      wait(a.steps[at].value, b.steps[at].value);
    }
    return {};
  }

  std::string storages(std::uint32_t a, std::uint32_t b) {
    const auto [known, added] = storage_.try_emplace(a, b);
    if (known->second != b) return "a shared storage became two";
    if (!added) return {};
    if (!storage_back_.try_emplace(b, a).second) return "two storages became one";
    return a_.storage_at(a).nbytes() == b_.storage_at(b).nbytes() ? "" : "a storage of another size";
  }

  std::string tensors(NodeId a, NodeId b) {
    const tree::TensorRecord& one = a_.tensor_record(a);
    const tree::TensorRecord& other = b_.tensor_record(b);
    if (one.dtype != other.dtype || one.layout != other.layout || !std::ranges::equal(one.shape(), other.shape()) ||
        a_.strides(one) != b_.strides(other) || one.offset != other.offset)
      return "another dtype, shape, strides or offset";
    if (one.requires_grad != other.requires_grad || one.parameter != other.parameter || one.conj != other.conj ||
        one.neg != other.neg || one.numpy != other.numpy || one.fortran != other.fortran || one.meta != other.meta)
      return "another attribute of a tensor";
    if (one.has_storage() != other.has_storage()) return "a tensor lost its storage";
    if (one.has_storage() && !one.numpy)
      if (std::string text = storages(one.storage, other.storage); !text.empty()) return text;
    if (one.has_storage() && a_.tensor_handle(a).sha256() != b_.tensor_handle(b).sha256()) return "other elements";
    return extras(one.extra, other.extra);
  }

  std::string extras(const tree::TensorExtra* a, const tree::TensorExtra* b) {
    const tree::TensorExtra none;
    if (a == nullptr) a = &none;
    if (b == nullptr) b = &none;
    if (a->qscheme != b->qscheme || a->scale != b->scale || a->zero_point != b->zero_point || a->axis != b->axis ||
        a->coalesced != b->coalesced || a->has_coalesced != b->has_coalesced || a->part_count != b->part_count)
      return "another quantiser or other parts";
    for (std::uint32_t at = 0; at < a->part_count; ++at) {
      if (a->parts[at].name != b->parts[at].name) return "another part";
      wait(a->parts[at].tensor, b->parts[at].tensor);
    }
    wait(a->type, b->type);
    wait(a->state, b->state);
    wait(a->subclass_args, b->subclass_args);
    return {};
  }

  const tree::Document& a_;
  const tree::Document& b_;
  std::vector<std::pair<NodeId, NodeId>> waiting_;
  std::unordered_map<NodeId, NodeId> partner_, partner_back_;
  std::unordered_map<std::uint32_t, std::uint32_t> storage_, storage_back_;
};

}  // namespace sconce::formats::pytorch::testing
