// Modules across the bridge: what Python saved goes into C++'s modules, all or nothing, and back. The files of a Python
// are those of peer.py, in the folder SCONCE_PEER_FILES; tests/libtorch/run makes them, and lets Python look at what is
// written.
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sconce/libtorch/check_outputs.h>
#include <sconce/libtorch/load_into.h>
#include <sconce/libtorch/save.h>
#include <sconce/sconce.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "net.h"

namespace {

using sconce::Checkpoint;
using sconce::libtorch::load_into;
using sconce::libtorch::LoadIntoOptions;
using testing::HasSubstr;

class WithPeer : public testing::Test {
 protected:
  void SetUp() override {
    const char* const folder = std::getenv("SCONCE_PEER_FILES");
    if (folder == nullptr)
      GTEST_SKIP() << "SKIPPED: no files of a Python (tests/libtorch/run makes them, and gives SCONCE_PEER_FILES)";
    folder_ = folder;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }

  std::string folder_;
};

/// All tensors of a module, copied, to see whether anything changes.
std::vector<at::Tensor> copies(const torch::nn::Module& module) {
  std::vector<at::Tensor> copies;
  for (const auto& item : sconce::libtorch::tensors_of(module)) copies.push_back(item.tensor.detach().clone());
  return copies;
}

bool same(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t at = 0; at < a.size(); ++at)
    if (a[at].scalar_type() != b[at].scalar_type() || !at::equal(a[at], b[at])) return false;
  return true;
}

void expect_equal(const torch::nn::Module& module, const sconce::StateDict& wanted) {
  std::size_t found = 0;
  for (const auto& item : sconce::libtorch::tensors_of(module)) {
    EXPECT_TRUE(at::equal(item.tensor, sconce::libtorch::to_tensor(wanted[item.name]))) << item.name;
    ++found;
  }
  EXPECT_EQ(found, wanted.size());
}

/// The Error of a load that must not change anything.
template <typename Load>
std::string refused(const torch::nn::Module& module, const Load& load) {
  const auto before = copies(module);
  std::string what = "no error";
  try {
    load();
  } catch (const sconce::Error& error) {
    what = error.what();
  }
  EXPECT_TRUE(same(before, copies(module))) << "something was changed: " << what;
  return what;
}

TEST_F(WithPeer, AStateDictOfPythonGivesPythonsOutputs) {
  Net net;
  load_into(net, path("net.pt"));
  net->eval();
  const Checkpoint recorded = sconce::load(path("prediction.pt"));
  const torch::NoGradGuard no_grad;
  const at::Tensor output = net->forward(sconce::libtorch::to_tensor(recorded.tensor("input")));
  EXPECT_TRUE(at::equal(output, sconce::libtorch::to_tensor(recorded.tensor("output"))));
  EXPECT_EQ(net->named_buffers()["features.1.num_batches_tracked"].item<std::int64_t>(), 1);
  sconce::libtorch::save(net, path("cpp_net.pt"));  // Python looks at it
}

TEST_F(WithPeer, AModelInsideACheckpointAndAWholeModuleAreFound) {
  const sconce::StateDict wanted = sconce::load(path("net.pt")).state_dict();
  for (const char* const name : {"checkpoint.pt", "whole.pt"}) {
    Net net;
    load_into(net, path(name));
    expect_equal(*net, wanted);
  }
}

TEST_F(WithPeer, APrefixIsProposedAndTakenOffOnRequest) {
  Net net;
  const std::string what = refused(*net, [&] { load_into(net, path("data_parallel.pt")); });
  EXPECT_THAT(what, HasSubstr("module."));
  LoadIntoOptions options;
  options.match.auto_prefix = true;
  load_into(net, path("data_parallel.pt"), options);
  expect_equal(*net, sconce::load(path("net.pt")).state_dict());
}

TEST_F(WithPeer, NamesOfAFlatModelAreMapped) {
  Net net;
  LoadIntoOptions options;
  options.names = {{"features.0", "conv1"},
                   {"features.1", "bn1"},
                   {"features.3", "conv2"},
                   {"features.4", "bn2"},
                   {"head", "classifier"}};
  load_into(net, path("flat.pt"), options);
  expect_equal(*net, sconce::load(path("net.pt")).state_dict());
}

TEST_F(WithPeer, HalvesAreCastOrTakenOver) {
  Net net;
  load_into(net, path("half.pt"));
  EXPECT_EQ(net->head->weight.scalar_type(), at::kFloat);
  EXPECT_TRUE(
      at::equal(net->head->weight,
                sconce::libtorch::to_tensor(sconce::load(path("half.pt")).tensor({"head.weight"})).to(at::kFloat)));
  LoadIntoOptions options;
  options.match.assign = true;
  const auto* const before = net->head->weight.unsafeGetTensorImpl();
  load_into(net, path("half.pt"), options);
  EXPECT_EQ(net->head->weight.scalar_type(), at::kHalf);
  EXPECT_EQ(net->head->weight.unsafeGetTensorImpl(), before) << "an optimizer would lose its parameter";
  EXPECT_TRUE(net->head->weight.requires_grad());
  options.match.assign = false;
  options.match.cast = false;
  Net fresh;
  EXPECT_THAT(refused(*fresh, [&] { load_into(fresh, path("half.pt"), options); }), HasSubstr("float16"));
}

TEST_F(WithPeer, AnotherHeadChangesNothingOrIsSkipped) {
  Net net;
  EXPECT_THAT(refused(*net, [&] { load_into(net, path("other_head.pt")); }), HasSubstr("head.weight"));
  LoadIntoOptions options;
  options.match.skip_mismatched = true;
  const at::Tensor head = net->head->weight.detach().clone(), bias = net->head->bias.detach().clone();
  load_into(net, path("other_head.pt"), options);
  EXPECT_TRUE(at::equal(net->head->weight, head));
  EXPECT_TRUE(at::equal(net->head->bias, bias)) << "a bias of one element was spread over ten";
  EXPECT_TRUE(at::equal(net->named_parameters()["features.0.weight"],
                        sconce::libtorch::to_tensor(sconce::load(path("net.pt")).tensor({"features.0.weight"}))));
}

TEST_F(WithPeer, MissingAndUnexpectedNamesChangeNothing) {
  Checkpoint fewer;
  for (const auto& [name, tensor] : sconce::load(path("net.pt")).state_dict())
    if (name != "head.bias") fewer[name] = tensor;
  Net net;
  EXPECT_THAT(refused(*net, [&] { load_into(net, fewer); }), HasSubstr("head.bias"));
  fewer["head.bais"] = sconce::Tensor::from(std::vector<float>(10), {10});
  EXPECT_THAT(refused(*net, [&] { load_into(net, fewer); }), HasSubstr("head.bias"));
  LoadIntoOptions options;
  options.match.strict = false;
  load_into(net, fewer, options);
}

TEST_F(WithPeer, AWrongChecksumChangesNothing) {
  Net made;
  const std::string file = path("damaged.pt");
  sconce::libtorch::save(made, file, [] {
    sconce::SaveOptions options;
    options.overwrite = true;
    return options;
  }());
  const std::uint64_t at = *sconce::load(file).tensor({"head.weight"}).storage().file_offset();
  std::FILE* const stream = std::fopen(file.c_str(), "r+b");
  ASSERT_NE(stream, nullptr);
  std::fseek(stream, static_cast<long>(at) + 5, SEEK_SET);
  std::fputc(0x5a, stream);
  std::fclose(stream);
  Net net;
  EXPECT_THAT(refused(*net, [&] { load_into(net, file); }), HasSubstr("checksum"));
}

TEST_F(WithPeer, TiedWeightsStayTied) {
  Tied tied;
  load_into(tied, path("tied.pt"));
  EXPECT_TRUE(tied->encoder->weight.is_alias_of(tied->decoder->weight));
  EXPECT_TRUE(at::equal(tied->encoder->weight,
                        sconce::libtorch::to_tensor(sconce::load(path("tied.pt")).tensor({"decoder.weight"}))));
  sconce::libtorch::save(tied, path("cpp_tied.pt"));
  // Two values for one tensor: which would it be?
  Checkpoint two;
  two["encoder.weight"] = sconce::Tensor::from(std::vector<float>(35, 1), {7, 5});
  two["decoder.weight"] = sconce::Tensor::from(std::vector<float>(35, 2), {7, 5});
  EXPECT_THAT(refused(*tied, [&] { load_into(tied, two); }), HasSubstr("encoder.weight"));
}

TEST_F(WithPeer, RecurrentLayersAndAttentionHavePythonsNames) {
  Recurrent net;
  load_into(net, path("recurrent.pt"));
  expect_equal(*net, sconce::load(path("recurrent.pt")).state_dict());
  sconce::libtorch::save(net, path("cpp_recurrent.pt"));
}

TEST_F(WithPeer, EveryDtypeAndLayoutGoesThrough) {
  const Checkpoint given = sconce::load(path("tensors.pt"));
  sconce::libtorch::TensorMaker make;
  sconce::libtorch::TensorReader read;
  std::vector<sconce::Literal::Entry> entries;
  for (const auto& [name, tensor] : given.state_dict()) entries.emplace_back(name, read(make(tensor)));
  Checkpoint made;
  made.set_root(sconce::Literal::ordered_dict(std::move(entries)));
  sconce::SaveOptions options;
  options.overwrite = true;
  sconce::save(made, path("cpp_tensors.pt"), options);
}

TEST(StateDict, HasPythonsOrderAndMetadata) {
  Net net;
  const sconce::Value state = sconce::libtorch::state_dict(net);
  std::vector<std::string> names;
  for (const auto& [key, value] : state.items()) names.emplace_back(key.as_str());
  EXPECT_THAT(names, testing::ElementsAre("features.0.weight", "features.0.bias", "features.1.weight",
                                          "features.1.bias", "features.1.running_mean", "features.1.running_var",
                                          "features.1.num_batches_tracked", "features.3.weight", "features.4.weight",
                                          "features.4.bias", "features.4.running_mean", "features.4.running_var",
                                          "features.4.num_batches_tracked", "head.weight", "head.bias"));
  EXPECT_EQ(state.dict_flavor(), sconce::DictFlavor::ordered_dict);
  const sconce::Value metadata = *state.attribute("_metadata");
  EXPECT_EQ(metadata["features.1"]["version"].as_int(), 2);
  EXPECT_EQ(metadata["head"]["version"].as_int(), 1);
}

TEST(StateDict, IsCalledAsPythonCallsItByANameMap) {
  const sconce::libtorch::NameMap names = {{"features.0", "conv1"}, {"features.1", "bn1"}, {"head", "classifier.fc"}};
  Net net, other;
  Checkpoint made;
  made.set_root(sconce::libtorch::state_dict(net, names));
  EXPECT_TRUE(made.root().contains("conv1.weight"));
  EXPECT_TRUE(made.root().contains("bn1.running_mean"));
  EXPECT_TRUE(made.root().contains("classifier.fc.bias"));
  EXPECT_TRUE(made.root().contains("features.3.weight"));
  EXPECT_EQ((*made.root().attribute("_metadata"))["bn1"]["version"].as_int(), 2);
  LoadIntoOptions options;
  options.names = names;
  load_into(other, made, options);
  EXPECT_TRUE(same(copies(*net), copies(*other)));
  EXPECT_THROW(static_cast<void>(sconce::libtorch::state_dict(net, {{"features.0", "head"}})), sconce::Error)
      << "two tensors would have one name";
}

TEST(LoadInto, MemoryOfAnyShapeIsFilledAndStaysWhereItIs) {
  /// A turned weight, and two parameters that are halves of one tensor and overlap in the middle.
  struct Views : torch::nn::Module {
    Views() {
      turned = register_parameter("turned", torch::zeros({3, 2}).t());
      const at::Tensor all = torch::zeros({6});
      first = register_parameter("first", all.narrow(0, 0, 4));
      last = register_parameter("last", all.narrow(0, 2, 4));
      frozen = register_parameter("frozen", torch::zeros({2}), /*requires_grad=*/false);
    }
    at::Tensor turned, first, last, frozen;
  } views;
  Checkpoint made;
  made["turned"] = sconce::Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3});
  made["first"] = sconce::Tensor::from(std::vector<float>{1, 2, 3, 4}, {4});
  made["last"] = sconce::Tensor::from(std::vector<float>{3, 4, 5, 6}, {4});
  made["frozen"] = sconce::Tensor::from(std::vector<double>{7, 8}, {2});
  const void* const before = views.turned.data_ptr();
  const auto version = views.frozen._version();
  load_into(views, made);
  EXPECT_EQ(views.turned.data_ptr(), before);
  EXPECT_EQ(views.turned[1][0].item<float>(), 4);
  EXPECT_TRUE(at::equal(views.first, torch::tensor({1.f, 2.f, 3.f, 4.f})));
  EXPECT_TRUE(at::equal(views.last, torch::tensor({3.f, 4.f, 5.f, 6.f})));
  EXPECT_TRUE(at::equal(views.frozen, torch::tensor({7.f, 8.f})));
  EXPECT_FALSE(views.frozen.requires_grad());
  EXPECT_TRUE(views.first.requires_grad());
  EXPECT_GT(views.frozen._version(), version) << "autograd would not see the change";
}

TEST(ToTensor, WhatIsWrittenToAMappedTensorStaysOutOfTheFile) {
  const std::string file = testing::TempDir() + "/sconce_mapped_tensor.pt";
  Checkpoint made;
  made["w"] = sconce::Tensor::from(std::vector<float>(1000, 1), {1000});
  sconce::SaveOptions options;
  options.overwrite = true;
  sconce::save(made, file, options);
  {
    at::Tensor tensor;
    {
      const Checkpoint run = sconce::load(file);
      tensor = sconce::libtorch::to_tensor(run.tensor("w"));
    }  // the tensor keeps the mapping
    tensor.fill_(5);
    EXPECT_EQ(tensor.sum().item<float>(), 5000);
  }
  EXPECT_EQ(sconce::load(file).tensor("w").to_vector<float>(), std::vector<float>(1000, 1));
  std::remove(file.c_str());
}

}  // namespace
