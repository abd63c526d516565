// match_state_dict(): which tensor goes where, and what is to be said.
#include <string>

#include "model/matching/match_builder.h"

namespace sconce {
namespace {

using test::error_of;
using test::filled;
using test::findings_of;
using test::is_error;
using test::pairs_of;
using test::state_dict;
using test::target;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

MatchOptions loose() {
  MatchOptions options;
  options.strict = false;
  return options;
}

TEST(MatchStateDict, TakesEqualNamesAndShapes) {
  const Target wanted = target({{"fc.weight", {2, 3}}, {"fc.bias", {2}}});
  const MatchReport report = match_state_dict(state_dict({{"fc.bias", {2}}, {"fc.weight", {2, 3}}}), wanted);
  EXPECT_TRUE(report.fits);
  EXPECT_EQ(findings_of(report), "");
  EXPECT_EQ(pairs_of(report, wanted), "fc.weight <- fc.weight\nfc.bias <- fc.bias\n") << "in the target's order";
  EXPECT_THAT(report.proposed, IsEmpty());
  EXPECT_EQ(torch_message(report, wanted), "");
  EXPECT_THAT(to_text(report, wanted), HasSubstr("fits: 2 of 2 entries of the model are filled, from 2"));
}

TEST(MatchStateDict, ListsWhatIsMissingAndUnexpectedUnlessNotStrict) {
  const Target wanted = target({{"fc.weight", {2, 3}}, {"fc.bias", {2}}});
  const Checkpoint source = state_dict({{"fc.weight", {2, 3}}, {"head.other", {5}}});
  const MatchReport strict = match_state_dict(source, wanted);
  EXPECT_FALSE(strict.fits);
  EXPECT_EQ(findings_of(strict), "missing fc.bias\nunexpected head.other\n");
  EXPECT_EQ(torch_message(strict, wanted),
            "Error(s) in loading state_dict for the model:\n"
            "\tMissing key(s) in state_dict: \"fc.bias\". \n"
            "\tUnexpected key(s) in state_dict: \"head.other\". ");
  const MatchReport report = match_state_dict(source, wanted, loose());
  EXPECT_TRUE(report.fits);
  EXPECT_EQ(findings_of(report), findings_of(strict)) << "said, but not held against it";
  EXPECT_EQ(torch_message(report, wanted, false), "");
}

TEST(MatchStateDict, RefusesAnotherShapeStrictOrNotUnlessItMayBeSkipped) {
  const Target wanted = target({{"head.weight", {10, 512}}, {"body.weight", {3}}});
  const Checkpoint source = state_dict({{"head.weight", {1000, 512}}, {"body.weight", {3}}});
  MatchOptions options = loose();
  const MatchReport refused = match_state_dict(source, wanted, options);
  EXPECT_FALSE(refused.fits);
  ASSERT_EQ(refused.findings.size(), 1U);
  EXPECT_EQ(refused.findings[0].message,
            "size mismatch for head.weight: copying a param with shape torch.Size([1000, 512]) from checkpoint, the "
            "shape in current model is torch.Size([10, 512]).");
  EXPECT_EQ(refused.findings[0].expected, "float32 [10, 512]");
  EXPECT_EQ(refused.findings[0].found, "float32 [1000, 512]");
  options.skip_mismatched = true;
  const MatchReport skipped = match_state_dict(source, wanted, options);
  EXPECT_TRUE(skipped.fits);
  EXPECT_EQ(findings_of(skipped), "shape head.weight skipped\n");
  EXPECT_EQ(pairs_of(skipped, wanted), "body.weight <- body.weight\n");
}

TEST(MatchStateDict, TakesOneElementForANumberAsPyTorchDoes) {
  const Target wanted = target({{"scale", {}}});
  const MatchReport report = match_state_dict(state_dict({{"scale", {1}}}), wanted);
  ASSERT_TRUE(report.fits) << to_text(report, wanted);
  EXPECT_THAT(report.matched.at(0).tensor.shape(), IsEmpty());
  EXPECT_THAT(report.matched.at(0).steps, ElementsAre("reshape [1] to []"));
  EXPECT_EQ(findings_of(match_state_dict(state_dict({{"scale", {2}}}), wanted)), "shape scale\n");
  EXPECT_EQ(findings_of(match_state_dict(state_dict({{"scale", {}}}), target({{"scale", {1}}}))), "shape scale\n");
}

TEST(MatchStateDict, CastsUnlessToldNotToAndKeepsTheDtypeWhereItAssigns) {
  const Target wanted = target({{"w", {2}}});
  const Checkpoint source = test::checkpoint({{"w", test::vector_of<double>({1, 2})}});
  MatchOptions options;
  EXPECT_THAT(match_state_dict(source, wanted).matched.at(0).steps, ElementsAre("cast float64 to float32"));
  options.cast = false;
  const MatchReport report = match_state_dict(source, wanted, options);
  EXPECT_EQ(findings_of(report), "dtype w\n");
  EXPECT_FALSE(report.fits);
  EXPECT_EQ(torch_message(report, wanted), "") << "PyTorch would cast";
  options.assign = true;
  EXPECT_TRUE(match_state_dict(source, wanted, options).fits);
  EXPECT_THAT(match_state_dict(source, wanted, options).matched.at(0).steps, IsEmpty());
}

TEST(MatchStateDict, SuggestsNearNamesOfTheOtherSideThoseOfTheSameShapeFirst) {
  const Target wanted = target({{"fc.weight", {2, 3}}, {"fc.bias", {2}}});
  const MatchReport report =
      match_state_dict(state_dict({{"fc.weigth", {2, 3}}, {"fc.weights", {7}}, {"fc.bias", {2}}}), wanted);
  ASSERT_EQ(findings_of(report), "missing fc.weight\nunexpected fc.weigth\nunexpected fc.weights\n");
  EXPECT_THAT(report.findings[0].suggestions, ElementsAre("fc.weigth", "fc.weights"));
  EXPECT_THAT(report.findings[1].suggestions, ElementsAre("fc.weight"));
  EXPECT_THAT(to_text(report, wanted), HasSubstr("\"fc.weight\": did you mean \"fc.weigth\" or \"fc.weights\"?"));
}

TEST(MatchStateDict, NamesAreNotTakenForOneAnotherByTheirNumbers) {
  const Target wanted = target({{"layer.10.weight", {2, 3}}});
  const MatchReport report = match_state_dict(state_dict({{"layer.1.weight", {4}}}), wanted);
  EXPECT_THAT(report.findings.at(0).suggestions, IsEmpty());
}

TEST(MatchStateDict, RefusesWhatIsNoTensor) {
  const Target wanted = target({{"w", {2}}, {"v", {2}}});
  const Checkpoint source = test::checkpoint({{"x.w", filled({2})}, {"w", 3}, {"v", filled({2})}});
  const MatchReport report = match_state_dict(source, wanted, loose());
  EXPECT_EQ(findings_of(report), "unexpected x.w\nunreadable w\n");
  EXPECT_EQ(report.findings[1].message,
            "While copying the parameter named \"w\", expected torch.Tensor or Tensor-like object from checkpoint but "
            "received <class 'int'>");
  EXPECT_FALSE(report.fits);
}

TEST(MatchStateDict, TakesPartsThatWereSavedBesideOneAnother) {
  const Checkpoint source = test::checkpoint(
      {{"encoder", Literal::dict({{"w", filled({2})}})}, {"decoder", Literal::dict({{"w", filled({2})}})}});
  EXPECT_TRUE(match_state_dict(source, target({{"encoder.w", {2}}, {"decoder.w", {2}}})).fits);
}

TEST(MatchStateDict, NamesThatReadAlikeCollide) {
  const Checkpoint source =
      test::checkpoint({{"a", Literal::dict({{"b.w", filled({2})}, {"b", Literal::dict({{"w", filled({2}, 1)}})}})}});
  const Target wanted = target({{"a.b.w", {2}}});
  const MatchReport report = match_state_dict(source, wanted);
  EXPECT_EQ(findings_of(report), "collision a.b.w\n");
  EXPECT_THAT(report.findings.at(0).message, HasSubstr("two entries that read \"a.b.w\""));
  EXPECT_FALSE(report.fits);
}

TEST(MatchStateDict, NamesThatBecomeOneCollide) {
  MatchOptions options = loose();
  options.strip = {"module."};
  const Checkpoint source = state_dict({{"module.w", {2}}, {"w", {2}}, {"module.x", {1}}, {"x", {1}}});
  const MatchReport report = match_state_dict(source, target({{"w", {2}}}), options);
  EXPECT_EQ(findings_of(report), "unexpected x\ncollision w\ncollision x skipped\n") << "nobody wants x";
  EXPECT_EQ(report.findings[1].message, "\"module.w\" and \"w\" both become \"w\"");
  EXPECT_FALSE(report.fits);
}

TEST(MatchStateDict, TiedTensorsMayBeSavedOnceOrTwiceButNotWithTwoValues) {
  Target wanted = target({{"embed.weight", {2}}, {"head.weight", {2}}});
  wanted.entries[0].shared = wanted.entries[1].shared = 1;
  const Tensor tied = filled({2}, 1);
  EXPECT_TRUE(match_state_dict(test::checkpoint({{"embed.weight", tied}, {"head.weight", tied}}), wanted).fits);
  const Checkpoint twice = test::checkpoint({{"embed.weight", tied}, {"head.weight", filled({2}, 1)}});
  EXPECT_TRUE(match_state_dict(twice, wanted).fits) << "equal bytes";
  const Checkpoint different = test::checkpoint({{"embed.weight", tied}, {"head.weight", filled({2}, 3)}});
  const MatchReport report = match_state_dict(different, wanted, loose());
  EXPECT_EQ(findings_of(report), "contradiction head.weight\n");
  EXPECT_FALSE(report.fits) << "not strict is about names";
  const MatchReport once = match_state_dict(test::checkpoint({{"embed.weight", tied}}), wanted);
  EXPECT_TRUE(once.fits) << "safetensors saves tied tensors once";
  EXPECT_EQ(findings_of(once), "missing head.weight skipped\n");
  EXPECT_THAT(once.notes, ElementsAre(HasSubstr("the same tensor as \"embed.weight\"")));
}

TEST(MatchStateDict, ExtraStateIsOneEntryWhateverIsInside) {
  Target wanted = target({{"m.w", {2}}, {"m._extra_state", {}}});
  wanted.entries[1].value = true;
  const Checkpoint source = test::checkpoint(
      {{"m.w", filled({2})}, {"m._extra_state", Literal::dict({{"scale", filled({1})}, {"step", 3}})}});
  EXPECT_TRUE(match_state_dict(source, wanted).fits);
  EXPECT_EQ(findings_of(match_state_dict(source, target({{"m.w", {2}}}))), "unexpected m._extra_state\n");
  EXPECT_EQ(findings_of(match_state_dict(state_dict({{"m.w", {2}}}), wanted)), "missing m._extra_state\n");
}

TEST(MatchStateDict, TargetOfAnotherCheckpointHasItsShapesTiesAndVersions) {
  const Tensor tied = filled({2});
  Checkpoint like = test::with_versions({{"bn.weight", {3}}}, {{"", 1}, {"bn", 2}});
  like.root().set("a", tied);
  like.root().set("b", tied);
  like.root().set("bn.running_mean", filled({3}));
  const Target wanted = target_of(like);
  ASSERT_EQ(wanted.entries.size(), 4U);
  EXPECT_EQ(wanted.entries[0].name, "bn.weight");
  EXPECT_THAT(wanted.entries[0].shape, ElementsAre(3));
  EXPECT_EQ(wanted.entries[0].shared, 0U);
  EXPECT_EQ(wanted.entries[1].shared, wanted.entries[2].shared);
  EXPECT_NE(wanted.entries[1].shared, 0U);
  EXPECT_TRUE(wanted.entries[3].buffer);
  ASSERT_EQ(wanted.modules.size(), 2U);
  EXPECT_EQ(wanted.modules[1].version, 2);
  EXPECT_TRUE(match_state_dict(like, wanted).fits);
}

TEST(MatchStateDict, TakesTheOneOfSeveralThatIsOfTheModelAndGuessesNothing) {
  const auto dict = [](const std::string& name) { return Literal::ordered_dict({{name, filled({2})}}); };
  const Target wanted = target({{"g.w", {2}}});
  const Checkpoint gan = test::checkpoint({{"generator", dict("g.w")}, {"discriminator", dict("d.w")}});
  const MatchReport report = match_state_dict(gan, wanted);
  EXPECT_TRUE(report.fits);
  EXPECT_EQ(report.source_path, "generator");
  EXPECT_THAT(report.notes, ElementsAre("of 2 state_dicts only \"generator\" is of this model"));
  const Checkpoint averaged = test::checkpoint({{"model", dict("g.w")}, {"ema", dict("g.w")}});
  EXPECT_THAT(error_of([&] { (void)match_state_dict(averaged, wanted); }), is_error(ErrorCode::not_found, "several"));
  EXPECT_EQ(match_state_dict(averaged, wanted, {}, "ema").source_path, "ema");
}

TEST(MatchStateDict, SaysWhereThereIsNoStateDict) {
  const Checkpoint none = test::checkpoint({{"epoch", 3}});
  EXPECT_THAT(error_of([&] { (void)match_state_dict(none, {}); }), is_error(ErrorCode::not_found, "state_dict"));
}

TEST(MatchStateDict, NamesOfAFileAreEscapedInText) {
  const Target wanted = target({{"w", {2}}});
  const std::string text = to_text(match_state_dict(state_dict({{"w", {2}}, {"\x1b[31m", {2}}}), wanted), wanted);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(MatchStateDict, JsonHasAllOfIt) {
  const Target wanted = target({{"w", {2}}, {"v", {1}}});
  EXPECT_EQ(to_json(match_state_dict(state_dict({{"w", {2}}}), wanted), wanted),
            R"({"fits":false,"state_dict":"","targets":2,"sources":1,)"
            R"("matched":[{"name":"w","source":"w","dtype":"float32","shape":[2],"steps":[]}],)"
            R"("findings":[{"kind":"missing","name":"v","source":null,)"
            R"("message":"Missing key(s) in state_dict: \"v\".","expected":"float32 [1]","found":null,)"
            R"("suggestions":[],"skipped":false}],"proposed":[],"applied":[],"notes":[]})");
}

}  // namespace
}  // namespace sconce
