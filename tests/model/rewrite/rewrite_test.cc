// Checkpoints for another PyTorch. That the real versions open what is written is proven by tests/torch/rewrite.
#include <sconce/rewrite.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/model_builder.h"

namespace sconce {
namespace {

using test::checkpoint;
using test::error_of;
using test::fixture;
using test::is_error;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

RewriteOptions options_for(int major, int minor, bool weights_only = false) {
  RewriteOptions options;
  options.version = {major, minor};
  options.weights_only = weights_only;
  return options;
}

Checkpoint real_file(const std::string& name) { return load(fixture("torch-2.13/" + name + ".zip.pt")); }

RewriteReport rewritten(Checkpoint& checkpoint, const RewriteOptions& options) {
  SaveOptions save;
  return rewrite_for(checkpoint, options, save);
}

std::vector<float> floats_of(const Tensor& tensor) {
  std::vector<float> numbers(tensor.numel() * (info(tensor.dtype()).is_complex ? 2 : 1));
  tensor.copy_to(std::as_writable_bytes(std::span(numbers)));
  return numbers;
}

// -------------------------------------------------------------------------------------------------------- containers

TEST(Rewrite, ReleasesBefore1_6GetAStream) {
  Checkpoint model = checkpoint({{"w", test::floats({1, 2})}});
  SaveOptions save;
  const RewriteReport report = rewrite_for(model, options_for(1, 5), save);
  EXPECT_EQ(save.format, "pytorch-legacy");
  EXPECT_THAT(report.changed, Contains(HasSubstr("stream")));
}

TEST(Rewrite, WhatOpensAnywayIsNotTouched) {
  Checkpoint model = real_file("state_dict");
  SaveOptions save;
  const RewriteReport report = rewrite_for(model, options_for(1, 7), save);
  EXPECT_THAT(report.changed, IsEmpty());
  EXPECT_THAT(report.dropped, IsEmpty());
  EXPECT_EQ(save.format, "");
  EXPECT_FALSE(save.old_sparse_csr);
}

TEST(Rewrite, VersionsThatCannotBeMeantAreRefused) {
  Checkpoint model = checkpoint({{"w", test::floats({1})}});
  EXPECT_THAT(error_of([&] { (void)rewritten(model, options_for(0, 3)); }),
              is_error(ErrorCode::invalid_argument, "PyTorch 0.3 is older"));
  EXPECT_THAT(error_of([&] { (void)rewritten(model, options_for(1, 12, true)); }),
              is_error(ErrorCode::invalid_argument, "PyTorch 1.12 has no weights_only"));
}

// ----------------------------------------------------------------------------------------------------- rebuild forms

TEST(Rewrite, ConjugatedAndNegatedViewsBecomeTensorsWithTheSameNumbers) {
  Checkpoint model = real_file("conj_and_neg");
  std::vector<std::vector<float>> before;
  for (const char* name : {"conj", "neg", "conj_t"}) before.push_back(floats_of(model.tensor(name)));
  const RewriteReport report = rewritten(model, options_for(1, 13));
  std::size_t at = 0;
  for (const char* name : {"conj", "neg", "conj_t"}) {
    const Tensor tensor = model.tensor(name);
    EXPECT_FALSE(tensor.is_conj()) << name;
    EXPECT_FALSE(tensor.is_neg()) << name;
    EXPECT_EQ(floats_of(tensor), before[at++]) << name;
  }
  EXPECT_THAT(report.changed, Contains(AllOf(StartsWith("a conjugated view"), HasSubstr("conj, conj_t, double"))));
}

TEST(Rewrite, AttributesOfTensorsThatAReleaseForgetsAreNamed) {
  Checkpoint model = real_file("attributes");
  const RewriteReport report = rewritten(model, options_for(1, 13));
  EXPECT_THAT(report.dropped, Contains("attribute label of a tensor: parameter"));
  EXPECT_THAT(report.dropped, Contains("attribute note of a tensor: tensor"));
  Checkpoint newer = real_file("attributes");
  EXPECT_THAT(rewritten(newer, options_for(2, 0)).dropped, IsEmpty());
}

TEST(Rewrite, CsrHasTheFormOfItsRelease) {
  Checkpoint model = real_file("sparse_csr");
  SaveOptions save;
  (void)rewrite_for(model, options_for(1, 12), save);
  EXPECT_TRUE(save.old_sparse_csr);
  Checkpoint older = real_file("sparse_csr");
  EXPECT_THAT(error_of([&] { (void)rewritten(older, options_for(1, 10)); }),
              is_error(ErrorCode::unsupported, "a sparse_csr tensor, which PyTorch 1.10 does not open: csr"));
}

TEST(Rewrite, TensorsOfSeveralDTypesOverOneStorageGetAStorageForEach) {
  const Tensor whole = test::vector_of<std::int32_t>({1, 2, 3, 4});
  const std::int64_t shape[] = {3};
  const std::int64_t strides[] = {1};
  const Tensor halves = Tensor::over(whole.storage(), DType::int16, shape, strides, 1);
  Checkpoint model = checkpoint({{"whole", whole}, {"halves", halves}, {"again", whole}});
  const RewriteReport report = rewritten(model, options_for(1, 7));
  EXPECT_FALSE(model.tensor("whole").storage().is(model.tensor("halves").storage()));
  EXPECT_TRUE(model.tensor("whole").storage().is(model.tensor("again").storage()));
  EXPECT_EQ(model.tensor("halves").to_vector<std::int16_t>(), (std::vector<std::int16_t>{0, 2, 0}));
  EXPECT_THAT(report.changed, Contains(HasSubstr("a storage for each dtype: whole, halves, again")));
}

// ------------------------------------------------------------------------------------------------------------ dtypes

TEST(Rewrite, DTypesThatAReleaseLacksNeedACast) {
  Checkpoint model = checkpoint({{"small", test::vector_of<std::uint16_t>({1, 65535})},
                                 {"plain", test::floats({1})},
                                 {"wide", test::vector_of<std::uint32_t>({4294967295U})}});
  const Error error = error_of([&] { (void)rewritten(model, options_for(1, 7)); });
  EXPECT_THAT(error, is_error(ErrorCode::unsupported,
                              "a tensor of uint16, which PyTorch 1.7 does not have (a cast to int32 would hold its "
                              "numbers): small; a tensor of uint32"));
  EXPECT_THAT(error.advice(), HasSubstr("--cast"));
}

TEST(Rewrite, ACastGoesToTheNearestDTypeThatHoldsTheNumbers) {
  Checkpoint model = checkpoint({{"small", test::vector_of<std::uint16_t>({1, 65535})},
                                 {"wide", test::vector_of<std::uint32_t>({4294967295U})},
                                 {"widest", test::vector_of<std::uint64_t>({std::uint64_t{1} << 62})}});
  RewriteOptions options = options_for(1, 7);
  options.cast = true;
  const RewriteReport report = rewritten(model, options);
  EXPECT_EQ(model.tensor("small").to_vector<std::int32_t>(), (std::vector<std::int32_t>{1, 65535}));
  EXPECT_EQ(model.tensor("wide").to_vector<std::int64_t>(), (std::vector<std::int64_t>{4294967295}));
  EXPECT_EQ(model.tensor("widest").to_vector<std::int64_t>(), (std::vector<std::int64_t>{std::int64_t{1} << 62}));
  EXPECT_THAT(report.changed, Contains("uint16 becomes int32: small"));
}

TEST(Rewrite, NumbersThatNoOtherDTypeHoldsAreRefused) {
  Checkpoint model = checkpoint({{"widest", test::vector_of<std::uint64_t>({1, UINT64_MAX})}});
  RewriteOptions options = options_for(1, 7);
  options.cast = true;
  EXPECT_THAT(error_of([&] { (void)rewritten(model, options); }),
              is_error(ErrorCode::unsupported, "it has numbers from 2^63 on"));
}

// ------------------------------------------------------------------------------------------------------ weights_only

TEST(Rewrite, NumPysArraysAndScalarsBecomeTensorsAndNumbers) {
  Checkpoint model = load(fixture("torch-2.13/collections_values.zip.pt"));
  EXPECT_THAT(error_of([&] { (void)rewritten(model, options_for(2, 6, true)); }),
              is_error(ErrorCode::unsupported, "an object of class lab_classes.Point"));
  Checkpoint plain = load(fixture("torch-2.13/collections_values.zip.pt"));
  RewriteOptions options = options_for(2, 6, true);
  options.plain = true;
  (void)rewritten(plain, options);
  EXPECT_EQ(plain.root()["defaultdict"].dict_flavor(), DictFlavor::dict);
  EXPECT_EQ(plain.root()["named"].kind(), Kind::tuple);
  EXPECT_EQ(plain.root()["counter"].dict_flavor(), DictFlavor::counter);
}

TEST(Rewrite, FloatsFor1_13AreTensorsWithoutDimensionsWhereThatIsAllowed) {
  Checkpoint model = checkpoint({{"lr", 0.125}, {"epoch", 3}, {"again", 0.5}});
  EXPECT_THAT(
      error_of([&] { (void)rewritten(model, options_for(1, 13, true)); }),
      is_error(ErrorCode::unsupported, "a float, which PyTorch 1.13 with weights_only does not open: lr, again"));
  RewriteOptions options = options_for(1, 13, true);
  options.plain = true;
  (void)rewritten(model, options);
  EXPECT_EQ(model.tensor("lr").item<double>(), 0.125);
  EXPECT_EQ(model.tensor("again").item<double>(), 0.5);
  EXPECT_TRUE(model.tensor("lr").storage().is(model.tensor("again").storage())) << "one record for all of them";
  EXPECT_EQ(model.root()["epoch"].as_int(), 3);
}

TEST(Rewrite, AnObjectThatTheTableOfFactsDoesNotKnowIsNotWrittenForAnOlderRelease) {
  Checkpoint model = real_file("nested_jagged");
  EXPECT_THROW((void)rewritten(model, options_for(1, 7)), Error);
}

TEST(Rewrite, OfManyPlacesTheFirstAreNamed) {
  Checkpoint model;
  for (int at = 0; at < 40; ++at) model["f" + std::to_string(at)] = 0.5;
  EXPECT_THAT(std::string(error_of([&] { (void)rewritten(model, options_for(1, 13, true)); }).what()),
              AllOf(HasSubstr("f0, f1, f2"), HasSubstr("f11, and 28 more"), Not(HasSubstr("f12"))));
}

}  // namespace
}  // namespace sconce
