#include "model/diff_attributes.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "tensor/numbers.h"

namespace sconce::model {

namespace {

std::string list_text(std::span<const std::int64_t> numbers) {
  std::string text = "[";
  for (std::size_t at = 0; at < numbers.size(); ++at) text += (at == 0 ? "" : ", ") + std::to_string(numbers[at]);
  return text + "]";
}

std::string text(bool value) { return value ? "true" : "false"; }

std::string quantisation(const Tensor& tensor) {
  switch (tensor.qscheme()) {
    case QScheme::none: return "none";
    case QScheme::per_tensor_affine:
      return "scale " + python_float(tensor.q_scale()) + ", zero point " + std::to_string(tensor.q_zero_point());
    case QScheme::per_channel_affine: return "per channel, axis " + std::to_string(tensor.q_axis());
  }
  return "none";
}

/// Compares texts, one attribute after another.
class Attributes {
 public:
  Attributes(const std::string& name, std::vector<TensorDifference>& found) : name_(name), found_(found) {}
  void add(std::string_view what, std::string a, std::string b) {
    if (a == b) return;
    TensorDifference difference;
    difference.name = name_;
    difference.what = std::string(what);
    difference.a = std::move(a);
    difference.b = std::move(b);
    found_.push_back(std::move(difference));
  }

 private:
  const std::string& name_;
  std::vector<TensorDifference>& found_;
};

}  // namespace

void diff_attributes(const std::string& name, const Tensor& a, const Tensor& b, bool strict,
                     std::vector<TensorDifference>& found) {
  Attributes attributes(name, found);
  attributes.add("layout", std::string(to_string(a.layout())), std::string(to_string(b.layout())));
  attributes.add("dtype", std::string(to_string(a.dtype())), std::string(to_string(b.dtype())));
  attributes.add("shape", list_text(a.shape()), list_text(b.shape()));
  attributes.add("quantisation", quantisation(a), quantisation(b));
  attributes.add("elements", a.is_meta() ? "none (meta)" : "some", b.is_meta() ? "none (meta)" : "some");
  if (!strict) return;
  attributes.add("device", a.device(), b.device());
  attributes.add("strides", list_text(a.strides()), list_text(b.strides()));
  attributes.add("storage_offset", std::to_string(a.storage_offset()), std::to_string(b.storage_offset()));
  attributes.add("requires_grad", text(a.requires_grad()), text(b.requires_grad()));
  attributes.add("parameter", text(a.is_parameter()), text(b.is_parameter()));
  attributes.add("numpy", text(a.is_numpy()), text(b.is_numpy()));
  attributes.add("conj", text(a.is_conj()), text(b.is_conj()));
  attributes.add("neg", text(a.is_neg()), text(b.is_neg()));
  attributes.add("coalesced", text(a.is_coalesced()), text(b.is_coalesced()));
}

bool comparable_elements(const Tensor& a, const Tensor& b) {
  return a.has_storage() && b.has_storage() && std::ranges::equal(a.shape(), b.shape()) &&
         tensor::numbers_per_element(a.dtype()) == tensor::numbers_per_element(b.dtype()) &&
         info(a.dtype()).is_complex == info(b.dtype()).is_complex;
}

}  // namespace sconce::model
