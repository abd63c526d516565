// Rename rules: what a pattern matches, what becomes of it, and how a file of rules is read.
#include <ctime>
#include <string>

#include "model/matching/match_builder.h"
#include "model/matching/rename.h"

namespace sconce {
namespace {

using test::error_of;
using test::is_error;
using ::testing::ElementsAre;

std::string renamed(const std::string& from, const std::string& to, std::string name) {
  (void)model::matching::Renamer({from, to}).apply(name);
  return name;
}

std::string text_of(const std::vector<RenameRule>& rules) {
  std::string text;
  for (const RenameRule& rule : rules) text += "<" + rule.from + "|" + rule.to + ">";
  return text;
}

TEST(RenameRule, ReplacesLiteralTextAtEveryPlace) {
  EXPECT_EQ(renamed("gamma", "weight", "norm.gamma"), "norm.weight");
  EXPECT_EQ(renamed("a", "bb", "a.a.ca"), "bb.bb.cbb");
  EXPECT_EQ(renamed("gamma", "weight", "norm.beta"), "norm.beta");
  EXPECT_EQ(renamed(".attn.", ".", "x.attn.attn.y"), "x.attn.y") << "places do not overlap";
}

TEST(RenameRule, KnowsBothEnds) {
  EXPECT_EQ(renamed("^fc.", "head.", "fc.fc.weight"), "head.fc.weight");
  EXPECT_EQ(renamed("^fc.", "head.", "my.fc.weight"), "my.fc.weight");
  EXPECT_EQ(renamed(".gamma$", ".weight", "x.gamma.gamma"), "x.gamma.weight");
  EXPECT_EQ(renamed("^a.b$", "c", "a.b"), "c");
  EXPECT_EQ(renamed("^a.b$", "c", "a.bb"), "a.bb");
  EXPECT_EQ(renamed("^", "model.", "fc"), "model.fc");
  EXPECT_EQ(renamed("$", ".0", "fc"), "fc.0");
  EXPECT_EQ(renamed("^module.", "", "module.fc"), "fc");
}

TEST(RenameRule, StarsTakeOneOrMoreCharactersAndAreRemembered) {
  EXPECT_EQ(renamed("^layers.*.attn.*$", "blocks.\\1.self_attn.\\2", "layers.12.attn.q.weight"),
            "blocks.12.self_attn.q.weight");
  EXPECT_EQ(renamed("^*.weight$", "\\1.w", "a.b.weight"), "a.b.w");
  EXPECT_EQ(renamed("layer*.", "block\\1.", "x.layer3.conv"), "x.block3.conv");
  EXPECT_EQ(renamed("a*b", "[\\1]", "ab.axb"), "[b.ax]") << "at least one character, then as few as can be";
  EXPECT_EQ(renamed("^down.*.res.*.", "\\2-\\1-", "down.1.res.2.w"), "2-1-w");
  EXPECT_EQ(renamed("encoder.*", "e.\\1\\1", "my.encoder.x.y"), "my.e.x.yx.y") << "at an end a star takes all";
  EXPECT_EQ(renamed("a.*", "b.\\1", "a."), "a.");
}

TEST(RenameRule, BackslashesTakeTheMeaningAway) {
  EXPECT_EQ(renamed("a\\*b", "c", "a*b"), "c");
  EXPECT_EQ(renamed("\\^x\\$", "y", "^x$"), "y");
  EXPECT_EQ(renamed("x", "\\\\1", "x"), "\\1");
}

TEST(RenameRule, RefusesWhatCannotBe) {
  const auto refused = [](const std::string& from, const std::string& to, const std::string& words) {
    EXPECT_THAT(error_of([&] {
                  (void)model::matching::Renamer({from, to});
                }),
                is_error(ErrorCode::invalid_argument, words))
        << from;
  };
  refused("", "x", "nothing to look for");
  refused("^$", "x", "nothing to look for");
  refused("a**b", "x", "two stars");
  refused("a*", "\\2", "no star \\2");
  refused("a", "\\1", "no star \\1");
  refused("a\\", "x", "backslash at the end");
  refused("a*b*c*d*e*f*g*h*i*j*k", "x", "more than nine stars");
}

TEST(RenameRule, TakesLinearTimeForNamesMadeToHurt) {
  const std::string name(200'000, 'a');
  const std::clock_t begin = std::clock();
  EXPECT_EQ(renamed("*a*a*a*a*a*a*a*ab$", "x", name), name);
  EXPECT_EQ(renamed(std::string(20'000, 'a') + "b", "x", name), name);
  EXPECT_LT(std::clock() - begin, 5 * CLOCKS_PER_SEC);
}

TEST(RenameRule, DoesNotLetNamesGrowWithoutEnd) {
  MatchOptions options;
  for (int i = 0; i < 64; ++i) options.rename.push_back({"^*$", "\\1\\1"});
  EXPECT_THAT(error_of([&] {
                (void)match_state_dict(test::state_dict({{"w", {1}}}), {}, options);
              }),
              is_error(ErrorCode::invalid_argument, "longer than"));
}

TEST(RenameRules, AreReadFromText) {
  EXPECT_EQ(text_of(rename_rules("# a comment\n\n^module. -> \n  fc. -> head.   # trailing\r\nx#y->z\n^ -> model.")),
            "<^module.|><fc.|head.><x#y|z><^|model.>");
  EXPECT_EQ(text_of(rename_rules("")), "");
}

TEST(RenameRules, SayInWhichLineTheyAreWrong) {
  EXPECT_THAT(error_of([] { (void)rename_rules("a -> b\n\nfc head\n"); }),
              is_error(ErrorCode::invalid_argument, "line 3 of the rename rules: there is no \"->\""));
  EXPECT_THAT(error_of([] { (void)rename_rules("a -> b -> c"); }), is_error(ErrorCode::invalid_argument, "two \"->\""));
  EXPECT_THAT(error_of([] { (void)rename_rules("a -> b\nx -> \\1"); }),
              is_error(ErrorCode::invalid_argument, "line 2 of the rename rules"));
}

TEST(RenameRules, AreAppliedInTheirOrderBehindPrefixes) {
  MatchOptions options;
  options.strip = {"module."};
  options.rename = rename_rules("^fc. -> head.\nhead.gamma -> head.weight\n^n_averaged$ ->\n");
  const Target wanted = test::target({{"head.weight", {2}}});
  const Checkpoint source = test::state_dict({{"module.fc.gamma", {2}}, {"n_averaged", {}}});
  const MatchReport report = match_state_dict(source, wanted, options);
  ASSERT_TRUE(report.fits) << "of n_averaged nothing is left: " << to_text(report, wanted);
  EXPECT_EQ(report.matched[0].source, "module.fc.gamma");
  EXPECT_THAT(report.matched[0].steps,
              ElementsAre("strip module.", "rename ^fc. -> head.", "rename head.gamma -> head.weight"));
  EXPECT_THAT(report.applied,
              ElementsAre("strip module. (1 name)", "rename ^fc. -> head. (1 name)",
                          "rename head.gamma -> head.weight (1 name)", "rename ^n_averaged$ ->  (1 name)"));
}

}  // namespace
}  // namespace sconce
